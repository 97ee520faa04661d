"""A radiograph and its heat map at the size they are shown."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, UInt8

from pneumoscope.core import Radiograph
from pneumoscope.results.reading import Reading

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """Grey image, and heat map on the same grid where there is one."""

    grey: UInt8[np.ndarray, "h w"]
    heat: Float32[np.ndarray, "h w"] | None


def picture(reading: Reading, radiograph: Radiograph, *, longest_px: int) -> Picture:
    """Return both at the radiograph's own aspect ratio, the longest side of `longest_px` pixels.

    Raises:
        ValueError: The radiograph has no pixels, or the heat map is on another grid.
    """
    pixels, heat = radiograph.pixels, reading.heat
    if pixels is None:
        raise ValueError(f"expected a radiograph with pixels, found none: {radiograph.path}")
    if heat is not None and heat.shape != pixels.shape:
        raise ValueError(f"expected heat on the image's grid {pixels.shape}, found {heat.shape}: {radiograph.path}")
    size = _size(pixels.shape, longest_px=longest_px)
    return Picture(
        grey=np.asarray(_resized(np.clip(pixels * 255.0 + 0.5, 0, 255).astype(np.uint8), size=size)),
        heat=None if heat is None else np.clip(np.asarray(_resized(heat, size=size)), 0.0, 1.0),
    )


def _size(shape: tuple[int, ...], *, longest_px: int) -> tuple[int, int]:
    scale = longest_px / max(shape)
    height, width = (max(1, round(side * scale)) for side in shape)
    return width, height


def _resized(pixels: np.ndarray, *, size: tuple[int, int]) -> "Image":
    from PIL import Image

    grey = pixels.dtype == np.uint8
    return Image.fromarray(pixels).resize(
        size, Image.Resampling.LANCZOS if grey else Image.Resampling.BILINEAR, reducing_gap=2.0 if grey else None
    )
