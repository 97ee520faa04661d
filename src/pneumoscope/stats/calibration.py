"""How far predicted probabilities are from observed shares."""

import numpy as np
from jaxtyping import Bool, Num, Shaped

from pneumoscope.stats.bootstrap import (
    RESAMPLES,
    check_spread,
    describe,
    estimate_within,
    percentile_estimate,
    resample_totals,
)
from pneumoscope.stats.estimates import Estimate
from pneumoscope.stats.reliability import equal_mass_bins
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
        InputError: A score is outside [0, 1] or NaN, there are fewer than 2 clusters, or all rows err alike.

    Source:
        Brier, Monthly Weather Review 78(1), 1950, p. 1 (for two classes, halved as is usual).
    """
    check_truth(truth, measure="Brier score")
    check_probability(score, rows=truth.size, measure="Brier score")
    squared = (score - truth) ** 2

    totals = resample_totals(
        np.stack([squared, np.ones(truth.size)], axis=1),
        truth,
        cluster=cluster,
        stratified=False,
        rng=rng,
        resamples=resamples,
    )
    return percentile_estimate(
        float(squared.mean()),
        totals[:, 0] / totals[:, 1],
        truth=truth,
        level=level,
        method=describe(cluster, resamples=resamples, stratified=False),
    )


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
        InputError: A score is outside [0, 1] or NaN, there are fewer than 2 clusters or fewer rows than bins, or no
            row errs.

    Source:
        Naeini, Cooper and Hauskrecht, AAAI 2015, p. 2901; equal-mass bins: Roelofs et al., AISTATS 2022,
        p. 4036.
    """
    check_share(level, name="level")
    check_truth(truth, measure="calibration error")
    check_probability(score, rows=truth.size, measure="calibration error")
    place = equal_mass_bins(score, bins=bins)
    filled = int(place.max()) + 1
    gap = truth - score.astype(float)

    # One column a bin, and one of ones: the number of rows drawn.
    columns = np.zeros((truth.size, filled + 1))
    columns[np.arange(truth.size), place] = gap
    columns[:, filled] = 1
    totals = resample_totals(columns, truth, cluster=cluster, stratified=False, rng=rng, resamples=resamples)
    measured = columns[:, :filled].mean(axis=0)
    value = float(np.abs(measured).sum())
    off = np.abs(totals[:, :filled] / totals[:, filled:] - measured).sum(axis=1)
    check_spread(off)
    margin = float(np.quantile(off, level))
    method = f"{bins} equal-mass bins, {describe(cluster, resamples=resamples, stratified=False)}"
    bounds = max(value - margin, 0.0), min(value + margin, 1.0)
    return estimate_within(value, bounds, truth=truth, level=level, method=method)
