"""What depends on how common the finding is: predictive values, F1 and net benefit, at several prevalences."""

import numpy as np

from pneumoscope import stats
from pneumoscope.core import InputError
from pneumoscope.evaluation.numbers import NotEstimable, Number, Tree, estimate
from pneumoscope.evaluation.points import HERE, Pair, sensitivity_and_specificity
from pneumoscope.evaluation.questions import Sample
from pneumoscope.evaluation.settings import Point, Settings

MEASURES = {"ppv": stats.ppv_at_prevalence, "npv": stats.npv_at_prevalence, "f1": stats.f1_at_prevalence}


def by_prevalence(sample: Sample, point: Point, *, settings: Settings) -> Tree:
    """Predictive values and F1 of one threshold where another share of the images has the finding."""
    try:
        pair = sensitivity_and_specificity(sample, point, settings=settings)
    except InputError as error:
        return _none(error, settings)
    return {f"{percent}%": at_prevalence(pair, share=percent / 100) for percent in settings.prevalences}


def at_prevalence(pair: Pair, *, share: float) -> Tree:
    """PPV, NPV and F1 of a sensitivity and a specificity where `share` of all have the finding."""
    return {name: estimate(lambda: value(*pair, prevalence=share)) for name, value in MEASURES.items()}  # noqa: B023


def best_f1(sample: Sample, *, settings: Settings) -> Tree:
    """Return the highest F1 of any threshold at each prevalence, beside that of flagging everybody.

    The threshold is chosen on these images for each prevalence anew, which flatters the score.
    """
    try:
        curve = stats.roc_curve(sample.truth, sample.score)
    except InputError as error:
        return _none(error, settings)
    return {f"{percent}%": _best_f1(sample, curve, percent / 100, settings) for percent in settings.prevalences}


def _best_f1(sample: Sample, curve: stats.RocCurve, share: float, settings: Settings) -> Tree:
    found, alarms = curve.sensitivity * share, curve.false_positive_rate * (1 - share)
    threshold = float(curve.threshold[np.argmax(2 * found / (found + alarms + share))])
    point = Point(threshold=threshold, rule="largest F1", chosen_on=HERE)
    pair = sensitivity_and_specificity(sample, point, settings=settings)
    return {
        "score": estimate(lambda: stats.f1_at_prevalence(*pair, prevalence=share)),
        "threshold": threshold,
        "flag_all": 2 * share / (1 + share),
    }


def net_benefit(sample: Sample, *, rng: np.random.Generator, settings: Settings) -> Tree:
    """Net benefit of acting on the score, and on everybody, for who would act at each of these probabilities."""
    thresholds = np.array(settings.prevalences) / 100
    drawn = settings.drawn(sample.patient, rng)
    try:
        curve = stats.decision_curve(sample.truth, sample.score, thresholds=thresholds, **drawn)
    except InputError as error:
        return _none(error, settings)
    return {
        f"{percent}%": {"score": _at(curve.model, place), "flag_all": float(curve.flag_all[place])}
        for place, percent in enumerate(settings.prevalences)
    }


def _at(band: stats.Band, place: int) -> Number:
    """One point of a curve, as a number."""
    return Number(
        value=float(band.y[place]),
        low=float(band.low[place]),
        high=float(band.high[place]),
        level=band.level,
        n=band.n,
        positives=band.positives,
        method=band.method,
    )


def _none(error: InputError, settings: Settings) -> Tree:
    return {f"{percent}%": NotEstimable(str(error)) for percent in settings.prevalences}
