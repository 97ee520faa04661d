"""The synthetic studies that ship: what each shows, what should become of it, and where its file is."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from pneumoscope.core import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One file of the demo.

    Attributes:
        name: File name without its ending.
        shows: What a person sees in it.
        status: What should become of it.
        reason: What should be said of a study that is not analysed; None for one that is.
    """

    name: str
    shows: str
    status: Status
    reason: str | None = None


_STUDIES = (
    Study(
        name="1-chest-pa",
        shows="PA chest, clear lungs",
        status=Status.ANALYSED,
    ),
    Study(
        name="2-chest-ap",
        shows="AP chest, clear lungs, stored inverted (MONOCHROME1)",
        status=Status.ANALYSED,
    ),
    Study(
        name="3-chest-pa-opacity",
        shows="PA chest, airspace opacity in the right lower zone",
        status=Status.ANALYSED,
    ),
    Study(
        name="4-ct-slice",
        shows="axial CT slice",
        status=Status.REFUSED,
        reason="modality",
    ),
    Study(
        name="5-hand",
        shows="hand",
        status=Status.REFUSED,
        reason="body part",
    ),
    Study(
        name="6-chest-lateral",
        shows="lateral chest",
        status=Status.REFUSED,
        reason="view",
    ),
    Study(
        name="7-hand-labelled-chest",
        shows="hand, labelled CHEST PA by mistake",
        status=Status.REFUSED,
        reason="pixels",
    ),
    Study(
        name="8-truncated",
        shows="PA chest whose transfer broke off",
        status=Status.FAILED,
        reason="truncated file",
    ),
)


def studies() -> tuple[Study, ...]:
    """Return the demo's studies, in the order of their names."""
    return _STUDIES


def studies_folder() -> Path:
    """Return the installed folder with the studies' files."""
    return Path(str(files("pneumoscope.phantom").joinpath("studies")))
