"""Platt scaling: a straight line from a model's log-odds to calibrated ones, fitted on validation rows."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from pneumoscope.core import InputError
from pneumoscope.stats.distributions import expit
from pneumoscope.stats.logistic import fit_logistic
from pneumoscope.stats.validation import check_score

# Weight of a penalty on the squared slope: too small to be seen, enough to keep separated classes finite.
_PENALTY = 1e-6


@dataclass(frozen=True, slots=True)
class Platt:
    """A straight line on the log-odds; a slope above 0 keeps the order of scores."""

    slope: float
    intercept: float

    def probability(self, odds: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Return calibrated probabilities of log-odds."""
        return expit(self.slope * odds + self.intercept)


def fit_platt(target: Shaped[np.ndarray, " n"], odds: Float[np.ndarray, " n"]) -> Platt:
    """Fit the line of greatest likelihood; a row with target t counts as t of a positive and 1 - t of a negative.

    Args:
        target: Booleans, or soft targets in [0, 1].
        odds: The model's log-odds, not calibrated.

    Raises:
        InputError: Log-odds are not finite, a target is outside [0, 1], or all targets are 0 or all are 1.

    Source:
        Platt, Advances in Large Margin Classifiers, 2000, p. 61.
    """
    check_score(odds, rows=target.size, measure="Platt scaling")
    share = target.astype(float)
    if not ((share >= 0) & (share <= 1)).all():
        raise InputError("Platt scaling: expected targets in [0, 1], found others")
    if not 0 < share.mean() < 1:
        raise InputError(f"Platt scaling is undefined: expected both classes, found targets of {share.mean():g} only")
    design = np.stack([odds.astype(float), np.ones(share.size)], axis=1)
    slope, intercept = fit_logistic(design, share, penalty=np.array([_PENALTY, 0.0]), measure="Platt scaling")
    return Platt(slope=float(slope), intercept=float(intercept))
