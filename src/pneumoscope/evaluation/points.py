"""Operating points: thresholds chosen on the cohort itself where nobody chose before, and what each attains."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pneumoscope import stats
from pneumoscope.core import InputError
from pneumoscope.evaluation.numbers import Leaf, NotEstimable, Tree, estimate
from pneumoscope.evaluation.questions import Sample
from pneumoscope.evaluation.settings import Point, Settings

# In order: the first is the one that subgroups are compared at.
RULES: Mapping[str, tuple[stats.Rule, str]] = {
    "youden": (stats.Youden(), "largest sensitivity + specificity (Youden)"),
    "max_f1": (stats.MaximumF1(), "largest F1"),
    "sensitivity_80": (stats.FixedSensitivity(0.8), "highest threshold with sensitivity at least 80%"),
    "specificity_95": (stats.FixedSpecificity(0.95), "largest sensitivity with specificity at least 95%"),
}
HERE = "these images"
# Of `Sample.decided`: 1 is flagged, 0 is not.
DECIDED = 0.5

_SHARES = {
    "sensitivity": stats.sensitivity,
    "specificity": stats.specificity,
    "ppv": stats.ppv,
    "npv": stats.npv,
    "accuracy": stats.accuracy,
}
Pair = tuple[stats.Proportion, stats.Proportion]


def choose_points(sample: Sample, *, every: bool) -> dict[str, Point]:
    """Thresholds chosen on the sample itself, by every rule or by the first two only.

    A rule that no threshold meets gives none, and so does a sample of one class.
    """
    points = {}
    for name, (rule, words) in list(RULES.items())[: None if every else 2]:
        try:
            threshold = stats.choose_threshold(sample.truth, sample.score, rule=rule)
        except InputError:
            continue
        points[name] = Point(threshold=threshold, rule=words, chosen_on=HERE)
    return points


def sensitivity_and_specificity(sample: Sample, point: Point, *, settings: Settings) -> Pair:
    """Both at an operating point.

    Raises:
        InputError: A class is absent.
    """
    truth, decided, exact = sample.truth, sample.decided(point), settings.exact(sample.patient)
    return (
        stats.sensitivity(truth, decided, threshold=DECIDED, **exact),
        stats.specificity(truth, decided, threshold=DECIDED, **exact),
    )


def at_point(sample: Sample, point: Point, *, rng: np.random.Generator, settings: Settings) -> Tree:
    """Return the numbers of flagging images whose score reaches the threshold."""
    truth, decided = sample.truth, sample.decided(point)
    exact, drawn = settings.exact(sample.patient), settings.drawn(sample.patient, rng)

    def leaf(measure: Callable[..., stats.Proportion | stats.Estimate], options: dict[str, Any]) -> Leaf:
        return estimate(lambda: measure(truth, decided, threshold=DECIDED, **options))

    return {
        **point.facts(),
        **{name: leaf(measure, exact) for name, measure in _SHARES.items()},
        "f1": leaf(stats.f1, drawn),
        **_likelihood_ratios(sample, point, settings=settings),
    }


def expected(sample: Sample, *, name: str, rng: np.random.Generator, settings: Settings) -> Tree:
    """Return what a threshold that was chosen on these images will attain on others: less than it shows here."""
    rule, _ = RULES[name]
    try:
        point = stats.operating_point(sample.truth, sample.score, rule=rule, **settings.drawn(sample.patient, rng))
    except InputError as error:
        return dict.fromkeys(("threshold", "sensitivity", "specificity"), NotEstimable(str(error)))
    return {
        "threshold": estimate(lambda: point.threshold),
        "sensitivity": estimate(lambda: point.sensitivity),
        "specificity": estimate(lambda: point.specificity),
    }


def _likelihood_ratios(sample: Sample, point: Point, *, settings: Settings) -> Tree:
    try:
        ratios = stats.likelihood_ratios(*sensitivity_and_specificity(sample, point, settings=settings))
    except InputError as error:
        return dict.fromkeys(("lr_positive", "lr_negative"), NotEstimable(str(error)))
    return {"lr_positive": estimate(lambda: ratios.positive), "lr_negative": estimate(lambda: ratios.negative)}
