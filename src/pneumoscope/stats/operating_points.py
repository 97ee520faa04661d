"""Choosing a threshold by a rule, and how sure the choice and what it attains are.

A threshold is chosen on validation rows and then held. Its sensitivity and specificity on those same rows flatter
it; `operating_point` corrects that and carries the uncertainty of the choice itself.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Num, Shaped

from pneumoscope.core import InputError
from pneumoscope.stats.bootstrap import (
    RESAMPLES,
    check_spread,
    describe,
    estimate_within,
    percentile_interval,
)
from pneumoscope.stats.estimates import Estimate
from pneumoscope.stats.sweep import Flags, candidates, flags, resampled_flags
from pneumoscope.stats.validation import check_both_classes, check_probability, check_share

_Utility = Float[np.ndarray, "draws thresholds"]


@dataclass(frozen=True, slots=True)
class MaximumF1:
    """The threshold with the highest F1, at the prevalence of the rows that it is chosen on.

    Source:
        Lipton, Elkan and Naryanaswamy, ECML PKDD 2014, p. 225.
    """

    def utility(self, at: Flags) -> _Utility:
        """Return what to maximise."""
        return at.f1


@dataclass(frozen=True, slots=True)
class Youden:
    """The threshold with the highest sensitivity + specificity - 1.

    Source:
        Youden, Cancer 3(1), 1950, p. 32.
    """

    def utility(self, at: Flags) -> _Utility:
        """Return what to maximise."""
        return np.asarray(at.sensitivity - at.false_positive_rate)


@dataclass(frozen=True, slots=True)
class FixedSensitivity:
    """The highest threshold whose sensitivity is at least `target`."""

    target: float

    def __post_init__(self) -> None:
        check_share(self.target, name="target sensitivity")

    def utility(self, at: Flags) -> _Utility:
        """Return what to maximise: the specificity, where the target is met."""
        return np.where(at.sensitivity >= self.target - 1e-9, 1 - at.false_positive_rate, -1.0)


@dataclass(frozen=True, slots=True)
class FixedSpecificity:
    """The threshold with the highest sensitivity among those whose specificity is at least `target`."""

    target: float

    def __post_init__(self) -> None:
        check_share(self.target, name="target specificity")

    def utility(self, at: Flags) -> _Utility:
        """Return what to maximise: the sensitivity, where the target is met."""
        return np.where(1 - at.false_positive_rate >= self.target - 1e-9, at.sensitivity, -1.0)


@dataclass(frozen=True, slots=True)
class CostWeighted:
    """The threshold with the lowest expected cost, where a missed finding costs `miss_cost` false alarms.

    Flagging no one is not among the choices: see `decision_curve` for whether flagging pays at all.

    Attributes:
        miss_cost: Cost of a miss over that of a false alarm, above 0.
        prevalence: Of the finding where the threshold will be used.

    Source:
        Metz, Seminars in Nuclear Medicine 8(4), 1978, p. 283 (slope of the ROC curve at the best point).
    """

    miss_cost: float
    prevalence: float

    def __post_init__(self) -> None:
        check_share(self.prevalence, name="prevalence")
        if not (np.isfinite(self.miss_cost) and self.miss_cost > 0):
            raise InputError(f"expected a miss to cost more than 0 false alarms, found {self.miss_cost}")

    def utility(self, at: Flags) -> _Utility:
        """Return what to maximise: less misses, less alarms, both by their share of all patients."""
        gain = self.miss_cost * self.prevalence * at.sensitivity
        return np.asarray(gain - (1 - self.prevalence) * at.false_positive_rate)


Rule = MaximumF1 | Youden | FixedSensitivity | FixedSpecificity | CostWeighted


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """A threshold chosen by a rule.

    Attributes:
        rule: The rule as written, with its targets.
        threshold: Chosen on all rows; its interval is of the choice, were other patients drawn.
        sensitivity: Expected on new patients at the chosen threshold: what these rows show less its optimism; the
            interval has both the patients' and the choice's uncertainty.
        specificity: Likewise.
        apparent_sensitivity: On the rows that the threshold was chosen on; optimistic.
        apparent_specificity: Likewise.
    """

    rule: str
    threshold: Estimate
    sensitivity: Estimate
    specificity: Estimate
    apparent_sensitivity: float
    apparent_specificity: float


def choose_threshold(truth: Bool[np.ndarray, " n"], score: Num[np.ndarray, " n"], *, rule: Rule) -> float:
    """Return the threshold that the rule prefers, one of the scores; of equally good ones the highest.

    Raises:
        InputError: A score is outside [0, 1] or NaN, truth has one class, or no threshold meets the rule's target.

    Source:
        As the rule.
    """
    check_both_classes(truth, measure="operating point")
    check_probability(score, rows=truth.size, measure="operating point")
    thresholds = candidates(truth, score)
    utility = rule.utility(flags(truth, score, thresholds=thresholds))
    best = int(_best(utility)[0])
    if utility[0, best] == -1:
        raise InputError(f"no threshold of the {truth.size} scores meets {rule}: the highest score flags too many")
    return float(thresholds[best])


def operating_point(
    truth: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    rule: Rule,
    rng: np.random.Generator,
    cluster: Shaped[np.ndarray, " n"] | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> OperatingPoint:
    """Return the rule's threshold with its bootstrap interval, and what it will attain on new patients.

    Each resample chooses its own threshold, which is then measured on the resample and on all rows. The mean
    difference is the optimism; its spread is the interval.

    Raises:
        InputError: As `choose_threshold`, there are fewer than 2 clusters of a class, or resamples don't differ in
            sensitivity or in specificity (the classes are separated perfectly).

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 17.6 (optimism).
    """
    threshold = choose_threshold(truth, score, rule=rule)
    thresholds = candidates(truth, score)
    rows = flags(truth, score, thresholds=thresholds)
    drawn = resampled_flags(
        truth, score, thresholds=thresholds, cluster=cluster, stratified=True, rng=rng, resamples=resamples
    )
    best = _best(rule.utility(drawn))
    line, chosen = np.arange(best.size), int(np.flatnonzero(thresholds == threshold)[0])
    sensitivities, specificities = rows.sensitivity[0], 1 - rows.false_positive_rate[0]
    method = f"{describe(cluster, resamples=resamples, stratified=True)}, threshold chosen anew in each"

    def corrected(apparent: float, change: Float[np.ndarray, " resamples"]) -> Estimate:
        return _corrected(apparent, change, truth=truth, level=level, method=method)

    return OperatingPoint(
        rule=str(rule),
        threshold=estimate_within(
            threshold,
            percentile_interval(thresholds[best], level=level),  # of no width where all resamples choose the same
            truth=truth,
            level=level,
            method=f"{method}, percentile interval",
        ),
        sensitivity=corrected(sensitivities[chosen], sensitivities[best] - drawn.sensitivity[line, best]),
        specificity=corrected(specificities[chosen], specificities[best] - 1 + drawn.false_positive_rate[line, best]),
        apparent_sensitivity=float(sensitivities[chosen]),
        apparent_specificity=float(specificities[chosen]),
    )


def _best(utility: _Utility) -> Int[np.ndarray, " draws"]:
    """Return the first, so highest, of the best thresholds; rounding errors do not break ties."""
    return np.asarray(np.argmax(utility.round(12), axis=1))


def _corrected(
    apparent: float,
    change: Float[np.ndarray, " resamples"],
    *,
    truth: Bool[np.ndarray, " n"],
    level: float,
    method: str,
) -> Estimate:
    """`apparent` moved by the mean change from a resample to all rows, and by the quantiles of that change."""
    check_spread(change)
    low, high = percentile_interval(change, level=level)
    value, low, high = np.clip([apparent + change.mean(), apparent + low, apparent + high], 0, 1)
    return estimate_within(value, (low, high), truth=truth, level=level, method=f"{method}, optimism-corrected")
