"""Sensitivity, specificity, predictive values and accuracy at a threshold, with exact intervals."""

import numpy as np
from jaxtyping import Bool, Num, Shaped

from pneumoscope.core import InputError
from pneumoscope.stats.distributions import beta_quantile, t_quantile
from pneumoscope.stats.estimates import Proportion
from pneumoscope.stats.validation import check_probability, check_share, check_truth, number_clusters

_Cluster = Shaped[np.ndarray, " n"] | None


def sensitivity(
    truth: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    threshold: float,
    cluster: _Cluster = None,
    level: float = 0.95,
) -> Proportion:
    """Share of rows with the finding that are flagged.

    Raises:
        InputError: A score is outside [0, 1] or NaN, or no row has the finding.

    Source:
        `clopper_pearson`; with clusters Korn and Graubard, Survey Methodology 24(2), 1998, p. 193.
    """
    flagged = _flagged(truth, score, threshold=threshold, measure="sensitivity")
    return share(flagged, among=truth, cluster=cluster, level=level, measure="sensitivity")


def specificity(
    truth: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    threshold: float,
    cluster: _Cluster = None,
    level: float = 0.95,
) -> Proportion:
    """Share of rows without the finding that are not flagged.

    Raises:
        InputError: A score is outside [0, 1] or NaN, or every row has the finding.

    Source:
        As `sensitivity`.
    """
    flagged = _flagged(truth, score, threshold=threshold, measure="specificity")
    return share(~flagged, among=~truth, cluster=cluster, level=level, measure="specificity")


def ppv(
    truth: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    threshold: float,
    cluster: _Cluster = None,
    level: float = 0.95,
) -> Proportion:
    """Share of flagged rows that have the finding, at these rows' prevalence (else `ppv_at_prevalence`).

    Raises:
        InputError: A score is outside [0, 1] or NaN, or no row is flagged.

    Source:
        As `sensitivity`.
    """
    flagged = _flagged(truth, score, threshold=threshold, measure="PPV")
    return share(truth, among=flagged, cluster=cluster, level=level, measure="PPV")


def npv(
    truth: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    threshold: float,
    cluster: _Cluster = None,
    level: float = 0.95,
) -> Proportion:
    """Share of rows not flagged that are without the finding, at these rows' prevalence.

    Raises:
        InputError: A score is outside [0, 1] or NaN, or every row is flagged.

    Source:
        As `sensitivity`.
    """
    flagged = _flagged(truth, score, threshold=threshold, measure="NPV")
    return share(~truth, among=~flagged, cluster=cluster, level=level, measure="NPV")


def accuracy(
    truth: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    threshold: float,
    cluster: _Cluster = None,
    level: float = 0.95,
) -> Proportion:
    """Share of rows that are flagged exactly when they have the finding.

    Raises:
        InputError: A score is outside [0, 1] or NaN, or there are no rows.

    Source:
        As `sensitivity`.
    """
    flagged = _flagged(truth, score, threshold=threshold, measure="accuracy")
    everyone = np.ones_like(truth)
    return share(flagged == truth, among=everyone, cluster=cluster, level=level, measure="accuracy")


def proportion(success: Bool[np.ndarray, " n"], *, cluster: _Cluster = None, level: float = 0.95) -> Proportion:
    """Share of rows that are True, such as a prevalence.

    Raises:
        InputError: There are no rows, or the clusters don't fit them.

    Source:
        As `sensitivity`.
    """
    check_truth(success, measure="proportion")
    return share(success, among=np.ones_like(success), cluster=cluster, level=level, measure="proportion")


def clopper_pearson(successes: float, trials: float, *, level: float) -> tuple[float, float]:
    """Return the exact interval of a proportion; counts may be fractions (effective ones).

    Source:
        Clopper and Pearson, Biometrika 26(4), 1934, p. 404.
    """
    tail, failures = (1 - level) / 2, trials - successes
    low = beta_quantile(tail, successes, failures + 1) if successes > 0 else 0.0
    high = 1 - beta_quantile(tail, failures, successes + 1) if failures > 0 else 1.0
    return low, high


def _flagged(
    truth: Bool[np.ndarray, " n"], score: Num[np.ndarray, " n"], *, threshold: float, measure: str
) -> Bool[np.ndarray, " n"]:
    check_truth(truth, measure=measure)
    check_probability(score, rows=truth.size, measure=measure)
    if not np.isfinite(threshold):
        raise InputError(f"{measure}: expected a finite threshold, found {threshold}")
    flagged: np.ndarray = score >= threshold
    return flagged


def share(
    success: Bool[np.ndarray, " n"],
    *,
    among: Bool[np.ndarray, " n"],
    cluster: _Cluster,
    level: float,
    measure: str,
) -> Proportion:
    """Share of the rows in `among` that are a success, with its exact interval.

    Raises:
        InputError: There is no row in `among`, or the clusters don't fit the rows.

    Source:
        As `sensitivity`.
    """
    check_share(level, name="level")
    number = number_clusters(cluster, rows=success.size)[among]
    success = success[among]
    if success.size == 0:
        raise InputError(f"{measure} is undefined: expected a row in its denominator, found none of {among.size}")
    value = float(success.mean())
    effective_n, size = (float(success.size),) * 2 if cluster is None else _effective_n(success, number, level=level)
    low, high = clopper_pearson(value * size, size, level=level)
    return Proportion(
        value=value,
        low=low,
        high=high,
        level=level,
        n=success.size,
        effective_n=effective_n,
        method="Clopper-Pearson" if cluster is None else "Clopper-Pearson, clustered (Korn-Graubard)",
    )


def _effective_n(success: Bool[np.ndarray, " n"], number: np.ndarray, *, level: float) -> tuple[float, float]:
    """Independent rows that would give the proportion the variance that it has between clusters, at most all.

    Then the same, less what the variance's own uncertainty takes (degrees of freedom), for the interval. Both are the
    number of clusters where the variance cannot be estimated: one cluster, or all rows alike.

    Source:
        Korn and Graubard, Survey Methodology 24(2), 1998, p. 193 (ratio of squared quantiles of Student's t).
    """
    clusters = int(np.count_nonzero(np.bincount(number)))
    deviation = np.bincount(number, weights=success - success.mean())
    if clusters == 1 or success.all() or not success.any():
        return float(clusters), float(clusters)
    variance = clusters / (clusters - 1) * float(deviation @ deviation) / success.size**2
    binomial = float(success.mean() * (1 - success.mean()))
    effective = binomial / variance if variance else np.inf
    rows, between = (t_quantile((1 + level) / 2, count - 1) for count in (success.size, clusters))
    return min(effective, float(success.size)), min(effective * (rows / between) ** 2, float(success.size))
