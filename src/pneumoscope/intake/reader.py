"""One source -> `Radiograph`, or an error that says what was expected and found."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32
from pydicom import Dataset

from pneumoscope.core import Format, InputError, Radiograph, UnreadableError, View
from pneumoscope.intake.age import age_of
from pneumoscope.intake.checks import RADIOGRAPH_CLASSES
from pneumoscope.intake.dataset import header_of, parse, parse_until_pixels, without_pixels
from pneumoscope.intake.decoding import decode
from pneumoscope.intake.frame import is_single_grey, size_of
from pneumoscope.intake.grey import to_grey
from pneumoscope.intake.header import text
from pneumoscope.intake.memory import AnySource, image_source, read_array
from pneumoscope.intake.projection import view_of
from pneumoscope.intake.raster import JPEG_MAGIC, PNG_MAGIC, read_raster
from pneumoscope.intake.sources import reason, source_of
from pneumoscope.intake.upright import geometry_of, to_upright

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
    image = image_source(source)
    film = radiograph_of(image.read_bytes(), path=image.path)
    age_years = age_years if film.age_years is None else film.age_years
    return replace(film, view=film.view or view, age_years=age_years)


def radiograph_of(content: bytes, *, path: str) -> Radiograph:
    """Return the radiograph in a file's content; see `read_radiograph`.

    Raises:
        UnreadableError: Whatever is wrong with the bytes.
    """
    if content[_PREFIX] != b"DICM":
        for magic, kind in ((PNG_MAGIC, Format.PNG), (JPEG_MAGIC, Format.JPEG)):
            if content.startswith(magic):
                return read_raster(content, path=path, kind=kind)
    dataset, pixel_data = parse(content, path=path)
    header, bent = header_of(dataset, path=path)
    age = age_of(header)
    film = Radiograph(
        path=path,
        format=Format.DICOM,
        header=header,
        pixels=None,
        steps=(*bent, *([age.bent] if age.bent else [])),
        view=view_of(header),
        age_years=age.years,
    )
    if pixel_data is None:
        if text(header, "SOPClassUID") in ("", *RADIOGRAPH_CLASSES):
            raise without_pixels(path)
        return film
    if not is_single_grey(header):
        size_of(header, path=path)
        return film
    frame = decode(header, pixel_data, path=path)
    grey = to_grey(frame.values, header)
    geometry, turned = geometry_of(header, shape=grey.pixels.shape)
    return replace(
        film,
        pixels=to_upright(grey.pixels, geometry),
        steps=(*film.steps, *frame.steps, *grey.steps, *turned),
        geometry=geometry,
        voi=grey.voi,
        doubts=frame.doubts,
    )


def read_grey(source: AnySource) -> Float32[np.ndarray, "h w"]:
    """Return an image's grey values in [0, 1], 0 black, as reading sees them: DICOM, PNG (8 or 16 bits) or JPEG.

    For training, caches and statistics, which want nothing of the header. Safe in any thread.

    Raises:
        UnreadableError: It cannot be read.
        InputError: It is not one grey frame, or its pixels disprove its header.
    """
    film = read_radiograph(source)
    if film.pixels is None:
        raise InputError(f"{film.path}: expected one grey frame, found colour or several")
    if film.doubts:
        raise InputError(f"{film.path}: expected pixels as the header describes them, found {'; '.join(film.doubts)}")
    return film.pixels


def read_header(path: Path | str) -> Dataset:
    """Return the header of a DICOM file without reading its pixel data, parsed as `read_radiograph` parses it.

    Raises:
        UnreadableError: It is no DICOM file, or cannot be read.
    """
    display = source_of(Path(path)).path
    try:
        return header_of(parse_until_pixels(Path(path), path=display), path=display)[0]
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise UnreadableError("file", expected="a readable file", found=reason(error), path=display) from error
