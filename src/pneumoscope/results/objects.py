"""What the room can write, and the records that its parts share."""

from dataclasses import dataclass
from enum import StrEnum


class ResultObject(StrEnum):
    """What may be written beside `results.jsonl` and `results.csv`; those two are always written."""

    OVERLAY = "overlay"
    SR = "sr"
    SC = "sc"
    GALLERY = "gallery"


ALL_OBJECTS = frozenset(ResultObject)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSummary:
    """What a result must say of the model beyond its identity; from the model card.

    Attributes:
        intended_use: One sentence.
        licence: Terms of the weights, such as an SPDX identifier.
        preprocessing: How pixels become the network's input, in one line.
    """

    intended_use: str
    licence: str
    preprocessing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Names of the files written for one image, relative to the results folder; None where there is none.

    Attributes:
        notes: Why something is missing or was left out, in words.
    """

    overlay: str | None = None
    sr: str | None = None
    sc: str | None = None
    notes: tuple[str, ...] = ()
