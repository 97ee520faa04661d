"""Association of two categorical variables: odds ratio and Cramer's V."""

import numpy as np
from jaxtyping import Bool, Shaped

from pneumoscope.core import InputError
from pneumoscope.stats.clusters import clustered_error
from pneumoscope.stats.distributions import two_sided
from pneumoscope.stats.estimates import OddsRatio
from pneumoscope.stats.validation import check_share, check_truth, number_clusters


def odds_ratio(
    outcome: Bool[np.ndarray, " n"],
    exposed: Bool[np.ndarray, " n"],
    *,
    cluster: Shaped[np.ndarray, " n"] | None = None,
    level: float = 0.95,
) -> OddsRatio:
    """Odds of the outcome among the exposed over those among the others; 1 where they do not go together.

    The interval is symmetric on the log scale; with `cluster` rows of one cluster may depend on each other.

    Raises:
        InputError: The arrays don't fit, or one of the four combinations does not occur: the ratio is then 0, infinite
            or undefined, and its interval with it.

    Source:
        Woolf, Annals of Human Genetics 19(4), 1955, p. 251; with clusters each row's share of the log odds ratio,
        +-1 over the size of its cell, is summed by cluster (Binder 1983).
    """
    check_share(level, name="level")
    check_truth(outcome, measure="odds ratio")
    if exposed.shape != outcome.shape or exposed.dtype != np.bool_:
        raise InputError(f"odds ratio: expected {outcome.size} booleans, found {exposed.dtype} of {exposed.shape}")
    cell = 2 * exposed.astype(int) + outcome
    sizes = np.bincount(cell, minlength=4)
    if (sizes == 0).any():
        raise InputError(f"odds ratio is undefined: expected rows in all four combinations, found {sizes.tolist()}")
    value = float(np.log(sizes[3] / sizes[2]) - np.log(sizes[1] / sizes[0]))
    influence = np.array([1.0, -1.0, -1.0, 1.0])[cell] / sizes[cell]
    error = clustered_error(influence, cluster=cluster)
    half = two_sided(level) * error
    return OddsRatio(
        value=float(np.exp(value)),
        low=float(np.exp(value - half)),
        high=float(np.exp(value + half)),
        level=level,
        n=outcome.size,
        positives=int(outcome.sum()),
        method="Woolf" if cluster is None else "Woolf, clustered",
        exposed=int(exposed.sum()),
        log_standard_error=error,
    )


def cramer_v(first: Shaped[np.ndarray, " n"], second: Shaped[np.ndarray, " n"]) -> float:
    """How strongly two unordered variables go together: 0 not at all, 1 one says the other; bias-corrected.

    Raises:
        InputError: They don't have the same rows, there are fewer than two, or one of them has one value only;
            or the rows are so few that the correction for their number leaves nothing.

    Source:
        Bergsma, Journal of the Korean Statistical Society 42(3), 2013, p. 323.
    """
    if first.ndim != 1 or first.shape != second.shape or first.size < 2:
        raise InputError(f"Cramer's V: expected two values a row, found shapes {first.shape} and {second.shape}")
    one, two = (number_clusters(values, rows=first.size) for values in (first, second))
    rows, columns = int(one.max()) + 1, int(two.max()) + 1
    if min(rows, columns) < 2:
        raise InputError(f"Cramer's V is undefined: expected two values of each variable, found {rows} and {columns}")
    n = first.size
    counts = np.bincount(one * columns + two, minlength=rows * columns).reshape(rows, columns)
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True) / n
    phi_squared = float(((counts - expected) ** 2 / expected).sum()) / n
    excess = (rows - 1) * (columns - 1) / (n - 1)
    rows_corrected, columns_corrected = (size - (size - 1) ** 2 / (n - 1) for size in (rows, columns))
    most = min(rows_corrected, columns_corrected) - 1
    if most <= 0:
        raise InputError(f"Cramer's V is undefined: its correction leaves nothing of {n} rows")
    return float(np.sqrt(max(0.0, phi_squared - excess) / most))
