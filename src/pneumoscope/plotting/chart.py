"""Curves on two axes: with bands, dots with intervals, reference lines, and a legend above."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pneumoscope.plotting.axis import Scale, horizontal_grid, vertical_grid
from pneumoscope.plotting.marks import Area, Dot, Line, Mark, Text, Trace
from pneumoscope.plotting.palette import Colour

_LEFT, _RIGHT, _BOTTOM, _LEGEND_ROW, _TOP = 46.0, 14.0, 40.0, 17.0, 30.0

Values = Float[np.ndarray, " points"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """What one side measures; `ticks` are chosen where none are given, and written in `form`."""

    title: str
    low: float
    high: float
    log: bool = False
    form: str = "{:g}"
    about: int = 5
    ticks: tuple[float, ...] = ()

    def labels(self, scale: Scale) -> dict[float, str]:
        """Return the ticks' values with their labels."""
        return {value: self.form.format(value) for value in self.ticks or scale.ticks(self.about)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """One line, or where `dots` separate points; NaN breaks nothing and is left out.

    Attributes:
        name: In the legend; none where it is empty.
        low: Lower end of a band, or of each dot's interval; so `high`.
        stepped: Whether the value holds until the next point.
        faint: Whether it is a reference: thin, grey or dashed.
    """

    x: Values
    y: Values
    colour: Colour = "measured"
    name: str = ""
    low: Values | None = None
    high: Values | None = None
    dashed: bool = False
    dots: bool = False
    stepped: bool = False
    faint: bool = False


def chart(
    curves: Sequence[Curve], *, x: Axis, y: Axis, width: float = 440.0, plot_height: float = 360.0
) -> tuple[tuple[Mark, ...], float]:
    """Return the marks of a chart, and the height that they take."""
    named = [one for one in curves if one.name]
    top = _TOP + _LEGEND_ROW * len(named)
    across = Scale(low=x.low, high=x.high, start=_LEFT, end=width - _RIGHT, log=x.log)
    up = Scale(low=y.low, high=y.high, start=top + plot_height, end=top, log=y.log)
    marks: list[Mark] = []
    for row, one in enumerate(named):
        marks += _key(one, y=10 + _LEGEND_ROW * row)
    marks += vertical_grid(across, top=top, bottom=up.start, labels=x.labels(across), title=x.title)
    marks += horizontal_grid(up, left=_LEFT, right=across.end, labels=y.labels(up), title=y.title)
    for one in curves:
        marks += _dots(one, across, up) if one.dots else _line(one, across, up)
    return tuple(marks), up.start + _BOTTOM


def _key(one: Curve, *, y: float) -> list[Mark]:
    swatch: Mark = (
        Dot(x=11, y=y, colour=one.colour)
        if one.dots
        else Trace(points=((0, y), (22, y)), colour=one.colour, dashed=one.dashed, width=1.2 if one.faint else 2.2)
    )
    return [swatch, Text(x=30, y=y, text=one.name, size=11.5, colour="quiet" if one.faint else "ink")]


def _line(one: Curve, across: Scale, up: Scale) -> list[Mark]:
    known = ~np.isnan(one.y)
    marks: list[Mark] = []
    if one.low is not None and one.high is not None:
        upper = _places(one.x[known], one.high[known], across, up, stepped=one.stepped)
        lower = _places(one.x[known], one.low[known], across, up, stepped=one.stepped)
        marks.append(Area(points=(*upper, *lower[::-1]), colour=one.colour))
    points = _places(one.x[known], one.y[known], across, up, stepped=one.stepped)
    marks.append(Trace(points=points, colour=one.colour, dashed=one.dashed, width=1.2 if one.faint else 2.0))
    return marks


def _dots(one: Curve, across: Scale, up: Scale) -> list[Mark]:
    marks: list[Mark] = []
    for place, (x, y) in enumerate(zip(one.x, one.y, strict=True)):
        if np.isnan(y):
            continue
        if one.low is not None and one.high is not None:
            ends = up(float(one.low[place])), up(float(one.high[place]))
            marks.append(Line(x1=across(x), y1=ends[0], x2=across(x), y2=ends[1], colour=one.colour, width=1.6))
        marks.append(Dot(x=across(x), y=up(y), colour=one.colour, tip=f"{x:.3g}, {y:.3g}"))
    return marks


def _places(x: Values, y: Values, across: Scale, up: Scale, *, stepped: bool) -> tuple[tuple[float, float], ...]:
    """Return the points on the page; where `stepped`, with a corner between each two."""
    if stepped and x.size > 1:
        x, y = np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
    return tuple((across(float(a)), up(float(b))) for a, b in zip(x, y, strict=True))
