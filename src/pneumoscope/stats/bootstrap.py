"""Bootstrap over patients, for statistics without an interval by formula.

A resample is a count of how often each patient is drawn. Statistics take many resamples at once, so the work is
done by numpy: one row a resample, one column an image (`resample`) or a sum (`resample_totals`).
"""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Bool, Float, Int, Num, Shaped

from pneumoscope.core import InputError
from pneumoscope.stats.estimates import Band, Estimate
from pneumoscope.stats.validation import check_share, number_clusters

RESAMPLES = 2000
# Cells of one batch of counts: 32 MiB of integers, whatever the numbers of rows and resamples.
_BATCH_CELLS = 4_000_000


def resample(
    statistic: Callable[[Int[np.ndarray, "draws n"]], Float[np.ndarray, "draws *values"]],
    truth: Bool[np.ndarray, " n"],
    *,
    cluster: Shaped[np.ndarray, " n"] | None,
    stratified: bool,
    rng: np.random.Generator,
    resamples: int,
) -> Float[np.ndarray, "resamples *values"]:
    """`statistic` of each resample; whole clusters are drawn anew.

    Args:
        statistic: Its argument says how often each row is drawn, one line a resample.
        truth: Which rows have the finding.
        cluster: Patient of each row; None where every row is its own.
        stratified: Whether clusters with and without a positive row are drawn apart, so that both occur.
        rng: Drawn from; the same state gives the same values.
        resamples: Number of draws.

    Raises:
        InputError: There are fewer than 2 resamples, or the clusters don't fit the rows.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 6; clusters: Field and Welsh,
        Journal of the Royal Statistical Society B 69(3), 2007, p. 369.
    """
    number = number_clusters(cluster, rows=truth.size)
    draws = _draws(truth, number, stratified=stratified, rng=rng, resamples=resamples)
    return np.concatenate([statistic(count[:, number]) for count in draws])


def resample_totals(
    values: Num[np.ndarray, "n sums"],
    truth: Bool[np.ndarray, " n"],
    *,
    cluster: Shaped[np.ndarray, " n"] | None,
    stratified: bool,
    rng: np.random.Generator,
    resamples: int,
) -> Float[np.ndarray, "resamples sums"]:
    """Sum of each column of `values` in each resample; far faster than `resample` where sums are enough.

    Raises:
        InputError: As `resample`.
    """
    number = number_clusters(cluster, rows=truth.size)
    totals = cluster_totals(values, number)
    draws = _draws(truth, number, stratified=stratified, rng=rng, resamples=resamples)
    return np.concatenate([count.astype(float) @ totals for count in draws])


def bootstrap(
    statistic: Callable[[Int[np.ndarray, "draws n"]], Float[np.ndarray, " draws"]],
    truth: Bool[np.ndarray, " n"],
    *,
    cluster: Shaped[np.ndarray, " n"] | None,
    stratified: bool,
    rng: np.random.Generator,
    resamples: int,
    level: float,
) -> Estimate:
    """`statistic` of all rows and its percentile interval; arguments as `resample`.

    Raises:
        InputError: As `resample`, or `level` is not between 0 and 1.
    """
    values = resample(statistic, truth, cluster=cluster, stratified=stratified, rng=rng, resamples=resamples)
    return percentile_estimate(
        float(statistic(np.ones((1, truth.size), dtype=int))[0]),
        values,
        truth=truth,
        level=level,
        method=f"{describe(cluster, resamples=resamples, stratified=stratified)}, percentile interval",
    )


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
        InputError: `level` is not between 0 and 1.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3.
    """
    low, high = percentile_interval(values, level=level)
    return Estimate(
        value=value,
        low=float(low),
        high=float(high),
        level=level,
        n=truth.size,
        positives=int(truth.sum()),
        method=method,
    )


def percentile_band(
    x: Float[np.ndarray, " points"],
    y: Float[np.ndarray, " points"],
    *,
    values: Float[np.ndarray, "resamples points"],
    truth: Bool[np.ndarray, " n"],
    level: float,
    method: str,
) -> Band:
    """A curve with the percentile interval of its resampled `values` at each point by itself.

    Raises:
        InputError: `level` is not between 0 and 1.
    """
    low, high = percentile_interval(values, level=level)
    return Band(
        x=x, y=y, low=low, high=high, level=level, n=truth.size, positives=int(truth.sum()), method=f"{method}, pointwise"
    )


def percentile_interval(
    values: Float[np.ndarray, "resamples *points"], *, level: float
) -> tuple[Float[np.ndarray, "*points"], Float[np.ndarray, "*points"]]:
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


def cluster_totals(
    values: Num[np.ndarray, "n sums"], number: Int[np.ndarray, " n"]
) -> Float[np.ndarray, "clusters sums"]:
    """Sum of each column of `values` over the rows of each cluster."""
    return np.stack([np.bincount(number, weights=column) for column in values.T], axis=1)


def _draws(
    truth: Bool[np.ndarray, " n"],
    number: Int[np.ndarray, " n"],
    *,
    stratified: bool,
    rng: np.random.Generator,
    resamples: int,
) -> Iterator[Int[np.ndarray, "draws clusters"]]:
    """How often each resample draws each cluster, a batch of resamples at a time."""
    if resamples < 2:
        raise InputError(f"expected at least 2 resamples, found {resamples}")
    clusters = int(number.max()) + 1
    first = np.zeros(clusters, dtype=bool)
    first[number[truth] if stratified else slice(None)] = True
    groups = [group for group in (np.flatnonzero(first), np.flatnonzero(~first)) if group.size]
    batch = max(1, _BATCH_CELLS // truth.size)
    for start in range(0, resamples, batch):
        draws = min(batch, resamples - start)
        count = np.empty((draws, clusters), dtype=np.int32)
        for group in groups:
            drawn = rng.integers(0, group.size, (draws, group.size))
            drawn += group.size * np.arange(draws)[:, None]
            count[:, group] = np.bincount(drawn.ravel(), minlength=draws * group.size).reshape(draws, -1)
        yield count
