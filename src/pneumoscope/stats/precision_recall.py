"""Average precision and F1: both depend on prevalence, so compare them only at the same one."""

import numpy as np
from jaxtyping import Bool, Float, Int, Num, Shaped

from pneumoscope.core import InputError
from pneumoscope.stats.bootstrap import RESAMPLES, bootstrap, describe, percentile_estimate, resample_totals
from pneumoscope.stats.estimates import Estimate
from pneumoscope.stats.validation import check_both_classes, check_probability, check_score, number_clusters


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
        InputError: A score is not finite, or truth has one class.

    Source:
        Boyd, Eng and Page, ECML PKDD 2013, p. 451 (average precision and its stratified bootstrap).
    """
    check_both_classes(truth, measure="average precision")
    check_score(score, rows=truth.size, measure="average precision")
    order = np.argsort(-score.astype(float))
    fall = -score[order].astype(float)
    positive = np.flatnonzero(truth[order])
    # For each positive row the last row that its score flags too (ties together), and the last such positive.
    last = np.searchsorted(fall, fall[positive], side="right") - 1
    last_positive = np.searchsorted(positive, last, side="right") - 1

    def statistic(count: Int[np.ndarray, "draws n"]) -> Float[np.ndarray, " draws"]:
        drawn = count[:, positive]
        flagged, found = np.cumsum(count, axis=1)[:, last], np.cumsum(drawn, axis=1)[:, last_positive]
        return (drawn * found / np.maximum(flagged, 1)).sum(axis=1) / drawn.sum(axis=1)

    return bootstrap(
        statistic,
        truth[order],
        cluster=None if cluster is None else number_clusters(cluster, rows=truth.size)[order],
        stratified=True,
        rng=rng,
        resamples=resamples,
        level=level,
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
    """Harmonic mean of sensitivity and PPV at `score >= threshold`; 0 where no flagged row has the finding.

    Patients with and without the finding are resampled apart. A threshold chosen on these rows flatters it.

    Raises:
        InputError: A score is outside [0, 1] or NaN, the threshold is not finite, or truth has one class.

    Source:
        van Rijsbergen, Information Retrieval, 1979, chapter 7 (F with equal weights).
    """
    check_both_classes(truth, measure="F1")
    check_probability(score, rows=truth.size, measure="F1")
    if not np.isfinite(threshold):
        raise InputError(f"F1: expected a finite threshold, found {threshold}")
    flagged = score >= threshold
    counts = np.stack([flagged & truth, flagged.astype(int) + truth], axis=1)
    totals = resample_totals(counts, truth, cluster=cluster, stratified=True, rng=rng, resamples=resamples)
    found, either = counts.sum(axis=0)
    return percentile_estimate(
        2 * float(found) / float(either),
        2 * totals[:, 0] / totals[:, 1],
        truth=truth,
        level=level,
        method=f"{describe(cluster, resamples=resamples, stratified=True)}, percentile interval",
    )
