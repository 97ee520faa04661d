"""How far predicted probabilities are from observed shares."""

import numpy as np
from jaxtyping import Bool, Float, Int, Num, Shaped

from pneumoscope.core import InputError
from pneumoscope.stats.bootstrap import RESAMPLES, bootstrap, describe, resample
from pneumoscope.stats.estimates import Estimate
from pneumoscope.stats.validation import check_probability, check_share, check_truth


def brier(
    truth: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    rng: np.random.Generator,
    cluster: Shaped[np.ndarray, " n"] | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Mean squared difference of probability and outcome; a constant at prevalence p gives p (1 - p).

    Raises:
        InputError: A score is outside [0, 1] or NaN, or there are no rows.

    Source:
        Brier, Monthly Weather Review 78(1), 1950, p. 1 (for two classes, halved as is usual).
    """
    check_truth(truth, measure="Brier score")
    check_probability(score, rows=truth.size, measure="Brier score")
    squared = (score - truth) ** 2

    def statistic(count: Int[np.ndarray, " n"]) -> float:
        return float(count @ squared) / float(count.sum())

    return bootstrap(statistic, truth, cluster=cluster, stratified=False, rng=rng, resamples=resamples, level=level)


def expected_calibration_error(
    truth: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    rng: np.random.Generator,
    cluster: Shaped[np.ndarray, " n"] | None = None,
    bins: int = 10,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Mean over rows of their bin's |mean probability - share with the finding|; in [0, 1].

    Bins hold equal numbers of rows (tied scores stay together): with a rare finding, bins of equal width
    would put almost all rows in one. A perfectly calibrated model scores above 0 by chance, and a resample
    more so; the interval is therefore the value plus and minus what the bins' gaps may be off in all (it errs
    on the wide side), and starts at 0 where these rows don't show any miscalibration.

    Raises:
        InputError: A score is outside [0, 1] or NaN, there are no rows, or fewer rows than bins.

    Source:
        Naeini, Cooper and Hauskrecht, AAAI 2015, p. 2901; equal-mass bins: Roelofs et al., AISTATS 2022,
        p. 4036.
    """
    check_share(level, name="level")
    check_truth(truth, measure="calibration error")
    check_probability(score, rows=truth.size, measure="calibration error")
    if not 1 <= bins <= truth.size:
        raise InputError(f"expected 1 to {truth.size} bins, at most one a row, found {bins}")
    edges = np.quantile(score, np.linspace(0, 1, bins + 1)[1:-1])
    place = np.searchsorted(edges, score, side="left")
    gap = truth - score.astype(float)

    def gaps(count: Int[np.ndarray, " n"]) -> Float[np.ndarray, " bins"]:
        total: np.ndarray = np.bincount(place, weights=count * gap) / count.sum()
        return total

    measured = gaps(np.ones(truth.size, dtype=int))
    value = float(np.abs(measured).sum())
    off = resample(
        lambda count: float(np.abs(gaps(count) - measured).sum()),
        truth,
        cluster=cluster,
        stratified=False,
        rng=rng,
        resamples=resamples,
    )
    margin = float(np.quantile(off, level))
    return Estimate(
        value=value,
        low=max(value - margin, 0.0),
        high=min(value + margin, 1.0),
        level=level,
        n=truth.size,
        positives=int(truth.sum()),
        method=f"{bins} equal-mass bins, {describe(cluster, resamples=resamples, stratified=False)}",
    )
