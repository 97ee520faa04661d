"""One question, asked group by group: subgroups along each axis, and images with and without each other finding."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from jaxtyping import Bool

from pneumoscope import stats
from pneumoscope.core import InputError
from pneumoscope.datasets import FINDINGS
from pneumoscope.evaluation.axes import AXES, groups
from pneumoscope.evaluation.numbers import Leaf, NotEstimable, Tree, estimate
from pneumoscope.evaluation.points import DECIDED
from pneumoscope.evaluation.questions import Question, Sample
from pneumoscope.evaluation.settings import Point, Settings


def subgroups(sample: Sample, rows: pd.DataFrame, *, points: Mapping[str, Point], settings: Settings) -> Tree:
    """AUROC, and sensitivity and specificity at each operating point, of every group on every axis."""
    return {
        axis: {group: _group(sample.of(inside), points=points, settings=settings) for group, inside in named.items()}
        for axis, named in _axes(rows, settings)
    }


def gaps(
    sample: Sample, rows: pd.DataFrame, *, question: Question, point: Point, settings: Settings
) -> dict[str, Tree]:
    """How far each group's sensitivity and specificity are from everyone else's, and the spread over all groups.

    Both spreads 0 is equalised odds. P-values are corrected for all gaps of their axis (Holm).
    """
    decided = sample.decided(point)
    tables: dict[str, Tree] = {}
    for axis, named in _axes(rows, settings):
        group = np.select(list(named.values()), list(named), default="")
        drawn = settings.drawn(sample.patient, settings.rng(question.name, "gaps", axis))
        try:
            table = stats.subgroup_table(
                sample.truth, decided, group=group, threshold=DECIDED, areas=False, fewest=settings.fewest, **drawn
            )
        except InputError:
            continue  # a class is absent: every number of the question says so
        tables[axis] = {
            "spread": {
                "sensitivity": _gap(table.sensitivity_spread),
                "specificity": _gap(table.specificity_spread),
            },
            **{
                one.name: {"sensitivity": _gap(one.sensitivity_gap), "specificity": _gap(one.specificity_gap)}
                for one in table.subgroups
            },
        }
    return tables


def _gap(found: stats.Estimate | None) -> Leaf:
    return NotEstimable("too few patients to say, or all alike") if found is None else estimate(lambda: found)


def _axes(rows: pd.DataFrame, settings: Settings) -> Iterator[tuple[str, dict[str, Bool[np.ndarray, " n"]]]]:
    """Yield the axes with their groups; a single source is no axis."""
    for axis in dict.fromkeys((*AXES, *settings.axes)):
        named = groups(rows, axis)
        if axis != "source" or len(named) > 1:
            yield axis, named


def comorbid(sample: Sample, rows: pd.DataFrame, *, question: Question, point: Point, settings: Settings) -> Tree:
    """Sensitivity and specificity at one operating point with and without each finding that the source labels."""
    others = [name for name in FINDINGS if name not in (question.score, question.reference) and name in rows]
    answers = {}
    for finding in others:
        value = rows[finding].to_numpy(dtype=float, na_value=np.nan)
        if (value == 1).any():
            answers[finding] = {
                "with": _flagging(sample.of(value == 1), point, settings),
                "without": _flagging(sample.of(value == 0), point, settings),
            }
    return answers


def _group(sample: Sample, *, points: Mapping[str, Point], settings: Settings) -> Tree:
    def area() -> stats.Auroc:
        return stats.auroc_clustered(sample.truth, sample.score, cluster=sample.patient, level=settings.level)

    return {
        **sample.counts,
        "auroc": _too_few(sample, settings, having=True) or _too_few(sample, settings, having=False) or estimate(area),
        "operating_points": {
            name: {
                measure: number
                for measure, number in _flagging(sample, point, settings).items()
                if measure not in sample.counts
            }
            for name, point in points.items()
        },
    }


def _flagging(sample: Sample, point: Point, settings: Settings) -> Tree:
    decided = sample.decided(point)
    options = {"threshold": DECIDED, **settings.exact(sample.patient)}
    return {
        **sample.counts,
        "sensitivity": _too_few(sample, settings, having=True)
        or estimate(lambda: stats.sensitivity(sample.truth, decided, **options)),
        "specificity": _too_few(sample, settings, having=False)
        or estimate(lambda: stats.specificity(sample.truth, decided, **options)),
    }


def _too_few(sample: Sample, settings: Settings, *, having: bool) -> NotEstimable | None:
    """Why nothing is said of the images with (or without) the finding, as `stats.subgroup_table` counts; else None."""
    patients = np.unique(sample.patient[sample.truth == having]).size
    if patients >= settings.fewest:
        return None
    kind = "with" if having else "without"
    return NotEstimable(
        f"{patients} patients {kind} the finding are too few to say, expected {settings.fewest} or more"
    )
