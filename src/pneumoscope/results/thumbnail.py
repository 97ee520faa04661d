"""A radiograph and its heat map as small pictures inside an HTML page."""

import base64
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from pneumoscope.core import Radiograph
from pneumoscope.results.heat_colour import heat_opacity, heat_rgb
from pneumoscope.results.picture import picture
from pneumoscope.results.reading import Reading

if TYPE_CHECKING:
    from PIL.Image import Image

_HEAT_PX = 128
"""Longest side of the heat layer: it is smooth, and the browser stretches it over the image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """The image, and the heat map as a transparent layer over it, as data URIs; None without heat."""

    image: str
    heat: str | None
    width_px: int
    height_px: int


def thumbnail(reading: Reading, radiograph: Radiograph, *, longest_px: int) -> Thumbnail:
    """Return both layers, the image with `longest_px` on its longest side.

    Raises:
        ValueError: The radiograph has no pixels, or the heat map is on another grid.
    """
    from PIL import Image

    shown = picture(reading, radiograph, longest_px=longest_px)
    height_px, width_px = shown.grey.shape
    layer = None
    if shown.heat is not None:
        opacity = (heat_opacity(shown.heat) * 255.0).round().astype(np.uint8)
        whole = Image.fromarray(np.concatenate([heat_rgb(shown.heat), opacity[..., None]], axis=2))
        scale = _HEAT_PX / max(height_px, width_px)
        layer = whole.resize((max(1, round(width_px * scale)), max(1, round(height_px * scale))))
    return Thumbnail(
        image=_data_uri(Image.fromarray(shown.grey), quality=72),
        heat=None if layer is None else _data_uri(layer, quality=60),
        width_px=width_px,
        height_px=height_px,
    )


def _data_uri(image: "Image", *, quality: int) -> str:
    buffer = BytesIO()
    image.save(buffer, format="WEBP", quality=quality, method=3)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
