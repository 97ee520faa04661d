r"""From the stored grid to an upright one with square pixels, by what the header says of orientation and pixel size.

Patient Orientation has the patient's direction towards which the rows run, and that of the columns. A frontal chest
film is shown with `L\F`: the patient's left on the right, the feet at the bottom. From the seven other ways in which it
may lie it is mirrored and turned; nothing is guessed where the header is silent.
"""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np
from jaxtyping import Float32
from pydicom import Dataset

from pneumoscope.core import Geometry
from pneumoscope.intake.faults import quoted
from pneumoscope.intake.header import numbers, texts
from pneumoscope.intake.limits import MAX_PIXELS

_ACROSS, _ALONG = frozenset("LR"), frozenset("HF")
_LARGEST_RATIO = 4.0
_ROUND = 0.01
"""Spacings that differ by less are square pixels, rounded."""

_LARGEST_TERM = 1000

# Row spacing, then column spacing (PS3.3 10.7.1.1); Pixel Aspect Ratio likewise has the vertical size first.
_SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")


def frontal_directions(header: Dataset) -> tuple[str, str] | None:
    """Return the patient's directions of rows and columns (L, R, H, F) where both lie in a frontal plane.

    Source:
        PS3.3 C.7.6.1.1.1: up to three letters a direction, the principal one first.
    """
    said = texts(header, "PatientOrientation")
    if len(said) != 2:
        return None
    rows, columns = (one[0].upper() for one in said)
    if {rows, columns} & _ACROSS and {rows, columns} & _ALONG:
        return rows, columns
    return None


def geometry_of(header: Dataset, *, shape: tuple[int, ...]) -> tuple[Geometry, tuple[str, ...]]:
    """Return how an image of this shape becomes upright with square pixels, and a step for each thing done.

    Source:
        PS3.3 C.7.6.1.1.1 (Patient Orientation), C.7.6.3.1.7 (Pixel Aspect Ratio), 10.7.1.3 (pixel spacings).
    """
    ratio, steps = _pixel_ratio(header)
    stretched = _stretched_shape(shape, ratio)
    rows, columns = shape
    geometry = Geometry(
        stored_shape=(rows, columns), shape=stretched, pixel_aspect=(ratio.numerator, ratio.denominator)
    )
    directions = frontal_directions(header)
    if directions is None:
        return geometry, steps
    transposed = directions[0] in _ALONG
    across, along = directions[::-1] if transposed else directions
    geometry = replace(
        geometry,
        shape=stretched[::-1] if transposed else stretched,
        transposed=transposed,
        mirrored=across == "R",
        inverted=along == "H",
        oriented=True,
    )
    if geometry.is_turned:
        done = ("transposed", transposed), ("mirrored", across == "R"), ("turned upside down", along == "H")
        told = quoted("\\".join(texts(header, "PatientOrientation")))
        steps = (*steps, f"Patient Orientation {told}: {', '.join(name for name, is_done in done if is_done)}")
    return geometry, steps


def to_upright(pixels: Float32[np.ndarray, "h w"], geometry: Geometry) -> Float32[np.ndarray, "a b"]:
    """Return the pixels stretched to squares and turned."""
    from PIL import Image

    rows, columns = geometry.shape[::-1] if geometry.transposed else geometry.shape
    if (rows, columns) != pixels.shape:
        pixels = np.asarray(Image.fromarray(pixels).resize((columns, rows), Image.Resampling.BILINEAR))
    return geometry.turn(pixels) if geometry.is_turned else pixels


def _pixel_ratio(header: Dataset) -> tuple[Fraction, tuple[str, ...]]:
    """Return height by width of a pixel, and what there is to say about it.

    A spacing should be the only word, but an aspect ratio beside square spacings is a scanner's, and meant.
    """
    for name, vertical, horizontal in _said_of_pixels(header):
        ratio = vertical / horizontal
        if abs(ratio - 1) <= _ROUND:
            continue
        told = f"{name} {vertical:g}\\{horizontal:g}"
        if not 1 / _LARGEST_RATIO <= ratio <= _LARGEST_RATIO:
            return Fraction(1), (f"{told}: ignored, no detector has such pixels",)
        return Fraction(ratio).limit_denominator(_LARGEST_TERM), (f"{told}: stretched to square pixels",)
    return Fraction(1), ()


def _said_of_pixels(header: Dataset) -> Iterator[tuple[str, float, float]]:
    for keyword in (*_SPACINGS, "PixelAspectRatio"):
        values = numbers(header, keyword)
        if len(values) == 2 and all(np.isfinite(value) and value > 0 for value in values):
            yield keyword, values[0], values[1]


def _stretched_shape(shape: tuple[int, ...], ratio: Fraction) -> tuple[int, int]:
    """Return the shape with square pixels: the coarser side gets more of them, the finer fewer only beyond a limit."""
    rows, columns = float(shape[0]), float(shape[1])
    if ratio > 1:
        rows *= float(ratio)
    else:
        columns /= float(ratio)
    if ratio != 1 and rows * columns > MAX_PIXELS:
        scale = (MAX_PIXELS / (rows * columns)) ** 0.5
        rows, columns = rows * scale, columns * scale
    return max(1, round(rows)), max(1, round(columns))
