"""Charts that the document draws itself: curves of the evidence and of training, groups, waits, power."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pneumoscope.dossier.assumptions import Plan
from pneumoscope.dossier.diagrams import WIDTH, save_svg
from pneumoscope.dossier.plan import needs, power_curve
from pneumoscope.evaluation import Number
from pneumoscope.plotting import (
    Axis,
    Colour,
    Curve,
    ForestAxis,
    ForestLayout,
    Mark,
    Point,
    Row,
    Text,
    chart,
    forest,
    shifted,
)

if TYPE_CHECKING:
    import pandas as pd

Rows = Sequence[Mapping[str, str]]
_SERIES: tuple[Colour, ...] = ("measured", "compared", "third", "finding", "depth")
_TITLE_LINE, _PLOT, _IN_A_ROW = 15.0, 170.0, 4
_SHARE = Axis(title="", low=0.0, high=1.0)
# Width of a letter of a panel's title.
_LETTER = 6.4


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One chart of several side by side: its title's lines, and what is drawn."""

    title: tuple[str, ...]
    curves: tuple[Curve, ...]
    x: Axis
    y: Axis


def draw_side_by_side(panels: Sequence[Panel], path: Path, *, words: str) -> None:
    """Draw charts in a row, or in two rows where there are more than four, each under its title."""
    across = len(panels) if len(panels) <= _IN_A_ROW else (len(panels) + 1) // 2
    width = WIDTH / across
    plot_height = min(_PLOT, 0.75 * width)
    wrapped = [[part for line in one.title for part in textwrap.wrap(line, int(width / _LETTER))] for one in panels]
    head = _TITLE_LINE * max(map(len, wrapped)) + 4
    marks: list[Mark] = []
    tallest, bottom = 0.0, 0.0
    for place, (panel, lines) in enumerate(zip(panels, wrapped, strict=True)):
        if place % across == 0:
            bottom += tallest
            tallest = 0.0
        left = width * (place % across)
        marks += [
            Text(x=left, y=bottom + 8 + _TITLE_LINE * line, text=text, size=11, bold=line == 0)
            for line, text in enumerate(lines)
        ]
        drawn, height = chart(panel.curves, x=panel.x, y=panel.y, width=width - 12, plot_height=plot_height)
        marks += [shifted(mark, x=left, y=bottom + head) for mark in drawn]
        tallest = max(tallest, head + height + 6)
    save_svg(path, marks, height=bottom + tallest, words=words)


def draw_losses(curves: Mapping[str, Mapping[str, Rows]], path: Path) -> None:
    """Draw training loss, and validation loss where it was recorded: a panel a network, a line a run or stage."""
    draw_side_by_side([_losses(name, runs) for name, runs in curves.items() if runs], path, words="Loss in training")


def _losses(network: str, runs: Mapping[str, Rows]) -> Panel:
    drawn: list[Curve] = []
    by_epoch = "epoch" in next(iter(runs.values()))[0]
    for place, ((run, rows), colour) in enumerate(zip(runs.items(), cycle(_SERIES), strict=False)):
        if not by_epoch:
            drawn.append(_line(rows, ("images", "loss"), colour=colour, name=run, scale=1e-3))
            continue
        for key, words, series in (("train_loss", "training", "measured"), ("val_loss", "validation", "compared")):
            name = words if place == 0 else ""
            drawn.append(
                _line(rows, ("epoch", key), colour=series, name=name, dashed=key == "val_loss")  # type: ignore[arg-type]
            )
    highest = max(float(np.nanmax(one.y)) for one in drawn)
    last = max(float(one.x.max()) for one in drawn)
    unit = "epoch" if by_epoch else "thousand images shown"
    return Panel(
        (f"for {network.replace('-', ' ')}",),
        tuple(drawn),
        Axis(title=unit, low=0.0, high=last),
        Axis(title="loss", low=0.0, high=1.05 * highest, about=4),
    )


