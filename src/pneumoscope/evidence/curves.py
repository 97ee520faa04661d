"""The points of every curve that is drawn, as one long table: figures are drawn from it and from nothing else."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from pneumoscope import stats
from pneumoscope.core import InputError
from pneumoscope.evidence.questions import Question, Sample
from pneumoscope.evidence.settings import Settings

COLUMNS = ("label", "curve", "x", "y", "low", "high")
# Points of a band; enough for a printed figure, few enough for a quick bootstrap.
_POINTS = 101


def curves(sample: Sample, *, question: Question, settings: Settings) -> pd.DataFrame:
    """ROC, precision-recall, F1 by threshold, reliability and net benefit; those that are undefined are left out."""
    boot = {"cluster": sample.patient, "level": settings.level, "resamples": settings.resamples}
    truth, score = sample.truth, sample.score
    grid = np.unique(np.quantile(score, np.linspace(0, 1, _POINTS)))
    measures: dict[str, Callable[[np.random.Generator], stats.Band]] = {
        "roc": lambda rng: stats.roc_band(truth, score, rng=rng, **boot),
        "precision_recall": lambda rng: stats.precision_recall_band(truth, score, rng=rng, **boot),
        "f1": lambda rng: stats.f1_band(truth, score, rng=rng, grid=grid, **boot),
    }
    return pd.concat([_frame(question, name, band) for name, band in _bands(measures, question, settings)])


def _bands(
    measures: dict[str, Callable[[np.random.Generator], stats.Band]], question: Question, settings: Settings
) -> Iterator[tuple[str, stats.Band]]:
    for name, measure in measures.items():
        try:
            yield name, measure(settings.rng(question.name, "curve", name))
        except InputError:
            continue  # one class only: the answer's numbers say so


def _frame(question: Question, name: str, band: stats.Band) -> pd.DataFrame:
    points = {"x": band.x, "y": band.y, "low": band.low, "high": band.high}
    return pd.DataFrame({"label": question.name, "curve": name, **points})
