"""The chart that most of the report is: a row a group, a dot and its interval, and the numbers beside it."""

import math
from dataclasses import dataclass

from pneumoscope.plotting.axis import Scale, labelled, vertical_grid
from pneumoscope.plotting.marks import Dot, Line, Mark, Rect, Text
from pneumoscope.plotting.palette import Colour

ROW = 22.0
_HEADING_GAP = 8.0
_TOP, _BOTTOM = 26.0, 40.0
# Mean width of a bold letter: what a heading hides of the grid behind it.
_LETTER = 7.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A value and its interval; NaN bounds draw none."""

    value: float
    low: float = math.nan
    high: float = math.nan
    colour: Colour = "ink"
    hollow: bool = False
    tip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A label, its points, and the texts of the columns at the right; a heading has no points."""

    label: str
    points: tuple[Point, ...] = ()
    columns: tuple[str, ...] = ()
    heading: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestAxis:
    """What the dots are measured on."""

    title: str
    low: float
    high: float
    log: bool = False
    reference: float | None = None
    form: str = "{:g}"
    about: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ForestLayout:
    """Widths: of the whole, the labels, and each column at the right, with the columns' titles."""

    width: float = 760.0
    labels: float = 170.0
    columns: tuple[tuple[str, float], ...] = ()


def forest(rows: list[Row], axis: ForestAxis, *, layout: ForestLayout) -> tuple[tuple[Mark, ...], float]:
    """Return the marks, and the height that they take."""
    right = layout.width - sum(width for _, width in layout.columns) - 14
    scale = Scale(low=axis.low, high=axis.high, start=layout.labels + 14, end=right, log=axis.log)
    places, bottom = _places(rows)
    ticks = labelled(scale.ticks(axis.about), axis.form)
    marks = vertical_grid(scale, top=_TOP - 4, bottom=bottom, labels=ticks, title=axis.title)
    if axis.reference is not None:
        x = scale(axis.reference)
        marks.append(Line(x1=x, y1=_TOP - 4, x2=x, y2=bottom, colour="quiet", width=1.2, dashed=True))
    edges = _column_edges(layout)
    for (title, _), edge in zip(layout.columns, edges, strict=True):
        marks.append(Text(x=edge, y=_TOP - 14, text=title, colour="quiet", size=11, anchor="end"))
    for row, y in zip(rows, places, strict=True):
        marks += _row(row, scale, y=y, edges=edges, labels=layout.labels)
    return tuple(marks), bottom + _BOTTOM


def span(rows: list[Row], *, floor: float | None = None) -> tuple[float, float]:
    """Least and largest of all values and bounds, with a little room; from `floor` where given."""
    finite = [
        edge
        for row in rows
        for point in row.points
        for edge in (point.value, point.low, point.high)
        if math.isfinite(edge)
    ]
    low, high = min(finite, default=0.0), max(finite, default=1.0)
    room = 0.04 * (high - low) or 0.5
    return (low - room if floor is None else floor), high + room


def _places(rows: list[Row]) -> tuple[list[float], float]:
    places, y = [], _TOP + ROW / 2
    for index, row in enumerate(rows):
        y += _HEADING_GAP if row.heading and index else 0
        places.append(y)
        y += ROW
    return places, y - ROW / 2


def _column_edges(layout: ForestLayout) -> list[float]:
    edges, edge = [], layout.width - 4
    for _, width in reversed(layout.columns):
        edges.append(edge)
        edge -= width
    return edges[::-1]


def _row(row: Row, scale: Scale, *, y: float, edges: list[float], labels: float) -> list[Mark]:
    if row.heading:
        width = _LETTER * len(row.label)
        return [
            Rect(x=0, y=y - ROW / 2 + 2, width=width, height=ROW - 4, colour="ground"),
            Text(x=0, y=y, text=row.label, bold=True),
        ]
    marks: list[Mark] = [Text(x=labels, y=y, text=row.label, anchor="end")]
    spread = 3.5 if len(row.points) > 1 else 0.0
    for index, point in enumerate(row.points):
        marks += _point(point, scale, y=y + spread * (2 * index - len(row.points) + 1))
    for place, (edge, text) in enumerate(zip(edges, row.columns, strict=False)):
        marks.append(Text(x=edge, y=y, text=text, anchor="end", colour="quiet" if place else "ink", size=11.5))
    return marks


def _point(point: Point, scale: Scale, *, y: float) -> list[Mark]:
    """Draw the dot over its interval, which ends in an arrow where it leaves the scale."""
    marks: list[Mark] = []
    if math.isfinite(point.low):
        marks.append(Line(x1=scale(point.low), y1=y, x2=scale(point.high), y2=y, colour=point.colour, width=1.8))
    if point.high > scale.high:
        marks.append(Text(x=scale.end, y=y, text="\N{BLACK RIGHT-POINTING SMALL TRIANGLE}", colour=point.colour))
    marks.append(Dot(x=scale(point.value), y=y, colour=point.colour, hollow=point.hollow, tip=point.tip))
    return marks
