"""Bootstrap over patients, for statistics without an interval by formula.

A resample is a count of how often each patient is drawn. A statistic is a function of sums over rows, so all
resamples are one product of matrices: patients' sums by patients' counts.
"""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from pneumoscope.core import InputError
from pneumoscope.stats.estimates import Band, Estimate
from pneumoscope.stats.validation import check_share, number_clusters

RESAMPLES = 2000
# Cells of one batch of counts: 32 MiB, whatever the numbers of clusters and resamples.
_BATCH_CELLS = 4_000_000
_ROUNDING = 1e-12


def resample_totals(
    values: Any,
    truth: Bool[np.ndarray, " n"],
    *,
    cluster: Shaped[np.ndarray, " n"] | None,
    stratified: bool,
    rng: np.random.Generator,
    resamples: int,
) -> Float[np.ndarray, "resamples sums"]:
    """Sum of each column of `values` in each resample; whole clusters are drawn anew.

    Args:
        values: What each row adds to each sum (column); an array, or sparse (`csr_array`) where most add nothing.
        truth: Which rows have the finding.
        cluster: Patient of each row; None where every row is its own.
        stratified: Whether clusters with and without a positive row are drawn apart, so that both occur.
        rng: Drawn from; the same state gives the same sums.
        resamples: Number of draws.

    Raises:
        InputError: There are fewer than 2 resamples or clusters, the clusters don't fit the rows, or a stratified
            resample has no row without the finding.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 6; clusters: Field and Welsh,
        Journal of the Royal Statistical Society B 69(3), 2007, p. 369.
    """
    from scipy.sparse import csr_array

    if resamples < 2:
        raise InputError(f"expected at least 2 resamples, found {resamples}")
    number = number_clusters(cluster, rows=truth.size)
    # Sparse even where no sum is: a threaded dense product loses more to a busy machine than it gains.
    totals = csr_array((np.ones(truth.size), (number, np.arange(truth.size)))) @ csr_array(values, dtype=float)
    ill = np.bincount(number, weights=truth) > 0
    without = np.bincount(number, weights=~truth)
    if ill.size < 2:
        raise InputError(f"bootstrap is undefined: expected at least 2 clusters, found {ill.size}")
    groups = [np.flatnonzero(ill), np.flatnonzero(~ill)] if stratified else [np.arange(ill.size)]
    batches = []
    batch = max(1, _BATCH_CELLS // ill.size)
    for start in range(0, resamples, batch):
        count = _draw([group for group in groups if group.size], min(batch, resamples - start), rng)
        if stratified and without.any() and not (without @ count).all():
            raise InputError(
                f"bootstrap is undefined: expected rows without the finding in every resample, found them in only "
                f"{int((without > 0).sum())} of {ill.size} clusters, each of which also has the finding"
            )
        batches.append((totals.T @ count).T)
    return np.concatenate(batches)


def percentile_estimate(
    value: float,
    values: Float[np.ndarray, " resamples"],
    *,
    truth: Bool[np.ndarray, " n"],
    level: float,
    method: str,
) -> Estimate:
    """`value` with the percentile interval of its resampled `values`.

    Raises:
        InputError: `level` is not between 0 and 1, or the resamples are all alike and say nothing of the uncertainty.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3.
    """
    check_spread(values)
    bounds = percentile_interval(values, level=level)
    return estimate_within(value, bounds, truth=truth, level=level, method=f"{method}, percentile interval")


def estimate_within(
    value: float,
    bounds: tuple[Float[np.ndarray, ""], Float[np.ndarray, ""]] | tuple[float, float],
    *,
    truth: Bool[np.ndarray, " n"],
    level: float,
    method: str,
) -> Estimate:
    """`value` with the ends of its interval and how many rows, positive ones among them, it is of."""
    low, high = map(float, bounds)
    return Estimate(
        value=float(value),
        low=low,
        high=high,
        level=level,
        n=truth.size,
        positives=int(truth.sum()),
        method=method,
    )


def check_spread(values: Float[np.ndarray, " resamples"]) -> None:
    """Resamples differ by more than rounding: else their interval would have no width, as if all were known.

    Raises:
        InputError: They do not.
    """
    if np.ptp(values) < _ROUNDING:
        raise InputError(f"interval is undefined: every one of {values.size} resamples gives {values[0]:.3g}")


def percentile_band(
    x: Float[np.ndarray, " points"],
    y: Float[np.ndarray, " points"],
    *,
    values: Float[np.ndarray, "resamples points"],
    truth: Bool[np.ndarray, " n"],
    level: float,
    method: str,
) -> Band:
    """Return a curve with the percentile interval of its resampled `values` at each point by itself.

    Raises:
        InputError: `level` is not between 0 and 1.
    """
    low, high = percentile_interval(values, level=level)
    return Band(
        x=x,
        y=y,
        low=low,
        high=high,
        level=level,
        n=truth.size,
        positives=int(truth.sum()),
        method=f"{method}, percentile interval, pointwise",
    )


def percentile_interval(
    values: Float[np.ndarray, "resamples ..."], *, level: float
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """Lower and upper end of the middle `level` of the resamples.

    Raises:
        InputError: `level` is not between 0 and 1.
    """
    check_share(level, name="level")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.asarray(low), np.asarray(high)


def describe(cluster: Shaped[np.ndarray, " n"] | None, *, resamples: int, stratified: bool) -> str:
    """How the resamples were drawn, in words."""
    kind = "stratified bootstrap" if stratified else "bootstrap"
    return f"{kind} of {'rows' if cluster is None else 'clusters'}, {resamples} resamples"


def _draw(
    groups: list[Int[np.ndarray, " _"]], draws: int, rng: np.random.Generator
) -> Float[np.ndarray, "clusters draws"]:
    """How often each cluster is drawn in each resample, each group from itself."""
    count = np.empty((sum(group.size for group in groups), draws))
    for group in groups:
        drawn = rng.integers(0, group.size, (draws, group.size))
        drawn += group.size * np.arange(draws)[:, None]
        count[group] = np.bincount(drawn.ravel(), minlength=draws * group.size).reshape(draws, group.size).T
    return count
