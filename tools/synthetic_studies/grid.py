"""The detector plane in centimetres, and the few shapes that anatomy is drawn with.

Every shape is the length, in cm, that a ray at right angles to the detector travels inside it; lengths add up.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from PIL import Image, ImageDraw

Map = Float32[np.ndarray, "h w"]
Point = tuple[float, float]
Curve = Callable[[Map], Map]


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Where each pixel looks at: `x_cm` grows towards the patient's left (image right), `y_cm` downwards."""

    x_cm: Map
    y_cm: Map
    pixel_cm: float

    def rows(self, top_cm: float, bottom_cm: float) -> tuple[slice, "Grid"]:
        """Return the rows that can show heights [top, bottom], and their part of the grid: the rest need no drawing."""
        seen = np.flatnonzero((self.y_cm.max(axis=1) >= top_cm) & (self.y_cm.min(axis=1) <= bottom_cm))
        part = slice(int(seen[0]), int(seen[-1]) + 1) if seen.size else slice(0, 0)
        return part, Grid(self.x_cm[part], self.y_cm[part], self.pixel_cm)

    def mirrored(self) -> "Grid":
        """Return the same pixels with the patient's right and left exchanged."""
        return Grid(-self.x_cm, self.y_cm, self.pixel_cm)

    def blank(self) -> Map:
        """Return a map of zeros."""
        return np.zeros_like(self.x_cm)


def plane(*, size_px: int, width_cm: float, centre_cm: float = 0.0) -> Grid:
    """Return a square detector `width_cm` wide; x is 0 at `centre_cm` right of its middle, y is 0 at its top."""
    pixel_cm = width_cm / size_px
    along = ((np.arange(size_px) + 0.5) * pixel_cm).astype(np.float32)
    x_cm, y_cm = np.meshgrid(along - np.float32(width_cm / 2 + centre_cm), along)
    return Grid(x_cm, y_cm, pixel_cm)


def smooth_curve(*knots: Point) -> Curve:
    """Return a smooth function through (position, value) knots, constant beyond the first and the last.

    Source:
        Catmull and Rom, A class of local interpolating splines, 1974, as cubic Hermite segments.
    """
    position, value = np.array(knots, dtype=np.float64).T
    slope = np.gradient(value, position)
    fine = np.linspace(position[0], position[-1], 1024)
    segment = np.clip(np.searchsorted(position, fine, side="right") - 1, 0, len(knots) - 2)
    width = np.diff(position)[segment]
    t = (fine - position[segment]) / width
    table = (
        (1 + 2 * t) * (1 - t) ** 2 * value[segment]
        + t * (1 - t) ** 2 * width * slope[segment]
        + t**2 * (3 - 2 * t) * value[segment + 1]
        + t**2 * (t - 1) * width * slope[segment + 1]
    )
    return lambda at: np.interp(at, fine, table).astype(np.float32)


def value(curve: Curve, *, at: float) -> float:
    """Return the curve's value at one place."""
    return float(curve(np.full((1, 1), at, dtype=np.float32))[0, 0])


def step(at: Map, *, start: float, end: float) -> Map:
    """Return 0 before `start`, 1 after `end` (or the reverse, where end < start), smooth in between."""
    t = np.clip((at - start) / (end - start), 0, 1)
    return t * t * (3 - 2 * t)


def ball(grid: Grid, *, centre_cm: Point, radii_cm: Point, depth_cm: float) -> Map:
    """Return ray length in an ellipsoid whose greatest ray length is `depth_cm`."""
    u = (grid.x_cm - centre_cm[0]) / radii_cm[0]
    v = (grid.y_cm - centre_cm[1]) / radii_cm[1]
    return depth_cm * np.sqrt(np.maximum(1 - u * u - v * v, 0))


def rod(grid: Grid, *, ends_cm: tuple[Point, Point], radii_cm: Point) -> Map:
    """Return ray length in a round rod whose radius changes linearly between its two (rounded) ends."""
    (x0, y0), (x1, y1) = ends_cm
    dx, dy = x1 - x0, y1 - y0
    right, down = grid.x_cm - x0, grid.y_cm - y0
    along = np.minimum(np.maximum((right * dx + down * dy) / max(dx * dx + dy * dy, 1e-9), 0), 1)
    off2 = (right - along * dx) ** 2 + (down - along * dy) ** 2
    radius = radii_cm[0] + (radii_cm[1] - radii_cm[0]) * along
    return 2 * np.sqrt(np.maximum(radius * radius - off2, 0))


def hollow_rod(grid: Grid, *, ends_cm: tuple[Point, Point], radii_cm: Point, cortex: float) -> Map:
    """Return ray length in a long bone's wall: a rod less its marrow; `cortex` is the wall's share of the radius."""
    inner = (radii_cm[0] * (1 - cortex), radii_cm[1] * (1 - cortex))
    marrow = rod(grid, ends_cm=ends_cm, radii_cm=inner)
    return rod(grid, ends_cm=ends_cm, radii_cm=radii_cm) - 0.75 * marrow


def plate(grid: Grid, corners_cm: tuple[Point, ...]) -> Map:
    """Return 1 inside a polygon, 0 outside, drawn at twice the resolution. The grid's own bending is not followed."""
    height, width = grid.x_cm.shape
    left, top = float(grid.x_cm[0, 0]), float(grid.y_cm[0, 0])
    across = 2 * (width - 1) / float(grid.x_cm[0, -1] - left)
    down = 2 * (height - 1) / float(grid.y_cm[-1, 0] - top)
    canvas = Image.new("L", (2 * width, 2 * height))
    ImageDraw.Draw(canvas).polygon([((x - left) * across, (y - top) * down) for x, y in corners_cm], fill=255)
    return np.asarray(canvas.reduce(2), dtype=np.float32) / 255


def union(*lengths_cm: Map, sharpness: float = 5.0) -> Map:
    """Return ray length in bodies that blend smoothly: about the longest one, rounded where two are alike."""
    total = sum((np.power(length, sharpness) for length in lengths_cm), np.zeros_like(lengths_cm[0]))
    length: Map = np.power(total, 1 / sharpness)
    return length
