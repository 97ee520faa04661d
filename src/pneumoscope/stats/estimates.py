"""Records of estimates: the number, its two-sided interval, and what both stand on."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A statistic of `n` rows, `positives` of them with the finding, and its interval at `level`."""

    value: float
    low: float
    high: float
    level: float
    n: int
    positives: int
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Auroc(Estimate):
    """Area under the ROC curve, in [0, 1]; 0.5 is chance.

    Attributes:
        standard_error: Of the area itself, not of its logit; 0 where the classes are separated perfectly.
    """

    standard_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference(Estimate):
    """First less second, and the two-sided p-value of no difference."""

    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AurocDifference(Difference):
    """First area less second, in [-1, 1]."""

    standard_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportion:
    """A share of `n` rows and its interval at confidence `level`, in [0, 1].

    Attributes:
        n: The denominator: of a sensitivity the diseased, of a predictive value the flagged.
        effective_n: `n` over the design effect of the clusters; `n` itself where rows are independent.
    """

    value: float
    low: float
    high: float
    level: float
    n: int
    effective_n: float
    method: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Band:
    """A curve through `y` at `x`, and its two-sided interval at `level` at each point by itself.

    Attributes:
        n: Rows that the curve stands on, `positives` of them with the finding.
    """

    x: Float[np.ndarray, " points"]
    y: Float[np.ndarray, " points"]
    low: Float[np.ndarray, " points"]
    high: Float[np.ndarray, " points"]
    level: float
    n: int
    positives: int
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OddsRatio(Estimate):
    """Odds ratio of an outcome (`positives` of `n`) and an exposure, above 0; 1 is none.

    Attributes:
        exposed: Rows that were exposed.
        log_standard_error: Of the ratio's natural logarithm.
    """

    exposed: int
    log_standard_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Kappa:
    """Agreement beyond chance of two raters of `n` rows, in [-1, 1]; 0 is as by chance.

    Attributes:
        observed: Share of rows on which they agree.
        expected: Share on which they would agree by chance.
    """

    value: float
    low: float
    high: float
    level: float
    n: int
    observed: float
    expected: float
    method: str
    standard_error: float
