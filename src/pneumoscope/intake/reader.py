"""One source -> `Radiograph`, or an error that says what was expected and found."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float32

from pneumoscope.core import Format, Radiograph, View
from pneumoscope.intake.checks import RADIOGRAPH_CLASSES
from pneumoscope.intake.dataset import header_of, parse, without_pixels
from pneumoscope.intake.frame import is_single_grey, size_of, stored_values
from pneumoscope.intake.grey import to_grey
from pneumoscope.intake.header import age_years, text
from pneumoscope.intake.memory import AnySource, image_source, read_array
from pneumoscope.intake.projection import view_of
from pneumoscope.intake.raster import JPEG_MAGIC, PNG_MAGIC, read_raster
from pneumoscope.intake.sources import ImageSource

_PREFIX = slice(128, 132)


def read_radiograph(source: AnySource, *, view: View | None = None, age_years: float | None = None) -> Radiograph:
    """Return the radiograph in one file, zip member, data set or array; the format is told by the content.

    An image that is not a single grey frame is readable, but has no pixels: its checks say so, and so do those of an
    object that is no image at all, such as a report.

    Args:
        source: A path, bytes, a binary file, a pydicom Dataset, a NumPy array or what `find_images` gives.
        view: Projection, for an image whose header does not say it.
        age_years: The patient's age in years, for an image whose header does not say it.

    Raises:
        InputError: The source is none of these types.
        UnreadableError: Whatever is wrong with the bytes, or with getting them.
    """
    if isinstance(source, np.ndarray):
        return read_array(source, view=view, age_years=age_years)
    radiograph = _read(image_source(source))
    return replace(
        radiograph,
        view=radiograph.view or view,
        age_years=age_years if radiograph.age_years is None else radiograph.age_years,
    )


def _read(source: ImageSource) -> Radiograph:
    content = source.read_bytes()
    if content[_PREFIX] != b"DICM":
        for magic, kind in ((PNG_MAGIC, Format.PNG), (JPEG_MAGIC, Format.JPEG)):
            if content.startswith(magic):
                return read_raster(content, path=source.path, kind=kind)
    dataset, pixel_data = parse(content, path=source.path)
    header, dropped = header_of(dataset, path=source.path)
    pixels: Float32[np.ndarray, "h w"] | None = None
    steps: tuple[str, ...] = ()
    if pixel_data is None:
        if text(header, "SOPClassUID") in ("", *RADIOGRAPH_CLASSES):
            raise without_pixels(source.path)
    elif is_single_grey(header):
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
