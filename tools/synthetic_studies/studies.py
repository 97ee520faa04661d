"""How each of the demo's studies is drawn, and their files; `pneumoscope.phantom` says what each shows."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from pydicom import Dataset

from pneumoscope.core import View
from pneumoscope.phantom import Study, studies
from synthetic_studies.chest import Opacity, Zone, chest_phantom
from synthetic_studies.header import Header, ct_slice, digital_xray
from synthetic_studies.lateral import lateral_phantom
from synthetic_studies.others import axial_slice, hand_phantom

_EXPLICIT = "1.2.840.10008.1.2.1"
_JPEG_LS = "1.2.840.10008.1.2.4.80"
_JPEG_2000 = "1.2.840.10008.1.2.4.90"
_RLE = "1.2.840.10008.1.2.5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """How one study of the demo is made.

    Attributes:
        study: What it shows, and what should become of it.
        header: What its header says.
        draw: Makes its pixels: grey values in [0, 1], or Hounsfield units for a CT.
        wrap: Makes a DICOM object of pixels and header.
        transfer_syntax: UID of its encoding; all are lossless.
        kept: Share of the file's bytes that is written; less than 1 for a broken transfer.
    """

    study: Study
    header: Header
    draw: Callable[[], np.ndarray]
    wrap: Callable[[np.ndarray, Header], Dataset] = digital_xray
    transfer_syntax: str
    kept: float = 1.0


_SHIPPED = {study.name: study for study in studies()}


def drawings() -> tuple[Drawing, ...]:
    """Return the demo's studies, in the order of their names."""
    return (*_accepted(), *_not_accepted())


def write_studies(folder: Path) -> tuple[Path, ...]:
    """Draw every study and write it to `folder` as NAME.dcm; return the paths, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for drawing in drawings():
        path = folder / f"{drawing.study.name}.dcm"
        content = encoded(drawing)
        path.write_bytes(content[: int(drawing.kept * len(content))])
        paths.append(path)
    return tuple(paths)


def encoded(drawing: Drawing) -> bytes:
    """Return the study as a whole DICOM Part 10 file, in its transfer syntax."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    ds = drawing.wrap(drawing.draw(), drawing.header)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(_EXPLICIT)
    if drawing.transfer_syntax != _EXPLICIT:
        ds.compress(UID(drawing.transfer_syntax), generate_instance_uid=False)
    buffer = BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _accepted() -> tuple[Drawing, ...]:
    return (
        Drawing(
            study=_SHIPPED["1-chest-pa"],
            header=Header(number=1, sex="M", age_years=46, pixel_mm=0.36),
            draw=lambda: chest_phantom(seed=21, view=View.PA),
            transfer_syntax=_JPEG_LS,
        ),
        Drawing(
            study=_SHIPPED["2-chest-ap"],
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
        Drawing(
            study=_SHIPPED["3-chest-pa-opacity"],
            header=Header(number=3, sex="M", age_years=58, black=64, white=3970, pixel_mm=0.36),
            draw=lambda: chest_phantom(seed=25, view=View.PA, opacities=(Opacity(Zone.RIGHT_LOWER),)),
            transfer_syntax=_JPEG_2000,
        ),
    )


def _not_accepted() -> tuple[Drawing, ...]:
    return (
        Drawing(
            study=_SHIPPED["4-ct-slice"],
            header=Header(number=4, sex="M", age_years=51, pixel_mm=0.78),
            draw=lambda: axial_slice(seed=4),
            wrap=ct_slice,
            transfer_syntax=_RLE,
        ),
        Drawing(
            study=_SHIPPED["5-hand"],
            header=Header(number=5, sex="F", age_years=37, body_part="HAND", pixel_mm=0.43),
            draw=lambda: hand_phantom(seed=5, size_px=560),
            transfer_syntax=_EXPLICIT,
        ),
        Drawing(
            study=_SHIPPED["6-chest-lateral"],
            header=Header(number=6, sex="M", age_years=46, view_position="LL", pixel_mm=0.56),
            draw=lambda: lateral_phantom(seed=6, size_px=680),
            transfer_syntax=_JPEG_LS,
        ),
        Drawing(
            study=_SHIPPED["7-hand-labelled-chest"],
            header=Header(number=7, sex="M", age_years=29, pixel_mm=0.43),
            draw=lambda: hand_phantom(seed=7, size_px=560),
            transfer_syntax=_JPEG_LS,
        ),
        Drawing(
            study=_SHIPPED["8-truncated"],
            header=Header(number=8, sex="F", age_years=70, pixel_mm=0.71),
            draw=lambda: chest_phantom(seed=10, view=View.PA, size_px=512),
            transfer_syntax=_EXPLICIT,
            kept=0.6,
        ),
    )
