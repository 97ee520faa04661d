r"""The projection (view) by the header: one derivation for the record and for the check.

View Position has a handful of defined terms and is filled with whatever a technician's console offers; the words are in
`view_words`. Patient Orientation (PS3.3 C.7.6.1.1.1) tells frontal from lateral, however the image lies: `L\F` is a
frontal film as usually displayed, `R\F` the same mirrored; `A\F` and `P\F` are laterals.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pydicom import Dataset

from pneumoscope.core import View
from pneumoscope.intake.faults import quoted
from pneumoscope.intake.header import codes, text, texts
from pneumoscope.intake.upright import frontal_directions
from pneumoscope.intake.view_words import Word, meaning_of


class Side(StrEnum):
    """What one attribute says of the projection."""

    FRONTAL = "frontal"
    LATERAL = "lateral"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one attribute says: `view` only where it tells PA from AP."""

    attribute: str
    value: str
    side: Side
    view: View | None = None

    def __str__(self) -> str:
        return f"{self.attribute} {self.value}"


# PS3.16 CID 4010 "DX View", in SNOMED CT and in the SNOMED RT codes (SRT) that older devices write.
_FRONTAL_CODES: dict[tuple[str, str], View | None] = {
    ("SCT", "399348003"): View.AP,
    ("SRT", "R-10206"): View.AP,
    ("SCT", "272479007"): View.PA,
    ("SRT", "R-10214"): View.PA,
    ("SRT", "R-40888"): View.PA,
    ("SCT", "399033003"): None,
}
_LATERAL_CODES = {
    ("SCT", "399067008"),
    ("SRT", "R-102CD"),
    ("SCT", "399173006"),
    ("SRT", "R-10236"),
    ("SCT", "399198007"),
    ("SRT", "R-10232"),
}

_STANDARD_SCHEMES = {"SCT", "SRT"}
_SAGITTAL = tuple({front, along} for front in "AP" for along in "HF")

# PS3.3 C.7.3.1.1.2: legal terms of Patient Position, about the table and not the projection.
_TABLE_POSITIONS = set(
    "HFP HFS HFDR HFDL FFP FFS FFDR FFDL LFP LFS RFP RFS AFDR AFDL PFDR PFDL SITTING".split()  # noqa: SIM905
)


def evidence(header: Dataset) -> tuple[Evidence, ...]:
    """Return what each attribute says of the projection, the most specific first; none where the header is silent.

    Patient Position, misused for the projection by some files, is heard only where no other attribute speaks.
    """
    said = (*_view_position(header), *_view_codes(header), *_patient_orientation(header))
    return said or tuple(_patient_position(header))


def view_of(header: Dataset) -> View | None:
    """Return the projection, None where the header does not say or contradicts itself about frontal and lateral."""
    said = evidence(header)
    if not said or any(item.side is not said[0].side for item in said):
        return None
    return next((item.view for item in said if item.view), None)


def _view_position(header: Dataset) -> Iterator[Evidence]:
    if value := text(header, "ViewPosition"):
        yield from _from_term("View Position", value)


def _patient_position(header: Dataset) -> Iterator[Evidence]:
    value = text(header, "PatientPosition")
    if value and value.upper() not in _TABLE_POSITIONS:
        yield from _from_term("Patient Position", value)


def _from_term(attribute: str, value: str) -> Iterator[Evidence]:
    meant = meaning_of(value) or meaning_of(_as_utf8(value))
    if meant is Word.FRONTAL:
        yield Evidence(attribute=attribute, value=quoted(value), side=Side.FRONTAL)
    elif meant in (Word.PA, Word.AP):
        yield Evidence(attribute=attribute, value=quoted(value), side=Side.FRONTAL, view=View(meant.name))
    elif meant is Word.LATERAL:
        yield Evidence(attribute=attribute, value=quoted(value), side=Side.LATERAL, view=View.LATERAL)
    elif meant is not Word.NEUTRAL:
        yield Evidence(attribute=attribute, value=quoted(value), side=Side.OTHER)


def _as_utf8(value: str) -> str:
    """Return the text that a code string's bytes are as UTF-8: beyond ASCII it has no character set (PS3.5 6.2)."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


def _view_codes(header: Dataset) -> Iterator[Evidence]:
    for scheme, value, meaning in codes(header, "ViewCodeSequence"):
        code = ("SRT" if scheme == "SNM3" else scheme, value)
        if not value or code[0] not in _STANDARD_SCHEMES:
            continue  # nobody but its maker knows what a private code means: no evidence of anything
        name = quoted(f"({scheme}, {value}, {meaning})")
        if code in _FRONTAL_CODES:
            view = _FRONTAL_CODES[code]
            yield Evidence(attribute="View Code", value=name, side=Side.FRONTAL, view=view)
        elif code in _LATERAL_CODES:
            yield Evidence(attribute="View Code", value=name, side=Side.LATERAL, view=View.LATERAL)
        else:
            yield Evidence(attribute="View Code", value=name, side=Side.OTHER)


def _patient_orientation(header: Dataset) -> Iterator[Evidence]:
    directions = texts(header, "PatientOrientation")
    if not directions:
        return
    side, view = Side.OTHER, None
    if frontal_directions(header):
        side = Side.FRONTAL
    elif len(directions) == 2 and {one[0].upper() for one in directions} in _SAGITTAL:
        side, view = Side.LATERAL, View.LATERAL
    yield Evidence(attribute="Patient Orientation", value=quoted("\\".join(directions)), side=side, view=view)
