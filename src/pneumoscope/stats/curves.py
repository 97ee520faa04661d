"""ROC, precision-recall and F1 curves: exact points, and bootstrap bands on a grid."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Num, Shaped

from pneumoscope.stats.bootstrap import RESAMPLES, describe, percentile_band
from pneumoscope.stats.estimates import Band
from pneumoscope.stats.sweep import Flags, candidates, check_grid, flags, lookup, resampled_flags
from pneumoscope.stats.validation import check_both_classes, check_probability, check_score

_Cluster = Shaped[np.ndarray, " n"] | None
_GRID = np.linspace(0, 1, 101)


@dataclass(frozen=True, slots=True, eq=False)
class RocCurve:
    """From (0, 0), where nothing is flagged (threshold infinite), to (1, 1); a point a distinct score."""

    threshold: Float[np.ndarray, " points"]
    false_positive_rate: Float[np.ndarray, " points"]
    sensitivity: Float[np.ndarray, " points"]


@dataclass(frozen=True, slots=True, eq=False)
class PrecisionRecallCurve:
    """A point a distinct score, highest threshold first: recall rises, precision need not fall."""

    threshold: Float[np.ndarray, " points"]
    recall: Float[np.ndarray, " points"]
    precision: Float[np.ndarray, " points"]


def roc_curve(truth: Bool[np.ndarray, " n"], score: Num[np.ndarray, " n"]) -> RocCurve:
    """Sensitivity and false positive rate at every threshold.

    Raises:
        InputError: A score is not finite, or truth has one class.

    Source:
        Pepe, The Statistical Evaluation of Medical Tests for Classification and Prediction, 2003, section 4.2.
    """
    check_both_classes(truth, measure="ROC curve")
    check_score(score, rows=truth.size, measure="ROC curve")
    thresholds = np.unique(score.astype(float))[::-1]
    at = flags(truth, score, thresholds=thresholds)
    return RocCurve(
        threshold=np.append(np.inf, thresholds),
        false_positive_rate=np.append(0.0, at.false_positive_rate[0]),
        sensitivity=np.append(0.0, at.sensitivity[0]),
    )


def precision_recall_curve(truth: Bool[np.ndarray, " n"], score: Num[np.ndarray, " n"]) -> PrecisionRecallCurve:
    """Precision (PPV) and recall (sensitivity) at every threshold, at these rows' prevalence.

    Raises:
        InputError: A score is not finite, or truth has one class.

    Source:
        Davis and Goadrich, ICML 2006, p. 233.
    """
    check_both_classes(truth, measure="precision-recall curve")
    check_score(score, rows=truth.size, measure="precision-recall curve")
    thresholds = np.unique(score.astype(float))[::-1]
    at = flags(truth, score, thresholds=thresholds)
    return PrecisionRecallCurve(threshold=thresholds, recall=at.sensitivity[0], precision=at.precision[0])


def roc_band(
    truth: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    rng: np.random.Generator,
    cluster: _Cluster = None,
    grid: Float[np.ndarray, " points"] = _GRID,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> Band:
    """Return the highest sensitivity (y) whose false positive rate is at most x; patients are resampled.

    Raises:
        InputError: As `roc_curve`, or the grid leaves [0, 1].

    Source:
        Fawcett, Pattern Recognition Letters 27(8), 2006, p. 869 (vertical averaging), here of bootstrap resamples.
    """
    check_both_classes(truth, measure="ROC band")
    check_score(score, rows=truth.size, measure="ROC band")
    check_grid(grid, name="false positive rates")

    def curve(at: Flags) -> Float[np.ndarray, "draws points"]:
        place = lookup(at.false_positive_rate, grid, side="right")
        return np.take_along_axis(np.pad(at.sensitivity, ((0, 0), (1, 0))), place, axis=1)

    thresholds = candidates(truth, score)
    return _band(
        curve,
        truth,
        score,
        thresholds=thresholds,
        grid=grid,
        cluster=cluster,
        rng=rng,
        resamples=resamples,
        level=level,
    )


def precision_recall_band(
    truth: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    rng: np.random.Generator,
    cluster: _Cluster = None,
    grid: Float[np.ndarray, " points"] = _GRID[1:],
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> Band:
    """Precision (y) at the highest threshold whose recall reaches x, not interpolated; patients are resampled.

    Raises:
        InputError: As `precision_recall_curve`, or the grid leaves [0, 1].

    Source:
        Boyd, Eng and Page, ECML PKDD 2013, p. 451 (stratified bootstrap).
    """
    check_both_classes(truth, measure="precision-recall band")
    check_score(score, rows=truth.size, measure="precision-recall band")
    check_grid(grid, name="recalls")

    def curve(at: Flags) -> Float[np.ndarray, "draws points"]:
        return np.take_along_axis(at.precision, lookup(at.sensitivity, grid, side="left"), axis=1)

    thresholds = candidates(truth, score)
    return _band(
        curve,
        truth,
        score,
        thresholds=thresholds,
        grid=grid,
        cluster=cluster,
        rng=rng,
        resamples=resamples,
        level=level,
    )


def f1_band(
    truth: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    rng: np.random.Generator,
    cluster: _Cluster = None,
    grid: Float[np.ndarray, " points"] = _GRID,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> Band:
    """F1 (y) where score >= x is flagged, at these rows' prevalence; patients are resampled.

    Raises:
        InputError: A score is outside [0, 1] or NaN, truth has one class, or the grid leaves [0, 1].

    Source:
        As `f1`.
    """
    check_both_classes(truth, measure="F1 band")
    check_probability(score, rows=truth.size, measure="F1 band")
    check_grid(grid, name="thresholds")
    return _band(
        lambda at: at.f1[:, ::-1],
        truth,
        score,
        thresholds=grid[::-1],
        grid=grid,
        cluster=cluster,
        rng=rng,
        resamples=resamples,
        level=level,
    )


def _band(
    curve: Callable[[Flags], Float[np.ndarray, "draws points"]],
    truth: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    thresholds: Float[np.ndarray, " thresholds"],
    grid: Float[np.ndarray, " points"],
    cluster: _Cluster,
    rng: np.random.Generator,
    resamples: int,
    level: float,
) -> Band:
    drawn = resampled_flags(
        truth, score, thresholds=thresholds, cluster=cluster, stratified=True, rng=rng, resamples=resamples
    )
    return percentile_band(
        grid,
        curve(flags(truth, score, thresholds=thresholds))[0],
        values=curve(drawn),
        truth=truth,
        level=level,
        method=describe(cluster, resamples=resamples, stratified=True),
    )
