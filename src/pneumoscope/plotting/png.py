"""Figure -> PNG, by Pillow: the same marks in the light colours, for slides and documents."""

import math
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from pneumoscope.plotting.marks import Area, Dot, Figure, Line, Mark, Picture, Rect, Text, Trace
from pneumoscope.plotting.palette import LIGHT

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

SCALE = 2
"""Pixels to a CSS pixel: 192 to the inch."""

_ANCHORS = {"start": "lm", "middle": "mm", "end": "rm"}
_DASH, _SMOOTH = 3 * SCALE, 4


def write_png(figure: Figure, place: Path) -> None:
    """Write the figure, `SCALE` pixels to its unit."""
    from PIL import Image, ImageDraw

    canvas = Image.new("RGB", (round(figure.width * SCALE), round(figure.height * SCALE)), LIGHT["ground"])
    draw = ImageDraw.Draw(canvas)
    for mark in figure.marks:
        _paint(canvas, draw, mark=mark)
    canvas.save(place, "PNG", compress_level=1, dpi=(96 * SCALE, 96 * SCALE))


def _paint(canvas: "Image", draw: "ImageDraw", *, mark: Mark) -> None:
    match mark:
        case Rect():
            box = (mark.x, mark.y, mark.x + mark.width, mark.y + mark.height)
            left, top, right, bottom = (round(edge * SCALE) for edge in box)
            if right > left and bottom > top:
                draw.rectangle((left, top, right - 1, bottom - 1), fill=_mixed(LIGHT[mark.colour], mark.opacity))
        case Line():
            _line(draw, mark)
        case Trace():
            for part in _dashes(mark.points) if mark.dashed else [mark.points]:
                points = [(x * SCALE, y * SCALE) for x, y in part]
                draw.line(points, fill=LIGHT[mark.colour], width=round(mark.width * SCALE), joint="curve")
        case Area():
            _area(canvas, mark)
        case Dot():
            _dot(canvas, mark)
        case Text():
            font, place = _font(round(mark.size * SCALE)), (mark.x * SCALE, mark.y * SCALE)
            anchor, stroke = _ANCHORS[mark.anchor], 0.5 if mark.bold else 0
            draw.text(place, mark.text, font=font, fill=LIGHT[mark.colour], anchor=anchor, stroke_width=stroke)
        case Picture():
            _picture(canvas, mark)


def _line(draw: "ImageDraw", mark: Line) -> None:
    ends = [round(end * SCALE) for end in (mark.x1, mark.y1, mark.x2, mark.y2)]
    width, colour = max(1, round(mark.width * SCALE)), LIGHT[mark.colour]
    if not mark.dashed:
        draw.line(ends, fill=colour, width=width)
        return
    length = max(abs(ends[2] - ends[0]), abs(ends[3] - ends[1]), 1)
    for start in range(0, length, 2 * _DASH):
        shares = (start / length, min(start + _DASH, length) / length)
        dash = [ends[axis] + share * (ends[axis + 2] - ends[axis]) for share in shares for axis in (0, 1)]
        draw.line(dash, fill=colour, width=width)


def _dot(canvas: "Image", mark: Dot) -> None:
    radius = round(mark.radius * SCALE)
    disc = _disc(radius, hollow=False)
    place = (round(mark.x * SCALE) - disc.width // 2, round(mark.y * SCALE) - disc.height // 2)
    canvas.paste(LIGHT["ground" if mark.hollow else mark.colour], place, disc)
    if mark.hollow:
        canvas.paste(LIGHT[mark.colour], place, _disc(radius, hollow=True))


def _dashes(points: tuple[tuple[float, float], ...]) -> list[list[tuple[float, float]]]:
    """Return the parts of a line through points that a dash covers: 5 units of every 8."""
    parts: list[list[tuple[float, float]]] = [[]]
    travelled = 0.0
    for (x1, y1), (x2, y2) in pairwise(points):
        length = math.hypot(x2 - x1, y2 - y1)
        steps = max(1, math.ceil(length))
        for step in range(steps + 1):
            at = travelled + length * step / steps
            if at % 8 < 5:
                parts[-1].append((x1 + (x2 - x1) * step / steps, y1 + (y2 - y1) * step / steps))
            elif parts[-1]:
                parts.append([])
        travelled += length
    return [part for part in parts if len(part) > 1]


def _area(canvas: "Image", mark: Area) -> None:
    from PIL import Image, ImageDraw

    mask = Image.new("L", canvas.size, 0)
    ImageDraw.Draw(mask).polygon([(x * SCALE, y * SCALE) for x, y in mark.points], fill=round(255 * mark.opacity))
    canvas.paste(LIGHT[mark.colour], (0, 0), mask)


def _picture(canvas: "Image", mark: Picture) -> None:
    from PIL import Image

    size = (round(mark.width * SCALE), round(mark.height * SCALE))
    pixels = Image.fromarray(mark.pixels).convert("RGB").resize(size, Image.Resampling.BICUBIC)
    canvas.paste(pixels, (round(mark.x * SCALE), round(mark.y * SCALE)))


def _mixed(colour: str, opacity: float) -> tuple[int, ...]:
    """Return the colour over the ground."""
    pairs = zip(_channels(colour), _channels(LIGHT["ground"]), strict=True)
    return tuple(round(opacity * over + (1 - opacity) * under) for over, under in pairs)


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


@cache
def _disc(radius: int, *, hollow: bool) -> "Image":
    """Return a smooth mask of a disc, or of its rim."""
    from PIL import Image, ImageDraw

    side = (2 * radius + 1) * _SMOOTH
    mask = Image.new("L", (side, side), 0)
    draw = ImageDraw.Draw(mask)
    draw.ellipse((0, 0, side - 1, side - 1), fill=255)
    if hollow:
        rim = round(1.8 * SCALE * _SMOOTH)
        draw.ellipse((rim, rim, side - 1 - rim, side - 1 - rim), fill=0)
    return mask.reduce(_SMOOTH)


@cache
def _font(size: int) -> "FreeTypeFont":
    from PIL import ImageFont

    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("expected Pillow with FreeType, found one without")
    return font
