"""Agreement of two raters beyond chance."""

from typing import Literal

import numpy as np
from jaxtyping import Float, Shaped

from pneumoscope.core import InputError
from pneumoscope.stats.clusters import clustered_error
from pneumoscope.stats.distributions import two_sided
from pneumoscope.stats.estimates import Kappa
from pneumoscope.stats.proportions import clopper_pearson
from pneumoscope.stats.validation import check_share, number_clusters

_ROUNDING = 1e-12


def cohen_kappa(
    first: Shaped[np.ndarray, " n"],
    second: Shaped[np.ndarray, " n"],
    *,
    weights: Literal["none", "linear", "quadratic"] = "none",
    cluster: Shaped[np.ndarray, " n"] | None = None,
    level: float = 0.95,
) -> Kappa:
    """Return the agreement of two raters' categories beyond chance: 1 perfect, 0 as by chance; at most 1.

    The interval is Wald's, clipped to [-1, 1]; with `cluster` rows of one cluster may depend on each other. Where rows
    (or clusters) don't differ, as where raters always agree, it is that of the agreement, exact, at the chance
    agreement found.

    Args:
        first: One rater's category of each row.
        second: The other's.
        weights: Of disagreements: all alike ("none"), or by the distance of the two categories among the sorted ones,
            or by its square; then `observed` and `expected` are weighted shares.
        cluster: Patient of each row.
        level: Of the interval.

    Raises:
        InputError: The raters didn't rate the same rows, there are none, or both used one and the same category only.

    Source:
        Cohen, Educational and Psychological Measurement 20(1), 1960, p. 37, and weighted Psychological Bulletin 70(4),
        1968, p. 213; variance: Fleiss, Cohen and Everitt, Psychological Bulletin 72(5), 1969, p. 323, as the mean
        square of the rows' influence on kappa, which clusters sum up first (Yang and Zhou, Statistics in Medicine,
        2014, is this for two categories).
    """
    check_share(level, name="level")
    if first.ndim != 1 or first.shape != second.shape or first.size == 0:
        raise InputError(f"kappa: expected two ratings a row, found shapes {first.shape} and {second.shape}")
    number = np.unique(np.concatenate([first, second]), return_inverse=True)[1]
    one, two = number[: first.size], number[first.size :]
    categories = int(number.max()) + 1
    if categories == 1:
        raise InputError("kappa is undefined: both raters put every row into one and the same category")
    agree = _agreement(categories, weights)
    share_one, share_two = (np.bincount(rater, minlength=categories) / first.size for rater in (one, two))
    each = agree[one, two]
    observed, expected = float(each.mean()), float(share_one @ agree @ share_two)
    value = (observed - expected) / (1 - expected)
    by_agreement = (each - observed) / (1 - expected)
    by_chance = (agree @ share_two)[one] + (share_one @ agree)[two] - 2 * expected
    influence = by_agreement - by_chance * (1 - observed) / (1 - expected) ** 2
    error = clustered_error(influence / first.size, cluster=cluster)
    half = two_sided(level) * error
    words = "Cohen" if weights == "none" else f"Cohen, {weights} weights"
    low, high, method = value - half, value + half, words if cluster is None else f"{words}, clustered"
    if error < _ROUNDING:
        size = np.unique(number_clusters(cluster, rows=first.size)).size
        bounds = clopper_pearson(observed * size, size, level=level)
        low, high = ((bound - expected) / (1 - expected) for bound in bounds)
        method += "; no variance, so exact on the agreement"
    return Kappa(
        value=value,
        low=max(low, -1.0),
        high=min(high, 1.0),
        level=level,
        n=first.size,
        observed=observed,
        expected=expected,
        method=method,
        standard_error=error,
    )


def _agreement(categories: int, weights: str) -> Float[np.ndarray, "categories categories"]:
    """Return how far two categories agree: 1 the same, 0 the farthest apart."""
    if weights == "none":
        return np.eye(categories)
    apart = np.abs(np.subtract.outer(np.arange(categories), np.arange(categories))) / (categories - 1)
    return np.asarray(1 - (apart if weights == "linear" else apart**2))
