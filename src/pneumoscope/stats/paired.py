"""Two answers to the same rows: McNemar's test, the paired difference, non-inferiority."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, Shaped
from scipy.optimize import brentq
from scipy.stats import binom, norm

from pneumoscope.core import InputError
from pneumoscope.stats.clusters import clustered_error
from pneumoscope.stats.estimates import Difference
from pneumoscope.stats.validation import check_share, check_truth

# Below this a standard error is rounding.
_ALIKE = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class McNemar:
    """Rows on which only one of two answers is right, and the two-sided exact p-value of no difference."""

    only_first: int
    only_second: int
    n: int
    p_value: float
    mid_p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NonInferiority:
    """Whether the first is worse than the second by less than `margin`, one-sided.

    Attributes:
        difference: First less second; its interval at twice the one-sided error.
        p_value: One-sided, of being worse by the margin or more.
        shown: Whether the interval lies above minus the margin.
    """

    difference: Difference
    margin: float
    p_value: float
    shown: bool


def mcnemar(first: Bool[np.ndarray, " n"], second: Bool[np.ndarray, " n"]) -> McNemar:
    """Exact test that two answers are right equally often; True is right, rows are patients.

    Raises:
        InputError: The answers are not two booleans a row.

    Source:
        McNemar, Psychometrika 12(2), 1947, p. 153 (exact form); mid-p: Fagerland, Lydersen and Laake, BMC Medical
        Research Methodology 13, 2013, 91.
    """
    _check(first, second)
    wins, losses = int((first & ~second).sum()), int((~first & second).sum())
    fewer, total = min(wins, losses), wins + losses
    tail, point = float(binom.cdf(fewer, total, 0.5)), float(binom.pmf(fewer, total, 0.5))
    return McNemar(
        only_first=wins,
        only_second=losses,
        n=first.size,
        p_value=min(2 * tail, 1.0),
        mid_p_value=min(2 * tail - point, 1.0),
    )


def paired_difference(
    first: Bool[np.ndarray, " n"],
    second: Bool[np.ndarray, " n"],
    *,
    cluster: Shaped[np.ndarray, " n"] | None = None,
    level: float = 0.95,
) -> Difference:
    """Share right by `first` less share right by `second`, on the same rows.

    For sensitivities pass the answers to rows with the finding; for specificities, whether rows without it were left
    unflagged. Rows that are patients get Tango's score interval; clustered rows a Wald interval between clusters, or,
    where the clusters don't differ and so say nothing of the error, Tango's with each cluster counted once.

    Raises:
        InputError: The answers are not two booleans a row, or there is one cluster.

    Source:
        Tango, Statistics in Medicine 17(8), 1998, p. 891; clusters: Obuchowski, Statistics in Medicine 17(13), 1998,
        p. 1495.
    """
    check_share(level, name="level")
    _check(first, second)
    change = first.astype(int) - second.astype(int)
    value, z = float(change.mean()), float(norm.ppf((1 + level) / 2))
    error, size = _clustered_error(change, cluster)
    if error:
        low, high = max(value - z * error, -1.0), min(value + z * error, 1.0)
        p_value = float(2 * norm.sf(abs(value) / error))
        method = "Wald between clusters (Obuchowski)"
    else:
        low, high = _tango(*_counts(change, size), n=size, z=z)
        p_value = float(2 * norm.sf(abs(_score(change, size=size, delta=0.0))))
        method = "Tango score" if cluster is None else "Tango score, clusters alike and counted once"
    return Difference(
        value=value,
        low=low,
        high=high,
        level=level,
        n=change.size,
        positives=int(second.sum()),
        method=method,
        p_value=p_value,
    )


def non_inferiority(
    first: Bool[np.ndarray, " n"],
    second: Bool[np.ndarray, " n"],
    *,
    margin: float,
    cluster: Shaped[np.ndarray, " n"] | None = None,
    error: float = 0.025,
) -> NonInferiority:
    """Whether `first` is right at most `margin` less often than `second`, at one-sided `error`.

    Raises:
        InputError: As `paired_difference`, or margin or error is not between 0 and 1.

    Source:
        Tango, Statistics in Medicine 17(8), 1998, p. 891 (score test); margins and one-sided error: FDA,
        Non-Inferiority Clinical Trials to Establish Effectiveness, 2016.
    """
    check_share(margin, name="margin")
    check_share(error, name="one-sided error")
    difference = paired_difference(first, second, cluster=cluster, level=1 - 2 * error)
    change = first.astype(int) - second.astype(int)
    spread, size = _clustered_error(change, cluster)
    score = (difference.value + margin) / spread if spread else _score(change, size=size, delta=-margin)
    p_value = float(norm.sf(score))
    return NonInferiority(difference=difference, margin=margin, p_value=p_value, shown=difference.low > -margin)


def restricted_losses(wins: float, losses: float, *, total: float, delta: float) -> float:
    """Likeliest share of losses where the share of wins exceeds it by `delta`: the larger root of a quadratic.

    Source:
        Tango, Statistics in Medicine 17(8), 1998, p. 891, equation 4.
    """
    b = -wins - losses + (2 * total - wins + losses) * delta
    c = -losses * delta * (1 - delta)
    return float((np.sqrt(max(b * b - 8 * total * c, 0.0)) - b) / (4 * total))


def tango_score(wins: float, losses: float, *, n: int, delta: float) -> float:
    """Standard normal score of a paired difference against `delta`; 0 where nothing speaks for or against it.

    Source:
        Tango, Statistics in Medicine 17(8), 1998, p. 891, equation 5.
    """
    loss_share = restricted_losses(wins, losses, total=n, delta=delta)
    variance = n * (2 * loss_share + delta * (1 - delta))
    excess = wins - losses - n * delta
    if variance <= 0:
        return 0.0 if excess == 0 else float(np.copysign(np.inf, excess))
    return float(excess / np.sqrt(variance))


def _check(first: Bool[np.ndarray, " n"], second: Bool[np.ndarray, " n"]) -> None:
    check_truth(first, measure="paired difference")
    check_truth(second, measure="paired difference")
    if first.shape != second.shape:
        raise InputError(f"expected two answers to each of {first.size} rows, found {second.size} second ones")


def _counts(change: Int[np.ndarray, " n"], size: int) -> tuple[float, float]:
    """Wins and losses among `size` rows that are won and lost as often as these."""
    return float((change == 1).mean()) * size, float((change == -1).mean()) * size


def _score(change: Int[np.ndarray, " n"], *, size: int, delta: float) -> float:
    return tango_score(*_counts(change, size), n=size, delta=delta)


def _tango(wins: float, losses: float, *, n: int, z: float) -> tuple[float, float]:
    value = (wins - losses) / n
    edge = 1 - 1e-12

    def end(limit: float, target: float) -> float:
        if abs(value) == 1 and np.sign(value) == np.sign(limit):
            return float(np.sign(limit))
        return float(brentq(lambda delta: tango_score(wins, losses, n=n, delta=delta) - target, value, limit))

    return end(-edge, z), end(edge, -z)


def _clustered_error(change: Int[np.ndarray, " n"], cluster: Shaped[np.ndarray, " n"] | None) -> tuple[float, int]:
    """Standard error between clusters, 0 where there are none or they are alike; and how many independent rows."""
    if cluster is None:
        return 0.0, change.size
    error = clustered_error((change - change.mean()) / change.size, cluster=cluster)
    if np.isinf(error):
        raise InputError("paired difference's interval is undefined: expected at least 2 clusters, found 1")
    return (error if error > _ALIKE else 0.0), np.unique(cluster).size
