"""Figures of a reader study: each reader with each test, differences between tests, mean ROC curves, F1."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from pneumoscope import stats
from pneumoscope.evaluation.figures.curves import interval
from pneumoscope.evaluation.numbers import Number
from pneumoscope.evaluation.readers.table import Ratings, key_of
from pneumoscope.plotting import (
    Axis,
    Colour,
    Curve,
    Figure,
    ForestAxis,
    ForestLayout,
    Point,
    Row,
    chart,
    forest,
    span,
)

_WIDTH = 640.0
_COLOURS: tuple[Colour, ...] = ("measured", "compared", "third", "finding", "depth", "female")
_GRID = np.linspace(0, 1, 101)
_ANALYSES = {"readers_and_cases": "other readers and cases", "cases": "other cases", "readers": "other readers"}


def figures(ratings: Ratings, found: Mapping[str, Any]) -> Iterator[Figure]:
    """Yield every figure that the study's numbers allow."""
    yield _readers(ratings, found)
    yield _roc(ratings)
    differences = _differences(found)
    if differences:
        yield _forest("differences", "Difference of the mean AUROC", differences, "difference of AUROC", reference=0.0)
    f1 = _f1(found)
    if f1:
        yield _forest("f1", "F1 against the other readers", f1, "mean F1 against the others")


def _readers(ratings: Ratings, found: Mapping[str, Any]) -> Figure:
    """Draw each reader's AUROC with each test, and the readers' mean where tests are compared."""
    means = found.get("mrmc", {}).get("auroc")
    rows: list[Row] = []
    for colour, test in zip(_cycled(len(ratings.tests)), ratings.tests, strict=True):
        rows.append(Row(label=test, heading=True))
        rows += [
            _row(name, found["tests"][key_of(test)]["readers"][key_of(name)]["auroc"], colour)
            for name in ratings.readers
        ]
        if isinstance(means, Mapping):
            rows.append(_row("mean", means["readers_and_cases"]["means"][key_of(test)], "ink"))
    return _forest("readers", "AUROC of each reader", rows, "AUROC")


def _roc(ratings: Ratings) -> Figure:
    """Draw the mean ROC curve of the readers with each test: sensitivities averaged at each false positive rate."""
    curves = [Curve(x=np.array([0.0, 1.0]), y=np.array([0.0, 1.0]), colour="quiet", dashed=True, faint=True)]
    for colour, (place, test) in zip(_cycled(len(ratings.tests)), enumerate(ratings.tests), strict=True):
        every = []
        for rating in ratings.rating[place]:
            own = stats.roc_curve(ratings.truth, rating)
            every.append(np.interp(_GRID, own.false_positive_rate, own.sensitivity))
        curves.append(Curve(x=_GRID, y=np.mean(every, axis=0), colour=colour, name=test))
    marks, height = chart(
        curves,
        x=Axis(title="1 - specificity", low=0, high=1),
        y=Axis(title="Sensitivity", low=0, high=1),
        plot_height=380,
    )
    return Figure(name="roc", title=f"Mean ROC curve of {len(ratings.readers)} readers", takeaway="", caption="",
                  width=440, height=height, marks=marks)  # fmt: skip


def _differences(found: Mapping[str, Any]) -> list[Row]:
    study = found.get("mrmc", {}).get("auroc")
    if not isinstance(study, Mapping):
        return []
    rows: list[Row] = []
    for pair in study["readers_and_cases"]["differences"]:
        rows.append(Row(label=pair.replace(" less ", " - "), heading=True))
        rows += [_row(words, study[name]["differences"][pair], "measured") for name, words in _ANALYSES.items()]
        rows += [_row(reader, own[pair], "quiet") for reader, own in study["cases"]["of_each_reader"].items()]
    return rows


def _f1(found: Mapping[str, Any]) -> list[Row]:
    rows: list[Row] = []
    tests = found.get("f1", {})
    for test, one in tests.items() if isinstance(tests, Mapping) else ():
        if isinstance(one, Mapping):
            rows.append(Row(label=test, heading=True))
            rows.append(_row("model", one["model"], "finding"))
            rows.append(_row("readers' mean", one["readers_mean"], "ink"))
            rows += [_row(name, leaf, "measured") for name, leaf in one["readers"].items()]
    return rows


def _row(label: str, leaf: Any, colour: Colour) -> Row:
    points = (Point(value=leaf.value, low=leaf.low, high=leaf.high, colour=colour),) if isinstance(leaf, Number) else ()
    return Row(label=label, points=points, columns=(interval(leaf),))


def _forest(name: str, title: str, rows: list[Row], axis: str, *, reference: float | None = None) -> Figure:
    low, high = span(rows)
    if reference is not None:
        low, high = min(low, reference), max(high, reference)
    marks, height = forest(
        rows,
        ForestAxis(title=axis, low=low, high=high, reference=reference),
        layout=ForestLayout(width=_WIDTH, labels=190, columns=(("value [95 %]", 160),)),
    )
    return Figure(name=name, title=title, takeaway="", caption="", width=_WIDTH, height=height, marks=marks)


def _cycled(count: int) -> list[Colour]:
    return [_COLOURS[place % len(_COLOURS)] for place in range(count)]
