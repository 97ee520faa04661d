"""Mean of a measured value over rows, with an interval that knows which rows belong together."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from pneumoscope.core import InputError
from pneumoscope.stats.distributions import t_quantile
from pneumoscope.stats.validation import check_share, number_clusters


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A mean over `n` rows in the value's own unit, and its two-sided interval at confidence `level`."""

    value: float
    low: float
    high: float
    level: float
    n: int
    method: str


def clustered_mean(
    value: Float[np.ndarray, " n"], *, cluster: Shaped[np.ndarray, " n"] | None = None, level: float = 0.95
) -> Mean:
    """Mean of the rows; each counts the same, however many its cluster (a patient's images) has.

    Raises:
        InputError: A value is not finite, or there are fewer than two clusters.

    Source:
        Cochran, Sampling Techniques, 3rd edition, 1977, chapter 9A (clusters of unequal size, the ratio-to-size
        estimate); Student's t with one degree of freedom less than there are clusters.
    """
    check_share(level, name="level")
    if not np.isfinite(value).all():
        raise InputError(
            f"expected finite values, found {int((~np.isfinite(value)).sum())} of {value.size} that are not"
        )
    number = number_clusters(cluster, rows=value.size)
    clusters = int(number.max()) + 1 if value.size else 0
    if clusters < 2:
        raise InputError(f"the interval of a mean is undefined: expected 2 clusters, found {clusters}")
    mean = float(value.mean())
    excess = np.bincount(number, weights=value - mean)
    error = math.sqrt(clusters / (clusters - 1) * float(excess @ excess)) / value.size
    half = t_quantile((1 + level) / 2, clusters - 1) * error
    kind = "Student's t" if cluster is None else "Student's t, clustered (ratio to size)"
    return Mean(value=mean, low=mean - half, high=mean + half, level=level, n=value.size, method=kind)
