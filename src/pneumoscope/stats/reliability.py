"""Where calibration fails: the reliability curve, the parts of the Brier score, and the calibration line."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Num, Shaped

from pneumoscope.core import InputError
from pneumoscope.stats.distributions import expit, two_sided
from pneumoscope.stats.estimates import Estimate, Proportion
from pneumoscope.stats.logistic import fit_logistic, logit_of, sandwich
from pneumoscope.stats.proportions import share
from pneumoscope.stats.validation import (
    check_both_classes,
    check_probability,
    check_share,
    check_truth,
    number_clusters,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """Rows with neighbouring probabilities: what the model said, on average, and what was so."""

    lowest: float
    highest: float
    mean_probability: float
    observed: Proportion


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationLine:
    """Logistic regression of the outcome on the log-odds that the model gave.

    Attributes:
        slope: 1 is ideal; below 1 the probabilities are too extreme.
        intercept: With the slope held at 1: calibration in the large, in log-odds; 0 is ideal, above 0 the model
            says too little.
    """

    slope: Estimate
    intercept: Estimate


def reliability_curve(
    truth: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    cluster: Shaped[np.ndarray, " n"] | None = None,
    bins: int = 10,
    level: float = 0.95,
) -> tuple[ReliabilityBin, ...]:
    """Bins of equal numbers of rows (tied scores stay together, so there may be fewer), lowest first.

    Raises:
        InputError: A score is outside [0, 1] or NaN, there are no rows, or fewer rows than bins.

    Source:
        Bröcker and Smith, Weather and Forecasting 22(3), 2007, p. 651; intervals as `sensitivity`.
    """
    check_truth(truth, measure="reliability curve")
    check_probability(score, rows=truth.size, measure="reliability curve")
    place = equal_mass_bins(score, bins=bins)
    curve = []
    for number in range(int(place.max()) + 1):
        inside = place == number
        observed = share(truth, among=inside, cluster=cluster, level=level, measure="observed share")
        said = score[inside].astype(float)
        curve.append(
            ReliabilityBin(
                lowest=float(said.min()),
                highest=float(said.max()),
                mean_probability=float(said.mean()),
                observed=observed,
            )
        )
    return tuple(curve)


def calibration_line(
    truth: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    cluster: Shaped[np.ndarray, " n"] | None = None,
    level: float = 0.95,
) -> CalibrationLine:
    """Calibration slope and calibration in the large, with intervals that hold for clustered rows.

    Raises:
        InputError: A score is outside [0, 1] or NaN, truth has one class, all scores are alike or separate the
            classes, or there is one cluster.

    Source:
        Cox, Biometrika 45(3/4), 1958, p. 562; Van Calster et al., BMC Medicine 17, 2019, 230.
    """
    check_share(level, name="level")
    check_both_classes(truth, measure="calibration line")
    check_probability(score, rows=truth.size, measure="calibration line")
    number = number_clusters(cluster, rows=truth.size)
    if number.max() == 0:
        raise InputError("calibration line is undefined: expected at least 2 clusters, found 1")
    odds, one = logit_of(score), np.ones((truth.size, 1))
    design = np.concatenate([odds[:, None], one], axis=1)

    def estimate(columns: Float[np.ndarray, "n columns"], offset: Float[np.ndarray, " n"]) -> Estimate:
        weights = fit_logistic(columns, truth, offset=offset, measure="calibration line")
        fitted = expit(columns @ weights + offset)
        variance = sandwich(columns, truth - fitted, fitted=fitted, number=number)[0, 0]
        half = two_sided(level) * float(np.sqrt(variance))
        value = float(weights[0])
        return Estimate(
            value=value,
            low=value - half,
            high=value + half,
            level=level,
            n=truth.size,
            positives=int(truth.sum()),
            method="logistic regression, sandwich error" + ("" if cluster is None else ", clustered"),
        )

    return CalibrationLine(slope=estimate(design, 0 * odds), intercept=estimate(one, odds))


def equal_mass_bins(score: Num[np.ndarray, " n"], *, bins: int) -> Int[np.ndarray, " n"]:
    """Bin of each row, numbered from 0 without gaps; tied scores share one.

    Raises:
        InputError: There are fewer rows than bins.
    """
    if not 1 <= bins <= score.size:
        raise InputError(f"expected 1 to {score.size} bins, at most one a row, found {bins}")
    edges = np.quantile(score, np.linspace(0, 1, bins + 1)[1:-1])
    place = np.searchsorted(edges, score, side="left")
    return np.asarray(np.unique(place, return_inverse=True)[1])
