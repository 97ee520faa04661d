"""Logistic regression with few columns, by Newton's method; its errors hold for clustered rows."""

import numpy as np
from jaxtyping import Float, Int, Num, Shaped

from pneumoscope.core import InputError
from pneumoscope.stats.distributions import expit, logit

_STEPS = 100
# A probability of exactly 0 or 1 has no logit; single precision is what models give.
_EDGE = float(np.finfo(np.float32).eps)


def logit_of(score: Num[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Log-odds of probabilities, those within 1.2e-7 of 0 or 1 taken as that far away."""
    return np.asarray(logit(np.clip(score.astype(float), _EDGE, 1 - _EDGE)))


def fit_logistic(
    design: Float[np.ndarray, "n columns"],
    target: Shaped[np.ndarray, " n"],
    *,
    offset: Float[np.ndarray, " n"] | None = None,
    penalty: Float[np.ndarray, " columns"] | None = None,
    measure: str,
) -> Float[np.ndarray, " columns"]:
    """Return maximum-likelihood coefficients; targets are booleans, or numbers from 0 to 1.

    Half of `penalty` times a coefficient's square is added to the negative log-likelihood.

    Raises:
        InputError: The likelihood has no maximum: the columns separate the classes, or one is constant.

    Source:
        McCullagh and Nelder, Generalized Linear Models, 1989, section 4.4.
    """
    shift = np.zeros(target.size) if offset is None else offset
    ridge = np.zeros(design.shape[1]) if penalty is None else penalty
    weights = np.zeros(design.shape[1])
    whitening = _whitening(design, measure=measure)  # scores of any scale take equal steps
    for _ in range(_STEPS):
        fitted = expit(design @ weights + shift)
        slope = whitening.T @ (design.T @ (target - fitted) - ridge * weights)
        curvature = (design * (fitted * (1 - fitted))[:, None]).T @ design + np.diag(ridge)
        curvature = whitening.T @ curvature @ whitening
        if np.linalg.cond(curvature) > 1e12:
            break
        step = np.linalg.solve(curvature, slope)
        weights = weights + whitening @ step * min(1.0, 5.0 / float(np.abs(step).max() + 1e-300))
        if float(np.abs(step).max()) < 1e-10:
            return weights
    raise InputError(f"{measure} is undefined: the scores separate the classes completely, or are all alike")


def _whitening(design: Float[np.ndarray, "n columns"], *, measure: str) -> Float[np.ndarray, "columns columns"]:
    """Return the matrix that makes the columns uncorrelated, with mean square 1.

    Raises:
        InputError: One column is a multiple of the others: the scores are all alike.
    """
    moments = design.T @ design / len(design)
    if np.linalg.cond(moments) > 1e15:
        raise InputError(f"{measure} is undefined: the scores separate the classes completely, or are all alike")
    return np.asarray(np.linalg.inv(np.linalg.cholesky(moments)).T)


def sandwich(
    design: Float[np.ndarray, "n columns"],
    residual: Float[np.ndarray, " n"],
    *,
    fitted: Float[np.ndarray, " n"],
    number: Int[np.ndarray, " n"],
) -> Float[np.ndarray, "columns columns"]:
    """Covariance of the coefficients where rows of one cluster depend on each other.

    Source:
        Liang and Zeger, Biometrika 73(1), 1986, p. 13 (with the factor C / (C - 1) for C clusters).
    """
    curvature = (design * (fitted * (1 - fitted))[:, None]).T @ design
    moments = np.stack([np.bincount(number, weights=column) for column in (design * residual[:, None]).T], axis=1)
    bread = np.linalg.inv(curvature)
    return np.asarray(bread @ (moments.T @ moments) @ bread * len(moments) / (len(moments) - 1))
