"""One question, asked group by group: subgroups along each axis, and images with and without each other finding."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import Bool

from pneumoscope import stats
from pneumoscope.datasets import FINDINGS
from pneumoscope.evidence.axes import AXES, groups
from pneumoscope.evidence.numbers import Leaf, NotEstimable, Tree, estimate
from pneumoscope.evidence.questions import Question, Sample
from pneumoscope.evidence.settings import Point, Settings


def subgroups(sample: Sample, rows: pd.DataFrame, *, points: Mapping[str, Point], settings: Settings) -> Tree:
    """AUROC, and sensitivity and specificity at each operating point, of every group on every axis."""
    return {
        axis: {
            group: _group(sample.of(inside), points=points, settings=settings)
            for group, inside in groups(rows, axis).items()
        }
        for axis in AXES
        if axis != "source" or rows["source"].nunique() > 1
    }


def comorbid(sample: Sample, rows: pd.DataFrame, *, question: Question, point: Point, settings: Settings) -> Tree:
    """Sensitivity and specificity at one operating point with and without each finding that the source labels."""
    others = [name for name in FINDINGS if name not in (question.score, question.reference) and name in rows]
    answers = {}
    for finding in others:
        value = rows[finding].to_numpy(dtype=float, na_value=np.nan)
        if (value == 1).any():
            answers[finding] = {
                "with": _flagging(sample.of(value == 1), point.threshold, settings),
                "without": _flagging(sample.of(value == 0), point.threshold, settings),
            }
    return answers


def _group(sample: Sample, *, points: Mapping[str, Point], settings: Settings) -> Tree:
    def area() -> stats.Auroc:
        return stats.auroc_clustered(sample.truth, sample.score, cluster=sample.patient, level=settings.level)

    return {
        **sample.counts,
        "auroc": _unless_few(sample.truth, settings) or estimate(area),
        "operating_points": {
            name: {
                measure: number
                for measure, number in _flagging(sample, point.threshold, settings).items()
                if measure not in sample.counts
            }
            for name, point in points.items()
        },
    }


def _flagging(sample: Sample, threshold: float, settings: Settings) -> Tree:
    options = {"threshold": threshold, **settings.exact(sample.patient)}
    return {
        **sample.counts,
        "sensitivity": _too_few(int(sample.truth.sum()), "with", settings)
        or estimate(lambda: stats.sensitivity(sample.truth, sample.score, **options)),
        "specificity": _too_few(int((~sample.truth).sum()), "without", settings)
        or estimate(lambda: stats.specificity(sample.truth, sample.score, **options)),
    }


def _unless_few(truth: Bool[np.ndarray, " n"], settings: Settings) -> Leaf | None:
    return _too_few(int(truth.sum()), "with", settings) or _too_few(int((~truth).sum()), "without", settings)


def _too_few(images: int, which: str, settings: Settings) -> NotEstimable | None:
    if images >= settings.fewest:
        return None
    return NotEstimable(f"{images} images {which} the finding are too few to say, expected {settings.fewest} or more")
