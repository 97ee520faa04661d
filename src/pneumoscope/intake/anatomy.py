"""Which body part the header names, in text and in codes."""

from pydicom import Dataset

from pneumoscope.intake.header import codes, text

# PS3.16 Annex L: CHEST is the defined term for (SCT, 816094009); THORAX is what many devices write. Some append
# the projection. CHESTABDOMEN and the like are other regions.
_CHEST_WORDS = {"CHEST", "THORAX"}
_PROJECTION_WORDS = {"PA", "AP"}

# PS3.16 CID 4 "Anatomic Region": Thorax, in SNOMED CT (current and before 2021) and in SNOMED RT.
_CHEST_CODES = {("SCT", "816094009"), ("SCT", "51185008"), ("SRT", "T-D3000"), ("SNM3", "T-D3000")}
_STANDARD_SCHEMES = {"SCT", "SRT", "SNM3"}


def is_chest_text(value: str) -> bool:
    """Whether a Body Part Examined names the chest and nothing beside it."""
    words = set(value.upper().replace("_", " ").replace("-", " ").replace(",", " ").split())
    return bool(words & _CHEST_WORDS) and words <= _CHEST_WORDS | _PROJECTION_WORDS


def regions(header: Dataset) -> tuple[tuple[str, bool], ...]:
    """Each body part that the header names, as (what it says, whether that is the chest alone).

    Body Part Examined, then the Anatomic Region Sequence; codes of private schemes are not understood, and
    are left out.
    """
    named = []
    if part := text(header, "BodyPartExamined"):
        named.append((part, is_chest_text(part)))
    for scheme, value, meaning in codes(header, "AnatomicRegionSequence"):
        if scheme in _STANDARD_SCHEMES:
            named.append((f"({scheme}, {value}, {meaning})", (scheme, value) in _CHEST_CODES))
    return tuple(named)
