"""Checks of the arguments that every statistic shares."""

import numpy as np
from jaxtyping import Bool, Num, Shaped

from pneumoscope.core import InputError

_DENSE = 16


def check_truth(truth: Bool[np.ndarray, " n"], *, measure: str) -> None:
    """Check that truth is a flat, boolean, non-empty array.

    Raises:
        InputError: It is not.
    """
    if truth.ndim != 1 or truth.dtype != np.bool_ or truth.size == 0:
        raise InputError(f"{measure}: expected truth as one boolean a row, found {truth.dtype} of shape {truth.shape}")


def check_both_classes(truth: Bool[np.ndarray, " n"], *, measure: str, least: int = 1) -> None:
    """Check that truth has at least `least` rows with the finding and as many without.

    Raises:
        InputError: It has not.
    """
    check_truth(truth, measure=measure)
    positives = int(truth.sum())
    if min(positives, truth.size - positives) < least:
        raise InputError(
            f"{measure} is undefined: expected at least {least} positive and {least} negative rows, "
            f"found {positives} and {truth.size - positives}"
        )


def check_score(score: Num[np.ndarray, " n"], *, rows: int, measure: str) -> None:
    """Check that scores are finite, one a row; any scale.

    Raises:
        InputError: They are not.
    """
    if score.shape != (rows,):
        raise InputError(f"{measure}: expected {rows} scores, one a row, found shape {score.shape}")
    if not np.isfinite(score).all():
        raise InputError(f"{measure}: expected finite scores, found {int((~np.isfinite(score)).sum())} NaN or infinite")


def check_probability(score: Num[np.ndarray, " n"], *, rows: int, measure: str) -> None:
    """Check that scores are in [0, 1], one a row.

    Raises:
        InputError: They are not.
    """
    check_score(score, rows=rows, measure=measure)
    if not ((score >= 0) & (score <= 1)).all():
        raise InputError(f"{measure}: expected scores in [0, 1], found {score.min():.3g} to {score.max():.3g}")


def check_share(share: float, *, name: str) -> None:
    """Check that a confidence level or a prevalence lies strictly between 0 and 1.

    Raises:
        InputError: It does not.
    """
    if not 0 < share < 1:
        raise InputError(f"expected {name} between 0 and 1, found {share}")


def number_clusters(cluster: Shaped[np.ndarray, " n"] | None, *, rows: int) -> np.ndarray:
    """Clusters numbered 0, 1, ... for each row; every row its own where `cluster` is None.

    Raises:
        InputError: There is not one cluster a row, or a cluster is NaN.
    """
    if cluster is None:
        return np.arange(rows)
    if cluster.shape != (rows,):
        raise InputError(f"expected {rows} cluster ids, one a row, found shape {cluster.shape}")
    if (cluster != cluster).any():
        raise InputError("expected a cluster id in every row, found NaN")
    if cluster.dtype.kind in "iu" and cluster.min(initial=0) >= 0 and cluster.max(initial=0) < _DENSE * cluster.size:
        # Nearly consecutive numbers, as `pandas.factorize` gives them: no need to sort.
        place = np.cumsum(np.bincount(cluster) > 0) - 1
        dense: np.ndarray = place[cluster]
        return dense
    number: np.ndarray = np.unique(cluster, return_inverse=True)[1]
    return number
