"""The numbers of one sample that need no threshold: prevalence, ranking, calibration."""

import numpy as np

from pneumoscope import stats
from pneumoscope.evaluation.numbers import Tree, estimate
from pneumoscope.evaluation.questions import Sample
from pneumoscope.evaluation.settings import Settings


def discrimination(sample: Sample, *, rng: np.random.Generator, settings: Settings) -> Tree:
    """Prevalence, AUROC and average precision."""
    truth, score, exact = sample.truth, sample.score, settings.exact(sample.patient)
    everyone = np.ones(truth.size)
    drawn = settings.drawn(sample.patient, rng)
    return {
        "prevalence": estimate(lambda: stats.ppv(truth, everyone, threshold=1, **exact)),
        "auroc": estimate(lambda: stats.auroc_clustered(truth, score, **exact)),
        "auprc": estimate(lambda: stats.average_precision(truth, score, **drawn)),
    }


def calibration(sample: Sample, *, rng: np.random.Generator, settings: Settings) -> Tree:
    """How far the scores are from being probabilities on these images."""
    drawn = settings.drawn(sample.patient, rng)

    def line() -> stats.CalibrationLine:
        return stats.calibration_line(sample.truth, sample.score, **settings.exact(sample.patient))

    return {
        "ece": estimate(lambda: stats.expected_calibration_error(sample.truth, sample.score, **drawn)),
        "slope": estimate(lambda: line().slope),
        "intercept": estimate(lambda: line().intercept),
        "brier": estimate(lambda: stats.brier(sample.truth, sample.score, **drawn)),
    }
