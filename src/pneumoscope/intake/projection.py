r"""The projection (view) by the header: one derivation for the record and for the check.

PatientOrientation, PS3.3 C.7.6.1.1.1: the patient's direction towards which the first row and the first column
run. `L\F` is a frontal film as usually displayed; `A\F` and `P\F` are laterals.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pydicom import Dataset

from pneumoscope.core import View
from pneumoscope.intake.faults import quoted
from pneumoscope.intake.header import codes, text, texts


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


# PS3.3 C.8.1.1 (CR) and C.8.11.5 (DX): defined terms of View Position that are laterals.
_LATERAL_TERMS = {"LL", "RL", "LAT", "LATERAL", "LEFT LATERAL", "RIGHT LATERAL", "LLAT", "RLAT"}

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

# PS3.3 C.7.3.1.1.2: legal terms of Patient Position, about the table and not the projection.
_TABLE_POSITIONS = set(
    "HFP HFS HFDR HFDL FFP FFS FFDR FFDL LFP LFS RFP RFS AFDR AFDL PFDR PFDL SITTING".split()  # noqa: SIM905
)


def evidence(header: Dataset) -> tuple[Evidence, ...]:
    """What each attribute says of the projection, the most specific first; none where the header is silent.

    Patient Position, misused for the projection by some files, is heard only where no other attribute speaks.
    """
    said = (*_view_position(header), *_view_codes(header), *_patient_orientation(header))
    return said or tuple(_patient_position(header))


def view_of(header: Dataset) -> View | None:
    """The projection, None where the header does not say or contradicts itself about frontal and lateral."""
    said = evidence(header)
    if not said or any(item.side is not said[0].side for item in said):
        return None
    return next((item.view for item in said if item.view), None)


def _view_position(header: Dataset) -> Iterator[Evidence]:
    if value := text(header, "ViewPosition"):
        yield _from_term("View Position", value)


def _patient_position(header: Dataset) -> Iterator[Evidence]:
    value = text(header, "PatientPosition")
    if value and value.upper() not in _TABLE_POSITIONS:
        yield _from_term("Patient Position", value)


def _from_term(attribute: str, value: str) -> Evidence:
    term = " ".join(value.upper().replace("_", " ").split())
    if term in {View.PA, View.AP}:
        return Evidence(attribute=attribute, value=term, side=Side.FRONTAL, view=View(term))
    if term in _LATERAL_TERMS:
        return Evidence(attribute=attribute, value=quoted(value), side=Side.LATERAL, view=View.LATERAL)
    return Evidence(attribute=attribute, value=quoted(value), side=Side.OTHER)


def _view_codes(header: Dataset) -> Iterator[Evidence]:
    for scheme, value, meaning in codes(header, "ViewCodeSequence"):
        code = ("SRT" if scheme == "SNM3" else scheme, value)
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
    side = Side.OTHER
    if len(directions) == 2 and directions[1][0] == "F":
        side = {"L": Side.FRONTAL, "R": Side.FRONTAL, "A": Side.LATERAL, "P": Side.LATERAL}.get(
            directions[0][0], Side.OTHER
        )
    value = quoted("\\".join(directions))
    view = View.LATERAL if side is Side.LATERAL else None
    yield Evidence(attribute="Patient Orientation", value=value, side=side, view=view)
