"""Operating points: thresholds chosen on the cohort itself where nobody chose before, and what each attains."""

from collections.abc import Mapping

import numpy as np

from pneumoscope import stats
from pneumoscope.core import InputError
from pneumoscope.evidence.numbers import NotEstimable, Tree, estimate
from pneumoscope.evidence.questions import Sample
from pneumoscope.evidence.settings import Point, Settings

# In order: the first is the one that subgroups are compared at.
RULES: Mapping[str, tuple[stats.Rule, str]] = {
    "youden": (stats.Youden(), "largest sensitivity + specificity (Youden)"),
    "max_f1": (stats.MaximumF1(), "largest F1"),
    "sensitivity_80": (stats.FixedSensitivity(0.8), "highest threshold with sensitivity at least 80%"),
    "specificity_95": (stats.FixedSpecificity(0.95), "largest sensitivity with specificity at least 95%"),
}
HERE = "these images"

_SHARES = {
    "sensitivity": stats.sensitivity,
    "specificity": stats.specificity,
    "ppv": stats.ppv,
    "npv": stats.npv,
    "accuracy": stats.accuracy,
}
Pair = tuple[stats.Proportion, stats.Proportion]


def choose_points(sample: Sample) -> dict[str, Point]:
    """Thresholds chosen on the sample itself; a rule that no threshold meets, or one class only, gives none."""
    points = {}
    for name, (rule, words) in RULES.items():
        try:
            threshold = stats.choose_threshold(sample.truth, sample.score, rule=rule)
        except InputError:
            continue
        points[name] = Point(threshold=threshold, rule=words, chosen_on=HERE)
    return points


def sensitivity_and_specificity(sample: Sample, *, threshold: float, settings: Settings) -> Pair:
    """Both at a threshold.

    Raises:
        InputError: A class is absent.
    """
    truth, score, exact = sample.truth, sample.score, settings.exact(sample.patient)
    return (
        stats.sensitivity(truth, score, threshold=threshold, **exact),
        stats.specificity(truth, score, threshold=threshold, **exact),
    )


def at_point(sample: Sample, point: Point, *, rng: np.random.Generator, settings: Settings) -> Tree:
    """The numbers of flagging images whose score reaches a threshold."""
    truth, score, threshold = sample.truth, sample.score, point.threshold
    exact, drawn = settings.exact(sample.patient), settings.drawn(sample.patient, rng)
    return {
        "threshold": threshold,
        "rule": point.rule,
        "chosen_on": point.chosen_on,
        **{
            name: estimate(lambda: share(truth, score, threshold=threshold, **exact)) for name, share in _SHARES.items()
        },
        "f1": estimate(lambda: stats.f1(truth, score, threshold=threshold, **drawn)),
        **_likelihood_ratios(sample, threshold=threshold, settings=settings),
    }


def expected(sample: Sample, *, name: str, rng: np.random.Generator, settings: Settings) -> Tree:
    """What a threshold that was chosen on these very images will attain on others: less than what it shows here."""
    rule, _ = RULES[name]
    point = stats.operating_point(sample.truth, sample.score, rule=rule, **settings.drawn(sample.patient, rng))
    return {
        measure: estimate(lambda: getattr(point, measure))  # noqa: B023
        for measure in ("threshold", "sensitivity", "specificity")
    }


def _likelihood_ratios(sample: Sample, *, threshold: float, settings: Settings) -> Tree:
    names = {"lr_positive": "positive", "lr_negative": "negative"}
    try:
        pair = sensitivity_and_specificity(sample, threshold=threshold, settings=settings)
    except InputError as error:
        return dict.fromkeys(names, NotEstimable(str(error)))
    ratios = stats.likelihood_ratios(*pair)
    return {name: estimate(lambda: getattr(ratios, side)) for name, side in names.items()}  # noqa: B023
