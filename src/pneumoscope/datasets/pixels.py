"""A manifest's image as grey values, read as the reading path reads it."""

from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from pneumoscope.core import InputError
from pneumoscope.intake import read_radiograph


def read_grey(path: str | Path) -> Float32[np.ndarray, "h w"]:
    """Grey values in [0, 1], 0 black, of a DICOM, PNG or JPEG file.

    Raises:
        InputError: It cannot be read, or is coloured.
    """
    pixels = read_radiograph(Path(path)).pixels
    if pixels is None:
        raise InputError(f"{path}: expected one grey frame, found colour or several")
    return pixels


def resized(pixels: Float32[np.ndarray, "h w"], size: tuple[int, int]) -> Float32[np.ndarray, "a b"]:
    """The whole image stretched to `size` (width, height) by averaging."""
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))


def to_bytes(pixels: Float32[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    """[0, 1] as 0 to 255, rounded."""
    levels: UInt8[np.ndarray, "h w"] = np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    return levels
