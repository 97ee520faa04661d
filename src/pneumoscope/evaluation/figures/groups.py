"""Figures of one number in many groups: forests, each line with its interval and its counts."""

from collections.abc import Mapping, Sequence
from typing import Any

from pneumoscope.evaluation.figures.curves import interval
from pneumoscope.evaluation.literature import Published
from pneumoscope.evaluation.numbers import Leaf, Number
from pneumoscope.plotting import (
    Colour,
    Dot,
    Figure,
    ForestAxis,
    ForestLayout,
    Mark,
    Point,
    Row,
    Text,
    forest,
    shifted,
    span,
)

_WIDTH = 640.0
_TOO_FEW = "too few to say"


def subgroups(answer: Mapping[str, Any], *, title: str) -> Figure:
    """Draw the AUROC of every subgroup."""
    rows = [_line("All images", answer["auroc"], answer)]
    for axis, groups in answer["subgroups"].items():
        rows.append(Row(label=axis.replace("_", " ").capitalize(), heading=True))
        rows += [_line(name, group["auroc"], group) for name, group in groups.items()]
    low, high = span(rows)
    marks, height = forest(
        rows,
        ForestAxis(title="AUROC", low=min(low, 0.5), high=min(high, 1.0), reference=_value(answer["auroc"])),
        layout=ForestLayout(width=_WIDTH, labels=120, columns=(("positive / n", 110), ("AUROC [95 %]", 140))),
    )
    return Figure(name="subgroups", title=title, takeaway="", caption="", width=_WIDTH, height=height, marks=marks)


def comorbid(answer: Mapping[str, Any], *, point: str, title: str) -> Figure:
    """Draw sensitivity and specificity at one operating point, with and without each other finding."""
    width, labels, gap = 720.0, 120.0, 16.0
    panel = (width - labels - gap) / 2
    marks: list[Mark] = [
        Dot(x=5, y=10, colour="measured"),
        Text(x=14, y=10, text="images with the other finding", size=11.5),
        Dot(x=205, y=10, colour="compared", hollow=True),
        Text(x=214, y=10, text="images without it", size=11.5),
    ]
    sides: tuple[tuple[str, Colour], ...] = (("with", "measured"), ("without", "compared"))
    height = 0.0
    for place, measure in enumerate(("sensitivity", "specificity")):
        rows = [
            Row(
                label="" if place else name.replace("_", " "),
                points=tuple(
                    _point(groups[side][measure], colour=colour, hollow=side == "without")
                    for side, colour in sides
                    if isinstance(groups[side][measure], Number)
                ),
            )
            for name, groups in answer["comorbid"].items()
        ]
        axis = ForestAxis(
            title=measure.capitalize(), low=0, high=1, reference=_value(answer["operating_points"][point][measure])
        )
        own = 0.0 if place else labels
        drawn, height = forest(rows, axis, layout=ForestLayout(width=panel + own, labels=own))
        marks += [shifted(mark, x=place * (labels + panel + gap), y=12) for mark in drawn]
    title = f"{title}, at “{point.replace('_', ' ')}”, by other finding"
    return Figure(name="comorbid", title=title, takeaway="", caption="", width=width, height=height + 12,
                  marks=tuple(marks))  # fmt: skip


def findings(areas: Mapping[str, Leaf], published: Sequence[Published]) -> Figure:
    """Draw the AUROC of each finding with its interval, beside what others printed."""
    colours: tuple[Colour, ...] = ("quiet", "finding")
    rows = [
        Row(
            label=name.replace("_", " "),
            points=(
                *((_point(area, colour="measured"),) if isinstance(area, Number) else ()),
                *(Point(value=source.auroc[name], colour=colour, hollow=True)
                  for source, colour in zip(published, colours, strict=True)),
            ),
            columns=(interval(area), *(f"{source.auroc[name]:.3f}" for source in published)),
        )
        for name, area in areas.items()
    ]  # fmt: skip
    low, high = span(rows)
    columns = (("this evidence", 140), *((source.name, 90) for source in published))
    marks, height = forest(
        rows,
        ForestAxis(title="AUROC (hollow: theirs, on random splits of their own)", low=low, high=min(high, 1.0)),
        layout=ForestLayout(width=760, labels=130, columns=columns),
    )
    return Figure(name="findings", title="AUROC by finding", takeaway="", caption="", width=760, height=height,
                  marks=marks)  # fmt: skip


def _line(name: str, area: Leaf, group: Mapping[str, Any]) -> Row:
    counts = f"{group['positives']:,} / {group['n']:,}".replace(",", " ")
    points = (_point(area, colour="measured"),) if isinstance(area, Number) else ()
    return Row(label=name, points=points, columns=(counts, interval(area) if points else _TOO_FEW))


def _point(number: Number, *, colour: Colour, hollow: bool = False) -> Point:
    return Point(value=number.value, low=number.low, high=number.high, colour=colour, hollow=hollow)


def _value(leaf: Leaf) -> float | None:
    return leaf.value if isinstance(leaf, Number) else None
