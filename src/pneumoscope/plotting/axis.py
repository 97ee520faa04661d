"""Scales from values to places, their ticks, and the grid lines that go with them."""

import math
from dataclasses import dataclass

from pneumoscope.plotting.marks import Line, Mark, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A linear or logarithmic map of [low, high] onto [start, end]; values outside are drawn at the nearer end."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        low, high, value = (math.log(max(v, 1e-12)) if self.log else v for v in (self.low, self.high, value))
        share = (value - low) / (high - low) if high > low else 0.0
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)

    def ticks(self, about: int = 5) -> list[float]:
        """Round values within, about so many."""
        return _log_ticks(self.low, self.high) if self.log else _linear_ticks(self.low, self.high, about)


def _linear_ticks(low: float, high: float, about: int) -> list[float]:
    raw = (high - low) / max(about, 1)
    if raw <= 0:
        return [low]
    power = 10 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(index * step, 12) for index in range(first, math.floor(high / step + 1e-9) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    """1, 2, 5 of each decade; only 1 where there are many decades."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1,) if len(decades) > 4 else (1, 2, 5)
    values = (factor * 10.0**decade for decade in decades for factor in factors)
    return [value for value in values if low * 0.999 <= value <= high * 1.001]


def vertical_grid(scale: Scale, *, top: float, bottom: float, labels: dict[float, str], title: str = "") -> list[Mark]:
    """Grid lines from top to bottom at the labelled values, labels below, and below them the axis' title."""
    marks: list[Mark] = []
    for value, label in labels.items():
        x = scale(value)
        marks.append(Line(x1=x, y1=top, x2=x, y2=bottom))
        marks.append(Text(x=x, y=bottom + 12, text=label, colour="quiet", size=11, anchor="middle"))
    if title:
        middle = (scale.start + scale.end) / 2
        marks.append(Text(x=middle, y=bottom + 29, text=title, colour="quiet", size=11, anchor="middle"))
    return marks


def horizontal_grid(
    scale: Scale, *, left: float, right: float, labels: dict[float, str], title: str = ""
) -> list[Mark]:
    """Grid lines from left to right, labels at their left, the axis' title above."""
    marks: list[Mark] = []
    for value, label in labels.items():
        y = scale(value)
        marks.append(Line(x1=left, y1=y, x2=right, y2=y))
        marks.append(Text(x=left - 6, y=y, text=label, colour="quiet", size=11, anchor="end"))
    if title:
        marks.append(Text(x=left, y=min(scale.start, scale.end) - 16, text=title, colour="quiet", size=11))
    return marks


def labelled(values: list[float], form: str = "{:g}") -> dict[float, str]:
    """Tick labels."""
    return {value: form.format(value) for value in values}
