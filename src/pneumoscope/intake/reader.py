"""One source -> `Radiograph`, or an error that says what was expected and found."""

from pathlib import Path

import numpy as np
from jaxtyping import Float32
from pydicom import Dataset
from pydicom.tag import Tag
from pydicom.uid import UID

from pneumoscope.core import Format, Radiograph, UnreadableError
from pneumoscope.intake.dataset import header_of, parse
from pneumoscope.intake.frame import PixelData, is_single_grey, size_of, stored_values
from pneumoscope.intake.grey import to_grey
from pneumoscope.intake.header import age_years
from pneumoscope.intake.projection import view_of
from pneumoscope.intake.raster import JPEG_MAGIC, PNG_MAGIC, read_raster
from pneumoscope.intake.sources import ImageSource, source_of

_PIXEL_DATA = Tag("PixelData")
_PREFIX = slice(128, 132)


def read_radiograph(source: ImageSource | Path | str) -> Radiograph:
    """The radiograph in one file or zip member; the format is told by the content, not by the name.

    An image that is not a single grey frame is readable, but has no pixels: its checks say so.

    Raises:
        UnreadableError: Whatever is wrong with the bytes, or with getting them.
    """
    if not isinstance(source, ImageSource):
        source = source_of(Path(source))
    content = source.read_bytes()
    if content[_PREFIX] != b"DICM":
        for magic, kind in ((PNG_MAGIC, Format.PNG), (JPEG_MAGIC, Format.JPEG)):
            if content.startswith(magic):
                return read_raster(content, path=source.path, kind=kind)
    dataset, syntax = parse(content, path=source.path)
    header, dropped = header_of(dataset, path=source.path)
    pixel_data = _pixel_data(dataset, syntax=syntax, path=source.path)
    pixels: Float32[np.ndarray, "h w"] | None = None
    steps: tuple[str, ...] = ()
    if is_single_grey(header):
        pixels, steps = to_grey(stored_values(header, pixel_data, path=source.path), header)
    else:
        size_of(header, path=source.path)
    if dropped:
        steps = (f"malformed, ignored: {', '.join(dropped)}", *steps)
    return Radiograph(
        path=source.path,
        format=Format.DICOM,
        header=header,
        pixels=pixels,
        steps=steps,
        view=view_of(header),
        age_years=age_years(header),
    )


def _pixel_data(dataset: Dataset, *, syntax: UID, path: str) -> PixelData:
    element = dataset.get_item(_PIXEL_DATA) if _PIXEL_DATA in dataset else None
    value = element.value if element is not None else None
    if element is None or not isinstance(value, bytes) or not value:
        found = "none: absent, empty or cut off"
        raise UnreadableError("pixel_data", expected="Pixel Data (7FE0,0010)", found=found, path=path)
    return PixelData(value=value, vr=str(element.VR), syntax=syntax)
