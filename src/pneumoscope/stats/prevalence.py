"""Predictive values at another prevalence than that of the rows at hand."""

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

from pneumoscope.core import InputError
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
    level = sensitivity.level
    if level != specificity.level:
        raise InputError(f"expected one level, found {level} and {specificity.level}")
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
    """
    return ppv_at_prevalence(specificity, sensitivity, prevalence=1 - prevalence)


def _logit_interval(sensitivity: Proportion, specificity: Proportion, *, prevalence: float) -> tuple[float, float]:
    z = float(norm.ppf((1 + sensitivity.level) / 2))
    true_rate, n_positive = sensitivity.value, sensitivity.effective_n
    true_negative_rate, n_negative = specificity.value, specificity.effective_n
    if {true_rate, true_negative_rate} & {0.0, 1.0}:
        true_rate = (true_rate * n_positive + z**2 / 2) / (n_positive + z**2)
        true_negative_rate = (true_negative_rate * n_negative + z**2 / 2) / (n_negative + z**2)
        n_positive, n_negative = n_positive + z**2, n_negative + z**2
    centre = np.log(true_rate / (1 - true_negative_rate)) + logit(prevalence)
    variance = (1 - true_rate) / true_rate / n_positive
    variance += true_negative_rate / (1 - true_negative_rate) / n_negative
    half = z * np.sqrt(variance)
    return float(expit(centre - half)), float(expit(centre + half))
