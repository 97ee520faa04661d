"""Label-conditional conformal prediction: "suspicious", "not suspicious", or "uncertain, a person decides".

A score rules an answer out where it is less fitting than all but a stated share (`error`) of the calibration rows
that truly had that answer. One answer left is the answer; both or none is "uncertain".
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Num, Shaped

from pneumoscope.stats.estimates import Proportion
from pneumoscope.stats.proportions import share
from pneumoscope.stats.validation import check_both_classes, check_probability, check_share


@dataclass(frozen=True, slots=True, kw_only=True)
class ConformalLimits:
    """Scores that leave each answer plausible.

    Attributes:
        error: Share of each class whose true answer may be ruled out, on average over calibration sets.
        positive_from: Lowest score at which the finding remains plausible; 0 where there are too few rows to say.
        negative_to: Highest score at which its absence remains plausible; 1 where there are too few rows to say.
        positives: Calibration rows with the finding.
        negatives: Calibration rows without it.
    """

    error: float
    positive_from: float
    negative_to: float
    positives: int
    negatives: int

    def suspicious(self, score: Num[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
        """Rows whose only plausible answer is the finding."""
        return np.asarray((score >= self.positive_from) & (score > self.negative_to))

    def not_suspicious(self, score: Num[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
        """Rows whose only plausible answer is its absence."""
        return np.asarray((score < self.positive_from) & (score <= self.negative_to))

    def uncertain(self, score: Num[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
        """Rows with both answers plausible, or neither."""
        return np.asarray((score >= self.positive_from) == (score <= self.negative_to))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConformalCoverage:
    """What the limits did on other rows than they were fitted on.

    Attributes:
        positive: Share of rows with the finding whose set of plausible answers holds it; at least 1 - error is
            promised, on average.
        negative: Likewise of rows without it.
        suspicious: Share of all rows with that answer; the three answers add up to 1.
        not_suspicious: Likewise.
        uncertain: Likewise.
        right_where_certain: Share of rows with a certain answer that have the right one; None where none is certain.
    """

    positive: Proportion
    negative: Proportion
    suspicious: Proportion
    not_suspicious: Proportion
    uncertain: Proportion
    right_where_certain: Proportion | None


def fit_conformal(
    truth: Bool[np.ndarray, " n"], score: Num[np.ndarray, " n"], *, error: float = 0.1
) -> ConformalLimits:
    """Limits from calibration rows, each class by itself; pass one row a patient, or coverage is only approximate.

    New rows must be exchangeable with these within their class: same kind of patients, views and films. With fewer
    than 1 / error - 1 rows of a class that answer is never ruled out.

    Raises:
        InputError: A score is outside [0, 1] or NaN, truth has one class, or `error` is not between 0 and 1.

    Source:
        Vovk, Machine Learning 92, 2013, p. 349 (label-conditional inductive conformal predictors).
    """
    check_share(error, name="conformal error")
    check_both_classes(truth, measure="conformal limits")
    check_probability(score, rows=truth.size, measure="conformal limits")
    positive, negative = np.sort(score[truth].astype(float)), np.sort(score[~truth].astype(float))
    # Of n calibration rows and the new one, the error's share of n + 1 may be stranger than all others.
    strange, few = (int(np.floor(error * (rows.size + 1) + 1e-9)) for rows in (positive, negative))
    return ConformalLimits(
        error=error,
        positive_from=float(positive[strange - 1]) if strange else 0.0,
        negative_to=float(negative[-few]) if few else 1.0,
        positives=positive.size,
        negatives=negative.size,
    )


def conformal_coverage(
    truth: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    limits: ConformalLimits,
    cluster: Shaped[np.ndarray, " n"] | None = None,
    level: float = 0.95,
) -> ConformalCoverage:
    """Coverage by class and the share of each answer, on rows that the limits have not seen.

    Raises:
        InputError: A score is outside [0, 1] or NaN, or truth has one class.

    Source:
        As `fit_conformal`; intervals as `sensitivity`.
    """
    check_both_classes(truth, measure="conformal coverage")
    check_probability(score, rows=truth.size, measure="conformal coverage")
    suspicious, clear = limits.suspicious(score), limits.not_suspicious(score)
    everyone, certain = np.ones_like(truth), suspicious | clear

    def of(success: Bool[np.ndarray, " n"], among: Bool[np.ndarray, " n"]) -> Proportion:
        return share(success, among=among, cluster=cluster, level=level, measure="conformal coverage")

    return ConformalCoverage(
        positive=of(score >= limits.positive_from, truth),
        negative=of(score <= limits.negative_to, ~truth),
        suspicious=of(suspicious, everyone),
        not_suspicious=of(clear, everyone),
        uncertain=of(~certain, everyone),
        right_where_certain=of(suspicious == truth, certain) if certain.any() else None,
    )
