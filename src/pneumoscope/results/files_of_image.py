"""The overlay, report and capture of one analysed image, as files."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from pydicom import Dataset

from pneumoscope.core import Radiograph, Reading
from pneumoscope.results.objects import ModelSummary, Outputs, ResultObject
from pneumoscope.results.source import Source, source
from pneumoscope.results.storage import ENDINGS, stem, write_whole

_DRAWN = frozenset({ResultObject.OVERLAY, ResultObject.SC})
_DICOM = frozenset({ResultObject.SR, ResultObject.SC})


def write_files(
    reading: Reading,
    radiograph: Radiograph | None,
    *,
    directory: Path,
    card: ModelSummary,
    wanted: frozenset[ResultObject],
) -> Outputs:
    """Writes the wanted objects of an analysed reading; notes say which could not be made, and why.

    Raises:
        ConfigError: A file could not be written.
    """
    name, names, notes = stem(reading.path), dict[ResultObject, str](), list[str]()
    pixels = _drawn(reading, radiograph) if wanted & _DRAWN else None
    if wanted & _DRAWN and pixels is None:
        notes.append("no overlay and no SC: the image's pixels are not at hand")
    if pixels is not None and ResultObject.OVERLAY in wanted:
        names[ResultObject.OVERLAY] = _write_png(directory / f"{name}{ENDINGS[ResultObject.OVERLAY]}", pixels)
    if wanted & _DICOM:
        about, told = _about(radiograph)
        notes += told
        if about and ResultObject.SR in wanted:
            from pneumoscope.results.report import report_about

            report = report_about(about, reading=reading, card=card)
            names[ResultObject.SR] = _write_dicom(directory / f"{name}{ENDINGS[ResultObject.SR]}", report)
        if about and pixels is not None and ResultObject.SC in wanted:
            from pneumoscope.results.capture import capture_about

            capture = capture_about(about, reading=reading, pixels=pixels)
            names[ResultObject.SC] = _write_dicom(directory / f"{name}{ENDINGS[ResultObject.SC]}", capture)
    return Outputs(
        overlay=names.get(ResultObject.OVERLAY),
        sr=names.get(ResultObject.SR),
        sc=names.get(ResultObject.SC),
        notes=tuple(notes),
    )


def _drawn(reading: Reading, radiograph: Radiograph | None) -> UInt8[np.ndarray, "h w 3"] | None:
    if radiograph is None or radiograph.pixels is None:
        return None
    from pneumoscope.results.overlay import overlay

    return overlay(reading, radiograph)


def _about(radiograph: Radiograph | None) -> tuple[Source | None, list[str]]:
    """What DICOM objects can refer to, and what there is to say about it."""
    if radiograph is None:
        return None, ["no SR and no SC: the image's header is not at hand"]
    if radiograph.header is None:
        return None, [f"no SR and no SC: a {radiograph.format} image has no study that they could belong to"]
    about = source(radiograph.header)
    if about.obstacles:
        return None, [f"no SR and no SC: in the image {', '.join(about.obstacles)}"]
    if about.left_out:
        return about, [f"left out of SR and SC, because not valid in the image: {', '.join(about.left_out)}"]
    return about, []


def _write_png(path: Path, pixels: UInt8[np.ndarray, "h w 3"]) -> str:
    from pneumoscope.results.overlay import save_png

    write_whole(path, save=lambda stream: save_png(pixels, stream=stream))
    return path.name


def _write_dicom(path: Path, ds: Dataset) -> str:
    from pydicom import dcmwrite

    write_whole(path, save=lambda stream: dcmwrite(stream, ds, enforce_file_format=True))
    return path.name
