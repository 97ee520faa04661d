"""Evaluation statistics: arrays in, numbers with intervals out.

Rows are images. Where a patient has several, pass `cluster` (one patient id a row): without it the intervals
are too narrow. A row is flagged where `score >= threshold`.
"""

from pneumoscope.stats.agreement import cohen_kappa
from pneumoscope.stats.association import cramer_v, odds_ratio
from pneumoscope.stats.calibration import brier, expected_calibration_error
from pneumoscope.stats.estimates import Auroc, AurocDifference, Estimate, Kappa, OddsRatio, Proportion
from pneumoscope.stats.precision_recall import average_precision, f1
from pneumoscope.stats.prevalence import npv_at_prevalence, ppv_at_prevalence
from pneumoscope.stats.proportions import accuracy, npv, ppv, proportion, sensitivity, specificity
from pneumoscope.stats.roc import auroc, auroc_clustered, paired_auroc_difference

__all__ = [
    "Auroc",
    "AurocDifference",
    "Estimate",
    "Kappa",
    "OddsRatio",
    "Proportion",
    "accuracy",
    "auroc",
    "auroc_clustered",
    "average_precision",
    "brier",
    "cohen_kappa",
    "cramer_v",
    "expected_calibration_error",
    "f1",
    "npv",
    "npv_at_prevalence",
    "odds_ratio",
    "paired_auroc_difference",
    "ppv",
    "ppv_at_prevalence",
    "proportion",
    "sensitivity",
    "specificity",
]
