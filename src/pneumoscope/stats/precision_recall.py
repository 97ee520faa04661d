"""Average precision and F1: both depend on prevalence, so compare them only at the same one."""

import numpy as np
from jaxtyping import Bool, Float, Num, Shaped

from pneumoscope.core import InputError
from pneumoscope.stats.bootstrap import RESAMPLES, describe, percentile_estimate
from pneumoscope.stats.estimates import Estimate
from pneumoscope.stats.sweep import Flags, candidates, flags, resampled_flags
from pneumoscope.stats.validation import check_both_classes, check_probability, check_score


def average_precision(
    truth: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    rng: np.random.Generator,
    cluster: Shaped[np.ndarray, " n"] | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Area under the precision-recall curve by steps, no interpolation; chance gives the prevalence.

    Patients with and without the finding are resampled apart.

    Raises:
        InputError: A score is not finite, there are fewer than 2 clusters of a class, or all resamples are alike (the
            classes are separated perfectly).

    Source:
        Boyd, Eng and Page, ECML PKDD 2013, p. 451 (average precision and its stratified bootstrap).
    """
    check_both_classes(truth, measure="average precision")
    check_score(score, rows=truth.size, measure="average precision")
    thresholds = candidates(truth, score)
    drawn = resampled_flags(
        truth, score, thresholds=thresholds, cluster=cluster, stratified=True, rng=rng, resamples=resamples
    )
    return percentile_estimate(
        float(_average(flags(truth, score, thresholds=thresholds))[0]),
        _average(drawn),
        truth=truth,
        level=level,
        method=describe(cluster, resamples=resamples, stratified=True),
    )


def f1(
    truth: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    threshold: float,
    rng: np.random.Generator,
    cluster: Shaped[np.ndarray, " n"] | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Harmonic mean of sensitivity and PPV at `score >= threshold`.

    Patients with and without the finding are resampled apart. A threshold chosen on these rows flatters it.

    Raises:
        InputError: A score is outside [0, 1] or NaN, the threshold is not finite, there are fewer than 2 clusters of a
            class, or all resamples are alike: no flagged row has the finding (0), or all and no others (1).

    Source:
        van Rijsbergen, Information Retrieval, 1979, chapter 7 (F with equal weights).
    """
    check_both_classes(truth, measure="F1")
    check_probability(score, rows=truth.size, measure="F1")
    if not np.isfinite(threshold):
        raise InputError(f"F1: expected a finite threshold, found {threshold}")
    at = np.array([threshold], dtype=float)
    drawn = resampled_flags(truth, score, thresholds=at, cluster=cluster, stratified=True, rng=rng, resamples=resamples)
    return percentile_estimate(
        float(flags(truth, score, thresholds=at).f1[0, 0]),
        drawn.f1[:, 0],
        truth=truth,
        level=level,
        method=describe(cluster, resamples=resamples, stratified=True),
    )


def _average(at: Flags) -> Float[np.ndarray, " draws"]:
    """Precision, weighted by the share of the findings that each threshold adds."""
    added = np.diff(at.found, axis=1, prepend=0)
    return np.asarray((added * at.precision).sum(axis=1) / at.positives[:, 0])
