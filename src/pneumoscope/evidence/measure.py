"""The numbers of one sample: at a threshold, at another prevalence, and of its probabilities."""

from collections.abc import Mapping

import numpy as np

from pneumoscope import stats
from pneumoscope.core import InputError
from pneumoscope.evidence.numbers import Tree, estimate
from pneumoscope.evidence.questions import Sample
from pneumoscope.evidence.settings import Point, Settings

# Chosen on the cohort itself where nobody chose before. Order: the first is the one that subgroups are compared at.
RULES: Mapping[str, tuple[stats.Rule, str]] = {
    "youden": (stats.Youden(), "largest sensitivity + specificity (Youden)"),
    "max_f1": (stats.MaximumF1(), "largest F1"),
    "sensitivity_80": (stats.FixedSensitivity(0.8), "highest threshold with sensitivity at least 80%"),
    "specificity_95": (stats.FixedSpecificity(0.95), "largest sensitivity with specificity at least 95%"),
}
HERE = "these images"


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


def discrimination(sample: Sample, *, rng: np.random.Generator, settings: Settings) -> Tree:
    """Prevalence, AUROC and average precision."""
    truth, score, options = sample.truth, sample.score, {"cluster": sample.patient, "level": settings.level}
    everyone = np.ones_like(truth)
    return {
        "prevalence": estimate(lambda: stats.ppv(truth, everyone.astype(float), threshold=1, **options)),
        "auroc": estimate(lambda: stats.auroc_clustered(truth, score, **options)),
        "auprc": estimate(
            lambda: stats.average_precision(truth, score, rng=rng, resamples=settings.resamples, **options)
        ),
    }


def at_threshold(sample: Sample, point: Point, *, rng: np.random.Generator, settings: Settings) -> Tree:
    """The numbers of flagging images whose score reaches a threshold."""
    shares = (stats.sensitivity, stats.specificity, stats.ppv, stats.npv, stats.accuracy)
    options = {"threshold": point.threshold, "cluster": sample.patient, "level": settings.level}
    draws = {"rng": rng, "resamples": settings.resamples}
    return {
        "threshold": point.threshold,
        "rule": point.rule,
        "chosen_on": point.chosen_on,
        **{
            share.__name__: estimate(lambda share=share: share(sample.truth, sample.score, **options))
            for share in shares
        },
        "f1": estimate(lambda: stats.f1(sample.truth, sample.score, **options, **draws)),
    }


def expected(sample: Sample, *, name: str, rng: np.random.Generator, settings: Settings) -> Tree:
    """What a threshold that was chosen on these very images will attain on others: less than what it shows here."""
    rule, _ = RULES[name]
    point = stats.operating_point(
        sample.truth, sample.score, rule=rule, rng=rng, cluster=sample.patient, level=settings.level,
        resamples=settings.resamples,
    )  # fmt: skip
    return {
        "threshold": estimate(lambda: point.threshold),
        "sensitivity": estimate(lambda: point.sensitivity),
        "specificity": estimate(lambda: point.specificity),
    }


def calibration(sample: Sample, *, rng: np.random.Generator, settings: Settings) -> Tree:
    """How far the scores are from being probabilities on these images."""
    options = {"cluster": sample.patient, "level": settings.level, "resamples": settings.resamples}
    return {
        "ece": estimate(lambda: stats.expected_calibration_error(sample.truth, sample.score, rng=rng, **options)),
        "brier": estimate(lambda: stats.brier(sample.truth, sample.score, rng=rng, **options)),
    }


def by_prevalence(sample: Sample, point: Point, *, settings: Settings) -> Tree:
    """Predictive values of a threshold where another share of the images has the finding."""
    options = {"threshold": point.threshold, "cluster": sample.patient, "level": settings.level}
    try:
        sensitivity = stats.sensitivity(sample.truth, sample.score, **options)
        specificity = stats.specificity(sample.truth, sample.score, **options)
    except InputError:
        return {}
    measures = {"ppv": stats.ppv_at_prevalence, "npv": stats.npv_at_prevalence}
    return {
        f"{percent}%": {
            name: estimate(lambda value=value, share=percent / 100: value(sensitivity, specificity, prevalence=share))
            for name, value in measures.items()
        }
        for percent in settings.prevalences
    }
