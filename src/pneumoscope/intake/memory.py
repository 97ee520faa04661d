"""Images that are in memory already: bytes, open files, pydicom data sets, NumPy arrays."""

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import Float32
from pydicom import Dataset, dcmwrite

from pneumoscope.core import Format, InputError, Radiograph, UnreadableError, View, sha256_of
from pneumoscope.intake.faults import third_party
from pneumoscope.intake.limits import MAX_FILE_BYTES, MAX_PIXELS
from pneumoscope.intake.sources import ImageSource, source_of

AnySource = ImageSource | Path | str | bytes | BinaryIO | Dataset | np.ndarray
"""Whatever `read_radiograph` takes."""

_NAME_DIGITS = 12


def image_source(source: ImageSource | Path | str | bytes | BinaryIO | Dataset) -> ImageSource:
    """Return the source of one image; what has no name is named by its content, so that the same is named alike.

    Raises:
        InputError: It is none of the types that an image can come in.
        UnreadableError: The data set cannot be written as DICOM.
    """
    if isinstance(source, ImageSource):
        return source
    if isinstance(source, Path | str):
        return source_of(Path(source))
    if isinstance(source, Dataset):
        return _of_data_set(source)
    if hasattr(source, "read"):
        content = source.read(MAX_FILE_BYTES + 1)
        name = getattr(source, "name", None)
        return _of_bytes(content, path=name if isinstance(name, str) else None)
    return _of_bytes(source)


def read_array(
    array: np.ndarray, *, path: str | None = None, view: View | None = None, age_years: float | None = None
) -> Radiograph:
    """Return the radiograph in a two-dimensional array, 0 or the smallest value black, the largest white.

    Eight-bit values keep their scale; floating-point values that lie in [0, 1] are taken as they are; all others go
    from their smallest to their largest.

    Raises:
        UnreadableError: The array is not two-dimensional, not of numbers, not finite, empty or too large.
    """
    path = path or f"array-{sha256_of(np.ascontiguousarray(array).tobytes())[:_NAME_DIGITS]}"
    problem = _problem(array)
    if problem:
        raise UnreadableError("pixel_data", expected="a two-dimensional array of grey values", found=problem, path=path)
    pixels, step = _scaled(array)
    return Radiograph(
        path=path,
        format=Format.ARRAY,
        header=None,
        pixels=pixels,
        steps=(f"stored values: array of {array.dtype}", step),
        view=view,
        age_years=age_years,
    )


def _of_bytes(content: object, *, path: str | None = None) -> ImageSource:
    if isinstance(content, bytearray | memoryview):
        content = bytes(content)
    if not isinstance(content, bytes):
        expected = "a path, bytes, a binary file, a pydicom Dataset or a NumPy array"
        raise InputError(f"image: expected {expected}, found {type(content).__name__}")
    path = path or f"bytes-{sha256_of(content)[:_NAME_DIGITS]}"
    if len(content) > MAX_FILE_BYTES:
        problem = UnreadableError("size", expected=f"at most {MAX_FILE_BYTES:,} bytes", found="more", path=path)
        return ImageSource(path=path, location=b"", problem=problem)
    return ImageSource(path=path, location=content)


def _of_data_set(dataset: Dataset) -> ImageSource:
    """Write the data set and read it again: so it is decoded like any file, and the caller's copy is not touched."""
    uid = str(dataset.get("SOPInstanceUID") or "dataset")
    stream = io.BytesIO()
    has_meta = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None) is not None
    with third_party("format", expected="a data set that can be written", path=uid):
        if has_meta:
            dcmwrite(stream, dataset)
        else:
            implicit, little = getattr(dataset, "original_encoding", (None, None))
            dcmwrite(stream, dataset, implicit_vr=bool(implicit), little_endian=little is not False)
    return ImageSource(path=uid, location=stream.getvalue())


def _problem(array: np.ndarray) -> str:
    if array.ndim != 2 or 0 in array.shape:
        return f"shape {array.shape}"
    if array.size > MAX_PIXELS:
        return f"{array.size:,} pixels, of at most {MAX_PIXELS:,}"
    if array.dtype.kind not in "buif":
        return f"values of type {array.dtype}"
    return "" if np.isfinite(array).all() else "values that are not finite"


def _scaled(array: np.ndarray) -> tuple[Float32[np.ndarray, "h w"], str]:
    if array.dtype == np.uint8:
        return array.astype(np.float32) / np.float32(255), "range: 0 to 255"
    low, high = float(array.min()), float(array.max())
    if array.dtype.kind == "f" and low >= 0 and high <= 1:
        return array.astype(np.float32), "range: as given, within 0 to 1"
    width = high - low or 1.0
    return ((array.astype(np.float64) - low) / width).astype(np.float32), f"range: {low:g} to {high:g}"
