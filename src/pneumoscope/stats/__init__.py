"""Evaluation statistics: arrays in, numbers with intervals out.

Rows are images. Where a patient has several, pass `cluster` (one patient id a row): without it the intervals
are too narrow. A row is flagged where `score >= threshold`.

By topic, one file each:

- records: `estimates`
- ranking: `curves`, `precision_recall`, `roc`
- at a threshold: `decision`, `floors`, `likelihood_ratios`, `operating_points`, `prevalence`, `proportions`
- probabilities: `calibration`, `recalibration`, `reliability`
"""

from pneumoscope.stats.agreement import cohen_kappa
from pneumoscope.stats.association import cramer_v, odds_ratio
from pneumoscope.stats.calibration import brier, expected_calibration_error
from pneumoscope.stats.curves import (
    PrecisionRecallCurve,
    RocCurve,
    f1_band,
    precision_recall_band,
    precision_recall_curve,
    roc_band,
    roc_curve,
)
from pneumoscope.stats.decision import DecisionCurve, decision_curve
from pneumoscope.stats.estimates import Auroc, AurocDifference, Band, Difference, Estimate, Kappa, OddsRatio, Proportion
from pneumoscope.stats.floors import Floor, category_score, flag_all, flag_none
from pneumoscope.stats.likelihood_ratios import LikelihoodRatios, Ratio, likelihood_ratios
from pneumoscope.stats.operating_points import (
    CostWeighted,
    FixedSensitivity,
    FixedSpecificity,
    MaximumF1,
    OperatingPoint,
    Rule,
    Youden,
    choose_threshold,
    operating_point,
)
from pneumoscope.stats.precision_recall import average_precision, f1
from pneumoscope.stats.prevalence import f1_at_prevalence, npv_at_prevalence, ppv_at_prevalence
from pneumoscope.stats.proportions import accuracy, npv, ppv, proportion, sensitivity, specificity
from pneumoscope.stats.recalibration import Isotonic, Platt, Temperature, fit_isotonic, fit_platt, fit_temperature
from pneumoscope.stats.reliability import (
    BrierParts,
    CalibrationLine,
    ReliabilityBin,
    brier_parts,
    calibration_line,
    reliability_curve,
)
from pneumoscope.stats.roc import auroc, auroc_clustered, paired_auroc_difference

__all__ = [
    "Auroc",
    "AurocDifference",
    "Band",
    "BrierParts",
    "CalibrationLine",
    "CostWeighted",
    "DecisionCurve",
    "Difference",
    "Estimate",
    "FixedSensitivity",
    "FixedSpecificity",
    "Floor",
    "Isotonic",
    "Kappa",
    "LikelihoodRatios",
    "MaximumF1",
    "OddsRatio",
    "OperatingPoint",
    "Platt",
    "PrecisionRecallCurve",
    "Proportion",
    "Ratio",
    "ReliabilityBin",
    "RocCurve",
    "Rule",
    "Temperature",
    "Youden",
    "accuracy",
    "auroc",
    "auroc_clustered",
    "average_precision",
    "brier",
    "brier_parts",
    "calibration_line",
    "category_score",
    "choose_threshold",
    "cohen_kappa",
    "cramer_v",
    "decision_curve",
    "expected_calibration_error",
    "f1",
    "f1_at_prevalence",
    "f1_band",
    "fit_isotonic",
    "fit_platt",
    "fit_temperature",
    "flag_all",
    "flag_none",
    "likelihood_ratios",
    "npv",
    "npv_at_prevalence",
    "odds_ratio",
    "operating_point",
    "paired_auroc_difference",
    "ppv",
    "ppv_at_prevalence",
    "precision_recall_band",
    "precision_recall_curve",
    "proportion",
    "reliability_curve",
    "roc_band",
    "roc_curve",
    "sensitivity",
    "specificity",
]