def _line(
    rows: Rows, columns: tuple[str, str], *, colour: Colour, name: str, dashed: bool = False, scale: float = 1.0
) -> Curve:
    known = [row for row in rows if row.get(columns[1])]
    first = 1 if columns[0] == "epoch" else 0
    return Curve(
        x=np.array([scale * (float(row[columns[0]]) + first) for row in known]),
        y=np.array([float(row[columns[1]]) for row in known]),
        colour=colour,
        name=name,
        dashed=dashed,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A curve of the evidence with its band, and the operating points on it.

    Attributes:
        points: Columns x, y, low and high.
        marks: Place of each operating point, by name.
        floor: What needs no image: the line of chance (None) or a share.
    """

    title: str
    area: str
    points: "pd.DataFrame"
    marks: dict[str, tuple[float, float]]
    floor: float | None = None
    steps: bool = False


def draw_measured(measured: Sequence[Measured], path: Path, *, labels: tuple[str, str]) -> None:
    """Draw curves side by side, each under its cohort's name."""
    panels = [
        Panel(
            (one.title, one.area),
            tuple(_with_floor(one)),
            Axis(title=labels[0], low=0.0, high=1.0),
            Axis(title=labels[1], low=-0.15 if one.points["y"].min() < 0 else 0.0, high=1.0),
        )
        for one in measured
    ]
    draw_side_by_side(panels, path, words=f"{labels[1]} by {labels[0]}")


def _with_floor(one: Measured) -> list[Curve]:
    points = one.points if one.steps else one.points.sort_values("x", kind="stable")
    x, y, low, high = (points[name].to_numpy(dtype=float) for name in ("x", "y", "low", "high"))
    ends = (0.0, 1.0) if one.floor is None else (one.floor, one.floor)
    floor = Curve(x=np.array([0.0, 1.0]), y=np.array(ends), colour="quiet", dashed=True, faint=True)
    dots = [
        Curve(x=np.array([a]), y=np.array([b]), colour=colour, name=name, dots=True)
        for (name, (a, b)), colour in zip(one.marks.items(), cycle(_SERIES[1:]), strict=False)
    ]
    return [floor, Curve(x=x, y=y, low=low, high=high, stepped=one.steps), *dots]


def draw_groups(groups: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Draw sensitivity (filled) and specificity (open) of each group, one below the other, headed by the cohort."""
    rows: list[Row] = []
    for title, named in groups.items():
        rows.append(Row(label=title, heading=True))
        rows += [_group(name, one) for name, one in named.items()]
    layout = ForestLayout(
        width=WIDTH, labels=190, columns=(("n (positive)", 90), ("sensitivity", 80), ("specificity", 80))
    )
    marks, height = forest(rows, ForestAxis(title="share", low=0.0, high=1.0), layout=layout)
    save_svg(path, marks, height=height, words="Moved up, by group")


_RATES: tuple[tuple[str, Colour, bool], ...] = (("sensitivity", "measured", False), ("specificity", "compared", True))


def _group(name: str, numbers: Mapping[str, Any]) -> Row:
    points = [
        Point(value=one.value, low=one.low, high=one.high, colour=colour, hollow=hollow)
        for key, colour, hollow in _RATES
        if isinstance(one := numbers[key], Number)
    ]
    shown = [
        f"{one.value:.2f}" if isinstance(one := numbers[key], Number) else "–" for key in ("sensitivity", "specificity")
    ]
    return Row(label=name, points=tuple(points), columns=(f"{numbers['n']:,} ({numbers['positives']:,})", *shown))


def draw_waits(loads: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Draw the 95th percentile of the wait by load: of all positives, and of those left; a line an order."""
    orders = (
        ("first", "first come, first served"),
        ("released", "released order"),
        ("always", "moved up always first"),
    )
    at = np.array([float(load.rstrip(" %")) / 100 for load in loads])
    panels = []
    for group, title in (("positives", "Images with the finding"), ("missed", "Those of them left in place")):
        curves = [
            Curve(x=at, y=_waits(loads, f"{key}_{group}_numbers"), colour=colour, name=label, dashed=key == "first")
            for (key, label), colour in zip(orders, _SERIES, strict=False)
        ]
        highest = max(float(np.nanmax(one.y, initial=1.0)) for one in curves)
        panels.append(
            Panel(
                (title,),
                tuple(curves),
                Axis(title="load", low=float(at.min()), high=float(at.max())),
                Axis(title="95th percentile of the wait, min", low=0.0, high=1.05 * highest),
            )
        )
    draw_side_by_side(panels, path, words="Simulated waits by load")


def _waits(loads: Mapping[str, Mapping[str, Any]], key: str) -> "np.ndarray[Any, Any]":
    return np.array([case[key]["p95"] if case[key] else np.nan for case in loads.values()], dtype=float)


def draw_power(plan: Plan, path: Path) -> None:
    """Draw the power to show the sensitivity, by images with the finding; the exact test's saw-tooth is real."""
    need = needs(plan)[0].positives or 0
    counts, powers = power_curve(plan, most=2 * need)
    at = float(powers[counts.index(need)])
    curves = (
        Curve(
            x=np.array([float(counts[0]), float(counts[-1])]),
            y=np.array([plan.power, plan.power]),
            colour="quiet",
            dashed=True,
            faint=True,
        ),
        Curve(x=np.array(counts, dtype=float), y=np.array(powers, dtype=float)),
        Curve(
            x=np.array([float(need)]), y=np.array([at]), colour="finding", dots=True, name=f"{need} images are enough"
        ),
    )
    marks, height = chart(
        curves,
        x=Axis(title="images with the finding", low=float(counts[0]), high=float(counts[-1])),
        y=Axis(title="power", low=0.0, high=1.0),
        width=620,
        plot_height=_PLOT,
    )
    save_svg(path, marks, height=height, width=620, words="Power")
