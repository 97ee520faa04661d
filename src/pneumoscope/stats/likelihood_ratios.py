"""Likelihood ratios of a positive and of a negative answer: by how much each moves the odds of the finding."""

from dataclasses import dataclass

import numpy as np

from pneumoscope.core import InputError
from pneumoscope.stats.distributions import two_sided
from pneumoscope.stats.estimates import Proportion


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A ratio of two shares and its interval at `level`; at least 0, and 1 where the answer says nothing.

    Attributes:
        n: Rows of both shares.
    """

    value: float
    low: float
    high: float
    level: float
    n: int
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LikelihoodRatios:
    """Of being flagged (`positive`, above 1 where it helps) and of not being flagged (`negative`, below 1)."""

    positive: Ratio
    negative: Ratio


def likelihood_ratios(sensitivity: Proportion, specificity: Proportion) -> LikelihoodRatios:
    """Share with an answer among rows with the finding, over the share among rows without it.

    Where a share is 0 or 1, each count is taken with half a row more of either answer, and the method says so: the
    plain ratio would be 0 or infinite.

    Raises:
        InputError: The levels differ.

    Source:
        Simel, Samsa and Matchar, Journal of Clinical Epidemiology 44(8), 1991, p. 763 (log interval); clusters by
        the shares' effective sizes.
    """
    level = sensitivity.level
    if level != specificity.level:
        raise InputError(f"expected one level, found {level} and {specificity.level}")
    sizes = np.array([sensitivity.effective_n, specificity.effective_n])
    flagged = np.array([sensitivity.value, 1 - specificity.value]) * sizes
    method = "log interval (Simel)"
    if (flagged == 0).any() or (flagged == sizes).any():
        flagged, sizes = flagged + 0.5, sizes + 1
        method += ", half a row added to each count"
    z, n = two_sided(level), sensitivity.n + specificity.n

    def ratio(counts: np.ndarray) -> Ratio:
        share = counts / sizes
        spread = float(np.exp(z * np.sqrt((1 / counts - 1 / sizes).sum())))
        value = float(share[0] / share[1])
        return Ratio(value=value, low=value / spread, high=value * spread, level=level, n=n, method=method)

    return LikelihoodRatios(positive=ratio(flagged), negative=ratio(sizes - flagged))
