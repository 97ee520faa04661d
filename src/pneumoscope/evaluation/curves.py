"""The points of every curve that is drawn, as one long table: figures are drawn from it and from nothing else."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from pneumoscope import stats
from pneumoscope.core import InputError
from pneumoscope.evaluation.numbers import Number
from pneumoscope.evaluation.points import Pair, sensitivity_and_specificity
from pneumoscope.evaluation.prevalence import MEASURES, at_prevalence
from pneumoscope.evaluation.questions import Sample
from pneumoscope.evaluation.settings import Point, Settings

COLUMNS = ("label", "curve", "x", "y", "low", "high")
# Enough for a printed figure, few enough for a quick bootstrap.
_POINTS = 81
_PREVALENCES = np.geomspace(0.002, 0.6, 41)
# Decision curves are drawn up to where acting on nobody is better than acting on everybody, several times over.
_REACH = 6


def curves(sample: Sample, *, name: str, point: Point | None, settings: Settings) -> pd.DataFrame:
    """ROC, precision-recall, F1 by threshold, net benefit; predictive values by prevalence at `point`.

    Empty where a class is absent: the numbers say so.
    """
    try:
        tables = list(_curves(sample, name=name, point=point, settings=settings))
    except InputError:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(tables, ignore_index=True).assign(label=name)[list(COLUMNS)]


def _curves(sample: Sample, *, name: str, point: Point | None, settings: Settings) -> Iterator[pd.DataFrame]:
    truth, score = sample.truth, sample.score

    def options(curve: str) -> dict[str, Any]:
        return settings.drawn(sample.patient, settings.rng(name, "curve", curve))

    yield _frame("roc", stats.roc_band(truth, score, **options("roc")))
    yield _frame("precision_recall", stats.precision_recall_band(truth, score, **options("precision recall")))
    yield _frame("f1", stats.f1_band(truth, score, grid=_thresholds(sample), **options("f1")))
    reach = np.linspace(0, min(0.9, _REACH * float(truth.mean())), _POINTS)[1:]
    decision = stats.decision_curve(truth, score, thresholds=reach, **options("net benefit"))
    yield _frame("net_benefit", decision.model)
    yield pd.DataFrame({"curve": "net_benefit_flag_all", "x": reach, "y": decision.flag_all})
    bins = stats.reliability_curve(truth, score, cluster=sample.patient, level=settings.level)
    yield pd.DataFrame(
        {
            "curve": "reliability",
            "x": [one.mean_probability for one in bins],
            "y": [one.observed.value for one in bins],
            "low": [one.observed.low for one in bins],
            "high": [one.observed.high for one in bins],
        }
    )
    if point is not None:
        yield _by_prevalence(sensitivity_and_specificity(sample, point, settings=settings))


def _thresholds(sample: Sample) -> np.ndarray:
    """Scores at even steps, and closer together among the highest and among those of images with the finding."""
    steps = np.linspace(0, 1, _POINTS)
    every = np.quantile(sample.score, np.concatenate([steps, 1 - np.geomspace(1 / sample.score.size, 0.02, _POINTS)]))
    return np.unique(np.concatenate([every, np.quantile(sample.score[sample.truth], steps)]))


def _by_prevalence(pair: Pair) -> pd.DataFrame:
    points: list[Mapping[str, Any]] = []
    for share in _PREVALENCES:
        values = at_prevalence(pair, share=float(share))
        for measure in MEASURES:
            number = values[measure]
            if isinstance(number, Number):
                place = {"curve": f"{measure}_by_prevalence", "x": share}
                points.append({**place, "y": number.value, "low": number.low, "high": number.high})
    return pd.DataFrame(points)


def _frame(curve: str, band: stats.Band) -> pd.DataFrame:
    return pd.DataFrame({"curve": curve, "x": band.x, "y": band.y, "low": band.low, "high": band.high})
