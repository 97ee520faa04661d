"""Maps from a model's probability to a calibrated one, fitted on validation rows: temperature, Platt, isotonic."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Num
from scipy.optimize import isotonic_regression
from scipy.special import expit

from pneumoscope.core import InputError
from pneumoscope.stats.logistic import fit_logistic, logit_of
from pneumoscope.stats.validation import check_both_classes, check_probability


@dataclass(frozen=True, slots=True)
class Temperature:
    """Divides the log-odds by a temperature above 0; keeps the order of scores, and 0.5 where it is."""

    temperature: float

    def probability(self, score: Num[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Calibrated probabilities."""
        return np.asarray(expit(logit_of(score) / self.temperature))


@dataclass(frozen=True, slots=True)
class Platt:
    """A straight line on the log-odds; a slope above 0 keeps the order of scores."""

    slope: float
    intercept: float

    def probability(self, score: Num[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Calibrated probabilities."""
        return np.asarray(expit(self.slope * logit_of(score) + self.intercept))


@dataclass(frozen=True, slots=True)
class Isotonic:
    """A rising staircase with ramps between its steps; level outside the fitted scores.

    Attributes:
        scores: Ends of the steps, rising.
        probabilities: At those scores, never falling.
    """

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def probability(self, score: Num[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Calibrated probabilities."""
        return np.asarray(np.interp(score, self.scores, self.probabilities))


def fit_temperature(truth: Bool[np.ndarray, " n"], score: Num[np.ndarray, " n"]) -> Temperature:
    """The temperature of greatest likelihood; above 1 where the model is too sure.

    Raises:
        InputError: A score is outside [0, 1] or NaN, truth has one class, or the scores rank the classes backwards.

    Source:
        Guo et al., ICML 2017, p. 1321.
    """
    _check(truth, score)
    (slope,) = fit_logistic(logit_of(score)[:, None], truth, measure="temperature")
    if slope <= 0:
        raise InputError(f"temperature is undefined: log-odds fit best with the factor {slope:.3g}, expected above 0")
    return Temperature(temperature=float(1 / slope))


def fit_platt(truth: Bool[np.ndarray, " n"], score: Num[np.ndarray, " n"]) -> Platt:
    """The line of greatest likelihood, the targets drawn in a little against overfitting.

    Raises:
        InputError: A score is outside [0, 1] or NaN, or truth has one class.

    Source:
        Platt, Advances in Large Margin Classifiers, 2000, p. 61 (targets: section 2.2).
    """
    _check(truth, score)
    positives = int(truth.sum())
    target = np.where(truth, (positives + 1) / (positives + 2), 1 / (truth.size - positives + 2))
    design = np.stack([logit_of(score), np.ones(truth.size)], axis=1)
    slope, intercept = fit_logistic(design, target, measure="Platt scaling")
    return Platt(slope=float(slope), intercept=float(intercept))


def fit_isotonic(truth: Bool[np.ndarray, " n"], score: Num[np.ndarray, " n"]) -> Isotonic:
    """The rising function with the least squared error; needs hundreds of rows of each class not to overfit.

    Raises:
        InputError: A score is outside [0, 1] or NaN, or truth has one class.

    Source:
        Zadrozny and Elkan, KDD 2002, p. 694; Barlow et al., Statistical Inference under Order Restrictions, 1972.
    """
    _check(truth, score)
    values, number, count = np.unique(score.astype(float), return_inverse=True, return_counts=True)
    share = np.bincount(number, weights=truth) / count
    fitted = isotonic_regression(share, weights=count).x
    # Within a step only its ends matter.
    inner = (fitted[1:-1] == fitted[:-2]) & (fitted[1:-1] == fitted[2:])
    keep = np.concatenate([[True], ~inner, [True]])[: values.size]
    return Isotonic(scores=tuple(values[keep].tolist()), probabilities=tuple(fitted[keep].tolist()))


def _check(truth: Bool[np.ndarray, " n"], score: Num[np.ndarray, " n"]) -> None:
    check_both_classes(truth, measure="calibration")
    check_probability(score, rows=truth.size, measure="calibration")
