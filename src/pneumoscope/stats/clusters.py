"""Standard errors of statistics whose rows come in clusters."""

import numpy as np
from jaxtyping import Float, Shaped

from pneumoscope.stats.validation import number_clusters


def clustered_error(influence: Float[np.ndarray, " n"], *, cluster: Shaped[np.ndarray, " n"] | None) -> float:
    """Return the standard error of a statistic from what each row adds to its linearisation (of sum 0).

    Without clusters the rows are independent, and nothing is corrected for their finite number: the textbook's
    delta-method variances.

    Raises:
        InputError: The clusters don't fit the rows.

    Source:
        Binder, International Statistical Review 51(3), 1983, p. 279 (linearised variance, clusters with replacement).
    """
    if cluster is None:
        return float(np.sqrt(influence @ influence))
    summed = np.bincount(number_clusters(cluster, rows=influence.size), weights=influence)
    if summed.size == 1:
        return float("inf")
    return float(np.sqrt(summed.size / (summed.size - 1) * (summed @ summed)))
