"""Predictive values and F1 at another prevalence than that of the rows at hand."""

import numpy as np

from pneumoscope.core import InputError
from pneumoscope.stats.distributions import expit, logit, two_sided
from pneumoscope.stats.estimates import Proportion
from pneumoscope.stats.validation import check_share


def ppv_at_prevalence(sensitivity: Proportion, specificity: Proportion, *, prevalence: float) -> Proportion:
    """Share of flagged patients with the finding in a population where `prevalence` of all have it.

    Level, `n` and `effective_n` are the measured proportions': `n` counts the rows of both.

    Raises:
        InputError: `prevalence` is not between 0 and 1, the levels differ, or nobody would be flagged.

    Source:
        Mercaldo, Lau and Zhou, Statistics in Medicine 26(10), 2007, p. 2170: logit interval, and where a
        proportion is 0 or 1 the adjusted one.
    """
    check_share(prevalence, name="prevalence")
    level = _common_level(sensitivity, specificity)
    right, wrong = sensitivity.value * prevalence, (1 - specificity.value) * (1 - prevalence)
    if right + wrong == 0:
        raise InputError("predictive value is undefined: sensitivity is 0 and specificity 1")
    value = right / (right + wrong)
    low, high = _logit_interval(sensitivity, specificity, prevalence=prevalence)
    return Proportion(
        value=value,
        low=min(low, value),
        high=max(high, value),
        level=level,
        n=sensitivity.n + specificity.n,
        effective_n=sensitivity.effective_n + specificity.effective_n,
        method=f"Bayes at prevalence {prevalence:g}, logit interval (Mercaldo)",
    )


def npv_at_prevalence(sensitivity: Proportion, specificity: Proportion, *, prevalence: float) -> Proportion:
    """Share of patients not flagged who are without the finding; all else as `ppv_at_prevalence`.

    Raises:
        InputError: `prevalence` is not between 0 and 1, the levels differ, or everyone would be flagged.

    Source:
        As `ppv_at_prevalence`.
    """
    return ppv_at_prevalence(specificity, sensitivity, prevalence=1 - prevalence)


def f1_at_prevalence(sensitivity: Proportion, specificity: Proportion, *, prevalence: float) -> Proportion:
    """F1 in a population where `prevalence` of all have the finding; 0 where none of them is flagged.

    The interval is the delta method's on the log of F1 / (2 - F1), the share of found among flagged or ill. Level,
    `n` and `effective_n` as `ppv_at_prevalence`.

    Raises:
        InputError: `prevalence` is not between 0 and 1, or the levels differ.

    Source:
        van Rijsbergen, Information Retrieval, 1979, chapter 7; delta method: Agresti, Categorical Data Analysis,
        2002, section 14.1.
    """
    check_share(prevalence, name="prevalence")
    level = _common_level(sensitivity, specificity)
    overlap = _overlap(sensitivity.value, specificity.value, prevalence=prevalence)
    value = 2 * overlap / (1 + overlap)
    low, high = _overlap_interval(sensitivity, specificity, prevalence=prevalence)
    return Proportion(
        value=value,
        low=min(2 * low / (1 + low), value),
        high=max(2 * high / (1 + high), value),
        level=level,
        n=sensitivity.n + specificity.n,
        effective_n=sensitivity.effective_n + specificity.effective_n,
        method=f"F1 at prevalence {prevalence:g}, delta-method interval",
    )


def _common_level(sensitivity: Proportion, specificity: Proportion) -> float:
    if sensitivity.level != specificity.level:
        raise InputError(f"expected one level, found {sensitivity.level} and {specificity.level}")
    return sensitivity.level


def _overlap(sensitivity: float, specificity: float, *, prevalence: float) -> float:
    """Found over flagged or ill (the Jaccard index)."""
    return sensitivity * prevalence / (prevalence + (1 - specificity) * (1 - prevalence))


def _overlap_interval(sensitivity: Proportion, specificity: Proportion, *, prevalence: float) -> tuple[float, float]:
    z, found, n_positive, clear, n_negative = _adjusted(sensitivity, specificity)
    alarms = (1 - clear) * (1 - prevalence)
    # The log's derivative with respect to specificity is (1 - prevalence) / (prevalence + alarms).
    slope = (1 - prevalence) / (prevalence + alarms)
    variance = (1 - found) / found / n_positive + slope**2 * clear * (1 - clear) / n_negative
    ratio = float(np.exp(z * np.sqrt(variance)))
    centre = _overlap(found, clear, prevalence=prevalence)
    return centre / ratio, min(centre * ratio, 1.0)


def _adjusted(sensitivity: Proportion, specificity: Proportion) -> tuple[float, float, float, float, float]:
    """Z and both shares with their sizes; where one is 0 or 1, with z squared rows more, evenly split."""
    z = two_sided(sensitivity.level)
    found, n_positive = sensitivity.value, sensitivity.effective_n
    clear, n_negative = specificity.value, specificity.effective_n
    if {found, clear} & {0.0, 1.0}:
        found = (found * n_positive + z**2 / 2) / (n_positive + z**2)
        clear = (clear * n_negative + z**2 / 2) / (n_negative + z**2)
        n_positive, n_negative = n_positive + z**2, n_negative + z**2
    return z, found, n_positive, clear, n_negative


def _logit_interval(sensitivity: Proportion, specificity: Proportion, *, prevalence: float) -> tuple[float, float]:
    z, found, n_positive, clear, n_negative = _adjusted(sensitivity, specificity)
    centre = np.log(found / (1 - clear)) + logit(prevalence)
    variance = (1 - found) / found / n_positive + clear / (1 - clear) / n_negative
    half = z * np.sqrt(variance)
    return float(expit(centre - half)), float(expit(centre + half))
