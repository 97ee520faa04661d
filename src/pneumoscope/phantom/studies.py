"""The demo's studies: a table of what each shows and what a site should get for it, and their files."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import numpy as np
from pydicom import Dataset

from pneumoscope.core import Status, View
from pneumoscope.phantom.chest import Opacity, Zone, chest_phantom
from pneumoscope.phantom.header import Header, ct_slice, digital_xray
from pneumoscope.phantom.lateral import lateral_phantom
from pneumoscope.phantom.others import axial_slice, hand_phantom

_EXPLICIT = "1.2.840.10008.1.2.1"
_JPEG_LS = "1.2.840.10008.1.2.4.80"
_JPEG_2000 = "1.2.840.10008.1.2.4.90"
_RLE = "1.2.840.10008.1.2.5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """One file of the demo.

    Attributes:
        name: File name without its ending.
        shows: What a person sees in it.
        status: What should become of it.
        reason: What should be said of a study that is not analysed; None for one that is.
        header: What its header says.
        draw: Makes its pixels: grey values in [0, 1], or Hounsfield units for a CT.
        wrap: Makes a DICOM object of pixels and header.
        transfer_syntax: UID of its encoding; all are lossless.
        kept: Share of the file's bytes that is written; less than 1 for a broken transfer.
    """

    name: str
    shows: str
    status: Status
    reason: str | None = None
    header: Header
    draw: Callable[[], np.ndarray]
    wrap: Callable[[np.ndarray, Header], Dataset] = digital_xray
    transfer_syntax: str
    kept: float = 1.0


def studies() -> tuple[Study, ...]:
    """Return the demo's studies, in the order of their names."""
    return (*_accepted(), *_not_accepted())


def studies_folder() -> Path:
    """Return the installed folder with the studies' files."""
    return Path(str(files("pneumoscope.phantom").joinpath("studies")))


def write_studies(folder: Path) -> tuple[Path, ...]:
    """Draw every study and write it to `folder` as NAME.dcm; return the paths, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for study in studies():
        path = folder / f"{study.name}.dcm"
        content = encoded(study)
        path.write_bytes(content[: int(study.kept * len(content))])
        paths.append(path)
    return tuple(paths)


def encoded(study: Study) -> bytes:
    """Return the study as a whole DICOM Part 10 file, in its transfer syntax."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    ds = study.wrap(study.draw(), study.header)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(_EXPLICIT)
    if study.transfer_syntax != _EXPLICIT:
        ds.compress(UID(study.transfer_syntax), generate_instance_uid=False)
    buffer = BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _accepted() -> tuple[Study, ...]:
    return (
        Study(
            name="1-chest-pa",
            shows="PA chest, clear lungs",
            status=Status.ANALYSED,
            header=Header(number=1, sex="M", age_years=46, pixel_mm=0.36),
            draw=lambda: chest_phantom(seed=21, view=View.PA),
            transfer_syntax=_JPEG_LS,
        ),
        Study(
            name="2-chest-ap",
            shows="AP chest, clear lungs, stored inverted (MONOCHROME1)",
            status=Status.ANALYSED,
            header=Header(
                number=2,
                sex="F",
                age_years=63,
                view_position="AP",
                monochrome1=True,
                black=180,
                white=3580,
                pixel_mm=0.49,
            ),
            draw=lambda: chest_phantom(seed=24, view=View.AP, size_px=768),
            transfer_syntax=_JPEG_2000,
        ),
        Study(
            name="3-chest-pa-opacity",
            shows="PA chest, airspace opacity in the right lower zone",
            status=Status.ANALYSED,
            header=Header(number=3, sex="M", age_years=58, black=64, white=3970, pixel_mm=0.36),
            draw=lambda: chest_phantom(seed=25, view=View.PA, opacities=(Opacity(Zone.RIGHT_LOWER),)),
            transfer_syntax=_JPEG_2000,
        ),
    )


def _not_accepted() -> tuple[Study, ...]:
    return (
        Study(
            name="4-ct-slice",
            shows="axial CT slice",
            status=Status.REFUSED,
            reason="modality",
            header=Header(number=4, sex="M", age_years=51, pixel_mm=0.78),
            draw=lambda: axial_slice(seed=4),
            wrap=ct_slice,
            transfer_syntax=_RLE,
        ),
        Study(
            name="5-hand",
            shows="hand",
            status=Status.REFUSED,
            reason="body part",
            header=Header(number=5, sex="F", age_years=37, body_part="HAND", pixel_mm=0.43),
            draw=lambda: hand_phantom(seed=5, size_px=560),
            transfer_syntax=_EXPLICIT,
        ),
        Study(
            name="6-chest-lateral",
            shows="lateral chest",
            status=Status.REFUSED,
            reason="view",
            header=Header(number=6, sex="M", age_years=46, view_position="LL", pixel_mm=0.56),
            draw=lambda: lateral_phantom(seed=6, size_px=680),
            transfer_syntax=_JPEG_LS,
        ),
        Study(
            name="7-hand-labelled-chest",
            shows="hand, labelled CHEST PA by mistake",
            status=Status.REFUSED,
            reason="pixels",
            header=Header(number=7, sex="M", age_years=29, pixel_mm=0.43),
            draw=lambda: hand_phantom(seed=7, size_px=560),
            transfer_syntax=_JPEG_LS,
        ),
        Study(
            name="8-truncated",
            shows="PA chest whose transfer broke off",
            status=Status.FAILED,
            reason="truncated file",
            header=Header(number=8, sex="F", age_years=70, pixel_mm=0.71),
            draw=lambda: chest_phantom(seed=10, view=View.PA, size_px=512),
            transfer_syntax=_EXPLICIT,
            kept=0.6,
        ),
    )
