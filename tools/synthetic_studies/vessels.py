"""Branching tubes of the lungs: arteries and veins from the hila outwards, and bronchi inside an opacity."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from synthetic_studies.grid import Grid, Map, Point, rod


@dataclass(frozen=True, slots=True)
class Branch:
    """Where a branch starts (cm), where it heads (radians; 0 to image right, growing downwards), its radius (cm)."""

    start_cm: Point
    heading: float
    radius_cm: float


# The hilar trunks on the positive (left) side; the right hilum is lower by _RIGHT_DROP_CM and mirrored.
_TRUNKS = (
    Branch((2.0, 15.6), -1.05, 0.45),
    Branch((1.8, 15.4), -0.55, 0.48),
    Branch((2.0, 15.4), -0.2, 0.42),
    Branch((2.2, 13.8), 1.0, 0.72),
    Branch((2.2, 15.0), 0.5, 0.55),
    Branch((2.6, 17.0), 1.3, 0.5),
    Branch((2.0, 17.2), 0.75, 0.5),
    Branch((2.0, 17.6), 0.3, 0.45),
    Branch((2.4, 15.8), -0.85, 0.36),
    Branch((2.2, 19.0), 1.05, 0.4),
)
_RIGHT_DROP_CM = 1.1
_BEND_CM = 1.2  # a bent grid shows a point up to about this far from where a straight one would


def lung_vessels(grid: Grid, rng: np.random.Generator, *, lung_cm: Map, calibre: float) -> Map:
    """Return ray length in the vessels of both lungs, cm; they end where `lung_cm`, the ray length in lung, does."""
    total = grid.blank()
    for side in (-1, 1):
        for trunk in _TRUNKS:
            x_cm, y_cm = trunk.start_cm
            heading = trunk.heading if side == 1 else np.pi - trunk.heading
            start = (side * x_cm, y_cm + (_RIGHT_DROP_CM if side == -1 else 0))
            jitter = 0.12 * float(rng.standard_normal())
            root = Branch(start, heading + jitter, calibre * trunk.radius_cm)
            total += tree(grid, rng, root=root, smallest_cm=0.045, within=lung_cm)
    return total * np.minimum(lung_cm / 9, 1)


def tree(grid: Grid, rng: np.random.Generator, *, root: Branch, smallest_cm: float, within: Map) -> Map:
    """Return ray length in a tree that forks until its branches are thinner than `smallest_cm`, or `within` is 0.

    Source:
        Murray, PNAS 12(3), 1926: at a fork the cubes of the radii add up.
    """
    total = grid.blank()
    waiting = deque([root])
    while waiting:
        branch = waiting.popleft()
        end = _draw_branch(total, grid, rng, branch=branch)
        if branch.radius_cm < 0.25 and _value(within, grid, at_cm=end.start_cm) <= 0:
            continue
        share = float(rng.uniform(0.28, 0.6))
        for part, turn in ((share, 1), (1 - share, -1)):
            radius = branch.radius_cm * 0.97 * part ** (1 / 3)
            if radius >= smallest_cm:
                angle = turn * np.sign(rng.uniform(-1, 1)) if part == share else turn
                spread = float(rng.uniform(0.25, 0.6)) * (1.35 - part)
                waiting.append(Branch(end.start_cm, end.heading + angle * spread, radius))
    return total


def _draw_branch(total: Map, grid: Grid, rng: np.random.Generator, *, branch: Branch) -> Branch:
    """Draw one winding branch into `total`; return its end."""
    length = branch.radius_cm * float(rng.uniform(3.2, 6.0)) + 0.25
    (x, y), heading, radius = branch.start_cm, branch.heading, branch.radius_cm
    for _ in range(2):
        heading += 0.1 * float(rng.standard_normal())
        end = (x + length / 2 * float(np.cos(heading)), y + length / 2 * float(np.sin(heading)))
        _draw_rod(total, grid, ends_cm=((x, y), end), radius_cm=radius)
        x, y = end
        radius *= 0.99
    return Branch((x, y), heading, radius)


def _draw_rod(total: Map, grid: Grid, *, ends_cm: tuple[Point, Point], radius_cm: float) -> None:
    """Draw one straight piece, only into the pixels around it; where it overlaps the tree, the longer ray counts."""
    margin = radius_cm + _BEND_CM
    (x0, y0), (x1, y1) = ends_cm
    left, top = float(grid.x_cm[0, 0]), float(grid.y_cm[0, 0])
    columns = _span(x0 - left, x1 - left, margin_cm=margin, pixel_cm=grid.pixel_cm, size=total.shape[1])
    rows = _span(y0 - top, y1 - top, margin_cm=margin, pixel_cm=grid.pixel_cm, size=total.shape[0])
    part = Grid(grid.x_cm[rows, columns], grid.y_cm[rows, columns], grid.pixel_cm)
    tube = rod(part, ends_cm=ends_cm, radii_cm=(radius_cm, radius_cm))
    np.maximum(total[rows, columns], tube, out=total[rows, columns])


def _span(one_cm: float, other_cm: float, *, margin_cm: float, pixel_cm: float, size: int) -> slice:
    low, high = sorted((one_cm, other_cm))
    first = min(max(int((low - margin_cm) / pixel_cm), 0), size)
    last = min(max(int((high + margin_cm) / pixel_cm) + 1, first), size)
    return slice(first, last)


def _value(values: Map, grid: Grid, *, at_cm: Point) -> float:
    """Return the map's value at a place, 0 outside the field of view."""
    column = int((at_cm[0] - float(grid.x_cm[0, 0])) / grid.pixel_cm)
    row = int((at_cm[1] - float(grid.y_cm[0, 0])) / grid.pixel_cm)
    height, width = values.shape
    return float(values[row, column]) if 0 <= row < height and 0 <= column < width else 0.0
