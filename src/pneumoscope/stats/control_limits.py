"""What control charts of a running system need: limits of a share, a share's quick interval, two samples compared."""

import math

import numpy as np
from jaxtyping import Float

from pneumoscope.core import InputError
from pneumoscope.stats.distributions import two_sided
from pneumoscope.stats.validation import check_share

THREE_SIGMA_TAIL = 0.00135
"""Chance, on each side, of lying beyond three standard deviations of a normal distribution."""

# Below this the series of the Kolmogorov distribution does not converge, and the p-value is 1 to five digits.
_LEAST_SCALED = 0.3


def wilson(successes: int, trials: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return the score interval of a share: short, and never outside [0, 1].

    Raises:
        InputError: There are no trials, or more successes than trials.

    Source:
        Wilson, Journal of the American Statistical Association 22(158), 1927, p. 209.
    """
    check_share(level, name="level")
    if not 0 <= successes <= trials or trials == 0:
        raise InputError(f"expected 0 to n successes of n >= 1 trials, found {successes} of {trials}")
    z = two_sided(level)
    share, denominator = successes / trials, 1 + z * z / trials
    middle = (share + z * z / (2 * trials)) / denominator
    reach = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / denominator
    return max(0.0, middle - reach), min(1.0, middle + reach)


def binomial_limits(n: int, share: float, *, tail: float = THREE_SIGMA_TAIL) -> tuple[float, float]:
    """Return the least and the greatest share of `n` that are within control limits.

    Args:
        n: Trials of one point of the chart.
        share: In control; strictly between 0 and 1.
        tail: Largest chance of a share below the least, and of one above the greatest.

    Raises:
        InputError: There are no trials, or `share` or `tail` is not between 0 and 1.

    Source:
        Montgomery, Introduction to Statistical Quality Control, 7th edition, 2013, p. 306 (exact limits).
    """
    check_share(share, name="share in control")
    check_share(tail, name="tail")
    if n < 1:
        raise InputError(f"expected at least 1 trial, found {n}")
    counts = np.arange(n + 1)
    ways = np.array([math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in counts])
    chance = np.exp(ways + counts * np.log(share) + (n - counts) * np.log1p(-share))
    below, above = np.cumsum(chance), np.cumsum(chance[::-1])[::-1]
    return float(counts[below > tail][0] / n), float(counts[above > tail][-1] / n)


def kolmogorov_smirnov(first: Float[np.ndarray, " n"], second: Float[np.ndarray, " m"]) -> tuple[float, float]:
    """Return the largest distance between two samples' distributions, and its asymptotic p-value.

    Raises:
        InputError: A sample is empty or has a value that is not finite.

    Source:
        Press et al., Numerical Recipes, 3rd edition, section 14.3.3, equations 14.3.18 and 14.3.19.
    """
    together = np.concatenate([first, second])
    if not (first.size and second.size and np.isfinite(together).all()):
        raise InputError(f"expected two samples of finite values, found {first.size} and {second.size} values")
    shares = [np.searchsorted(np.sort(one), together, side="right") / one.size for one in (first, second)]
    distance = float(np.abs(shares[0] - shares[1]).max())
    root = math.sqrt(first.size * second.size / (first.size + second.size))
    scaled = (root + 0.12 + 0.11 / root) * distance
    if scaled < _LEAST_SCALED:
        return distance, 1.0
    terms = np.arange(1, 101)
    chance = 2 * float(np.sum((-1.0) ** (terms - 1) * np.exp(-2 * (terms * scaled) ** 2)))
    return distance, min(1.0, max(0.0, chance))
