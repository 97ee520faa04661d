"""Reading -> picture to look at: the radiograph, the heat map over it, and what was decided and by what."""

import io

import numpy as np
from jaxtyping import UInt8

from pneumoscope.core import Radiograph
from pneumoscope.results.heat_colour import blend, outline
from pneumoscope.results.panel import PANEL_HEIGHT_PX, draw_panel, font
from pneumoscope.results.picture import Picture, picture
from pneumoscope.results.reading import Reading


def overlay(reading: Reading, radiograph: Radiograph, *, longest_px: int = 1024) -> UInt8[np.ndarray, "h w 3"]:
    """Draw the radiograph with `longest_px` on its longest side, heat map over it, and a panel to its right.

    Without heat: the grey image and the panel. Nothing from the header but the view is drawn: no patient data.

    Raises:
        ValueError: The reading was not analysed, the radiograph has no pixels, or the heat is on another grid.
    """
    image = _with_heat(picture(reading, radiograph, longest_px=longest_px))
    height = max(image.shape[0], PANEL_HEIGHT_PX)
    stage = np.zeros((height, image.shape[1], 3), dtype=np.uint8)
    top = (height - image.shape[0]) // 2
    stage[top : top + image.shape[0]] = image
    if radiograph.geometry is not None and radiograph.geometry.oriented:
        stage = _with_side(stage, top=top)
    return np.concatenate([stage, draw_panel(reading, height_px=height)], axis=1)


def _with_side(stage: UInt8[np.ndarray, "h w 3"], *, top: int) -> UInt8[np.ndarray, "h w 3"]:
    """Write an R at the patient's right, which is at the viewer's left, as the header has it."""
    from PIL import Image, ImageDraw

    canvas = Image.fromarray(stage)
    ImageDraw.Draw(canvas).text(
        (12, top + 10), "R", font=font(28), fill=(255, 255, 255), stroke_width=3, stroke_fill=(0, 0, 0)
    )
    return np.asarray(canvas)


def png(pixels: UInt8[np.ndarray, "h w 3"]) -> bytes:
    """Return the picture as a PNG file; lossless, fast rather than smallest."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG", compress_level=3)
    return stream.getvalue()


def _with_heat(shown: Picture) -> UInt8[np.ndarray, "h w 3"]:
    """Lay the heat map over the image, its outline white within a dark rim: visible on white and on black."""
    if shown.heat is None:
        return np.repeat(shown.grey[..., None], 3, axis=2)
    shade = 0.6 * outline(shown.heat, softness_px=3.2)[..., None]
    line = outline(shown.heat, softness_px=1.4)[..., None]
    mixed = blend(shown.grey, shown.heat) * (1.0 - shade) * (1.0 - line) + 255.0 * line
    return np.asarray(mixed.round(), dtype=np.uint8)
