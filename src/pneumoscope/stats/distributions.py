"""Quantiles and tails of the distributions that intervals need, without SciPy: the node installs NumPy only."""

import math
from statistics import NormalDist

import numpy as np
from jaxtyping import Float

_STANDARD = NormalDist()
_TINY = 1e-300
_STEPS = 10_000
# The continued fraction stops where a further term changes the last digit at most.
_PRECISION = 1e-15
# Newton's step doubles the digits: after one this small the next would change nothing.
_NEAR = 1e-12
# Degrees of freedom from which on the expansion of Student's t about the normal distribution is the more accurate.
_MANY = 2000


def expit(odds: Float[np.ndarray, "..."] | float) -> Float[np.ndarray, "..."]:
    """Return the probability of each log-odds."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -np.asarray(odds, dtype=float))))


def logit(probability: Float[np.ndarray, "..."] | float) -> Float[np.ndarray, "..."]:
    """Return the log-odds of each probability; infinite at 0 and 1."""
    p = np.asarray(probability, dtype=float)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(p) - np.log1p(-p))


def normal_quantile(share: float) -> float:
    """Return the value below which `share` of a standard normal distribution lies."""
    return _STANDARD.inv_cdf(share)


def two_sided(level: float) -> float:
    """Return the half width, in standard errors, of a normal interval at confidence `level`."""
    return normal_quantile((1 + level) / 2)


def normal_tail(value: float) -> float:
    """Return the share of a standard normal distribution above `value`, accurate far out."""
    return 0.5 * math.erfc(value / math.sqrt(2))


def beta_cdf(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function: the share of Beta(a, b) below x.

    Source:
        Press et al., Numerical Recipes, 3rd edition, section 6.4 (continued fraction by Lentz's method).
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    # The fraction converges fast below the mean; above it the mirrored one does.
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def beta_quantile(share: float, a: float, b: float) -> float:
    """Return the value below which `share` of Beta(a, b) lies, for shares strictly between 0 and 1.

    Newton's steps, each kept within the bracket that the signs so far leave, else halved.
    """
    low, high = 0.0, 1.0
    mean = a / (a + b)
    start = mean + normal_quantile(share) * math.sqrt(mean * (1 - mean) / (a + b + 1))
    x = start if low < start < high else mean
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    for _ in range(200):
        excess = beta_cdf(x, a, b) - share
        low, high = (low, x) if excess > 0 else (x, high)
        density = math.exp(scale + (a - 1) * math.log(x) + (b - 1) * math.log1p(-x))
        step = x - excess / density if density > _TINY else -1.0
        following = step if low < step < high else (low + high) / 2
        if abs(following - x) <= _NEAR * x:
            return following
        x = following
    return x


def t_quantile(share: float, df: float) -> float:
    """Return the value below which `share` of Student's t with `df` degrees of freedom lies; `df` may be infinite.

    Source:
        Abramowitz and Stegun, Handbook of Mathematical Functions, 1964, 26.5.27 and, for many degrees, 26.7.5.
    """
    if math.isinf(df):
        return normal_quantile(share)
    tail = min(share, 1 - share)
    if tail == 0.5:
        return 0.0
    if df > _MANY:
        z = normal_quantile(share)
        terms = (
            (z**3 + z) / 4,
            (5 * z**5 + 16 * z**3 + 3 * z) / 96,
            (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        )
        return z + sum(term / df**power for power, term in enumerate(terms, start=1))
    x = beta_quantile(2 * tail, df / 2, 0.5)
    return math.copysign(math.sqrt(df * (1 - x) / x), share - 0.5)


def t_tail(value: float, df: float) -> float:
    """Return the share of Student's t with `df` degrees of freedom above `value`, at least 0; `df` may be infinite."""
    if math.isinf(df) or math.isinf(value):
        return normal_tail(value)
    return beta_cdf(df / (df + value**2), df / 2, 0.5) / 2


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d or _TINY)
    value = d
    for m in range(1, _STEPS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / ((1 + term * d) or _TINY)
            c = (1 + term / c) or _TINY
            value *= c * d
        if abs(c * d - 1) < _PRECISION:
            break
    return value
