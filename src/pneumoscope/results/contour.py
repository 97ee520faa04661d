"""Outlines of what is above a threshold, as closed polylines."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Float32

Edge = tuple[int, int, int]
"""Row and column of its first node, and 0 for the edge to the right, 1 for the edge down."""


def contours(field: Float32[np.ndarray, "h w"], *, threshold: float) -> list[Float[np.ndarray, "n 2"]]:
    """Return closed lines where the field crosses the threshold, the one around the largest area first.

    Points are (column, row) with the centre of the first pixel at (0.5, 0.5); the last point is the first one again.
    What reaches the field's border is closed half a pixel beyond the centres there.

    Source:
        Lorensen and Cline, SIGGRAPH 1987, in two dimensions ("marching squares"); of the two ways to cut a saddle
        the one that its mean decides.
    """
    padded = np.pad(field, 1, constant_values=min(0.0, threshold) - 1.0)
    inside = padded > threshold
    links: dict[Edge, list[Edge]] = {}
    corners = inside[:-1, :-1].astype(int) + inside[:-1, 1:] + inside[1:, :-1] + inside[1:, 1:]
    for row, column in np.argwhere((corners > 0) & (corners < 4)).tolist():
        for one, other in _segments(padded, inside, row, column, threshold=threshold):
            links.setdefault(one, []).append(other)
            links.setdefault(other, []).append(one)
    height, width = field.shape
    lines = []
    for loop in _loops(links):
        points = np.array([_crossing(padded, edge, threshold=threshold) for edge in (*loop, loop[0])])
        lines.append(np.clip(points - 0.5, 0.0, (width, height)))
    return sorted(lines, key=_area, reverse=True)


def _segments(
    field: Float32[np.ndarray, "h w"], inside: np.ndarray, row: int, column: int, *, threshold: float
) -> Iterator[tuple[Edge, Edge]]:
    """Yield the edges of one cell that the line joins."""
    top, bottom = (row, column, 0), (row + 1, column, 0)
    left, right = (row, column, 1), (row, column + 1, 1)
    a, b = bool(inside[row, column]), bool(inside[row, column + 1])
    c, d = bool(inside[row + 1, column]), bool(inside[row + 1, column + 1])
    crossed = [e for e, cut in ((top, a != b), (right, b != d), (bottom, c != d), (left, a != c)) if cut]
    if len(crossed) == 2:
        yield crossed[0], crossed[1]
        return
    joined = float(field[row : row + 2, column : column + 2].mean()) > threshold
    if a == joined:  # cut off the other diagonal's corners
        yield from ((top, right), (left, bottom))
    else:
        yield from ((top, left), (right, bottom))


def _loops(links: dict[Edge, list[Edge]]) -> Iterator[list[Edge]]:
    """Yield the edges of each closed line in order; every edge has two neighbours."""
    left = set(links)
    while left:
        loop = [left.pop()]
        while step := next((edge for edge in links[loop[-1]] if edge in left), None):
            left.remove(step)
            loop.append(step)
        yield loop


def _crossing(field: Float32[np.ndarray, "h w"], edge: Edge, *, threshold: float) -> tuple[float, float]:
    """Return where between its two nodes the line crosses the edge; at most half way into the padding."""
    row, column, down = edge
    first, second = float(field[row, column]), float(field[row + down, column + 1 - down])
    share = float(np.clip((threshold - first) / (second - first), 0.0, 1.0))
    return (column + share * (1 - down), row + share * down)


def _area(points: Float[np.ndarray, "n 2"]) -> float:
    """Return the enclosed area in pixels (the shoelace formula)."""
    x, y = points.T
    return abs(float(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1]))) / 2
