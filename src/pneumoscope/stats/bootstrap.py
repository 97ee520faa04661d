"""Bootstrap over patients, for statistics without an interval by formula."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from pneumoscope.core import InputError
from pneumoscope.stats.estimates import Estimate
from pneumoscope.stats.validation import check_share, number_clusters

RESAMPLES = 2000


def resample(
    statistic: Callable[[Int[np.ndarray, " n"]], float],
    truth: Bool[np.ndarray, " n"],
    *,
    cluster: Shaped[np.ndarray, " n"] | None,
    stratified: bool,
    rng: np.random.Generator,
    resamples: int,
) -> Float[np.ndarray, " resamples"]:
    """`statistic` of each resample; whole clusters are drawn anew.

    Args:
        statistic: Its argument says how often each row is drawn.
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
    if resamples < 2:
        raise InputError(f"expected at least 2 resamples, found {resamples}")
    number = number_clusters(cluster, rows=truth.size)
    first = np.zeros(int(number.max()) + 1, dtype=bool)
    first[number[truth] if stratified else slice(None)] = True
    groups = [group for group in (np.flatnonzero(first), np.flatnonzero(~first)) if group.size]
    values = np.empty(resamples)
    for index in range(resamples):
        drawn = np.concatenate([group[rng.integers(0, group.size, group.size)] for group in groups])
        values[index] = statistic(np.bincount(drawn, minlength=first.size)[number])
    return values


def bootstrap(
    statistic: Callable[[Int[np.ndarray, " n"]], float],
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

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3.
    """
    check_share(level, name="level")
    values = resample(statistic, truth, cluster=cluster, stratified=stratified, rng=rng, resamples=resamples)
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(
        value=statistic(np.ones(truth.size, dtype=int)),
        low=float(low),
        high=float(high),
        level=level,
        n=truth.size,
        positives=int(truth.sum()),
        method=f"{describe(cluster, resamples=resamples, stratified=stratified)}, percentile interval",
    )


def describe(cluster: Shaped[np.ndarray, " n"] | None, *, resamples: int, stratified: bool) -> str:
    """How the resamples were drawn, in words."""
    kind = "stratified bootstrap" if stratified else "bootstrap"
    return f"{kind} of {'rows' if cluster is None else 'clusters'}, {resamples} resamples"
