"""Evaluation statistics: arrays in, numbers with intervals out.

Rows are images. Where a patient has several, pass `cluster` (one patient id a row): without it the intervals
are too narrow. A row is flagged where `score >= threshold`. Importing this needs NumPy only; bootstraps, reader studies
and study planning import SciPy when called.

By topic, one file each:

- records: `estimates`
- ranking: `curves`, `precision_recall`, `roc`
- at a threshold: `decision`, `likelihood_ratios`, `operating_points`, `prevalence`, `proportions`
- probabilities: `calibration`, `conformal`, `recalibration`, `reliability`
- monitoring: `control_limits`
- association: `association`
- means: `means`
- comparisons: `multiplicity`, `subgroups`
- labels and readers: `agreement`, `dbm`, `fleiss`, `label_noise`, `mrmc`, `mrmc_records`, `reader_f1`
- planning a study: `power_f1`, `power_mrmc`, `sample_size`
"""

from pneumoscope.stats.agreement import cohen_kappa
from pneumoscope.stats.association import cramer_v, odds_ratio
from pneumoscope.stats.calibration import brier, expected_calibration_error
from pneumoscope.stats.conformal import (
    ConformalCoverage,
    ConformalLimits,
    conformal_coverage,
    fit_conformal,
)
from pneumoscope.stats.control_limits import binomial_limits, kolmogorov_smirnov, wilson
from pneumoscope.stats.curves import (
    PrecisionRecallCurve,
    RocCurve,
    f1_band,
    precision_recall_band,
    precision_recall_curve,
    roc_band,
    roc_curve,
)
from pneumoscope.stats.dbm import Dbm, dbm
from pneumoscope.stats.decision import DecisionCurve, decision_curve
from pneumoscope.stats.estimates import Auroc, AurocDifference, Band, Difference, Estimate, Kappa, OddsRatio, Proportion
from pneumoscope.stats.fleiss import fleiss_kappa
from pneumoscope.stats.label_noise import Corrected, LabelRates, LabelValues, correct_for_label_noise
from pneumoscope.stats.likelihood_ratios import LikelihoodRatios, Ratio, likelihood_ratios
from pneumoscope.stats.means import Mean, clustered_mean
from pneumoscope.stats.mrmc import mrmc
from pneumoscope.stats.mrmc_records import Components, Mrmc, MrmcAnalysis, MrmcDifference, MrmcMean
from pneumoscope.stats.multiplicity import holm
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
from pneumoscope.stats.power_f1 import F1Study, SimulatedPower, f1_superiority_power, f1_superiority_size
from pneumoscope.stats.power_mrmc import MrmcPower, conjectured_components, mrmc_cases, mrmc_power
from pneumoscope.stats.precision_recall import average_precision, f1
from pneumoscope.stats.prevalence import f1_at_prevalence, npv_at_prevalence, ppv_at_prevalence
from pneumoscope.stats.proportions import accuracy, npv, ppv, proportion, sensitivity, specificity
from pneumoscope.stats.reader_f1 import ReaderF1, reader_f1
from pneumoscope.stats.recalibration import Platt, fit_platt
from pneumoscope.stats.reliability import (
    CalibrationLine,
    ReliabilityBin,
    calibration_line,
    reliability_curve,
)
from pneumoscope.stats.roc import auroc, auroc_clustered, auroc_gap, paired_auroc_difference
from pneumoscope.stats.sample_size import (
    AurocSize,
    PairedSize,
    ProportionSize,
    auroc_size,
    auroc_standard_error,
    design_effect,
    paired_non_inferiority_size,
    proportion_power,
    proportion_size,
)
from pneumoscope.stats.subgroups import Subgroup, SubgroupTable, subgroup_table

__all__ = [
    "Auroc",
    "AurocDifference",
    "AurocSize",
    "Band",
    "CalibrationLine",
    "Components",
    "ConformalCoverage",
    "ConformalLimits",
    "Corrected",
    "CostWeighted",
    "Dbm",
    "DecisionCurve",
    "Difference",
    "Estimate",
    "F1Study",
    "FixedSensitivity",
    "FixedSpecificity",
    "Kappa",
    "LabelRates",
    "LabelValues",
    "LikelihoodRatios",
    "MaximumF1",
    "Mean",
    "Mrmc",
    "MrmcAnalysis",
    "MrmcDifference",
    "MrmcMean",
    "MrmcPower",
    "OddsRatio",
    "OperatingPoint",
    "PairedSize",
    "Platt",
    "PrecisionRecallCurve",
    "Proportion",
    "ProportionSize",
    "Ratio",
    "ReaderF1",
    "ReliabilityBin",
    "RocCurve",
    "Rule",
    "SimulatedPower",
    "Subgroup",
    "SubgroupTable",
    "Youden",
    "accuracy",
    "auroc",
    "auroc_clustered",
    "auroc_gap",
    "auroc_size",
    "auroc_standard_error",
    "average_precision",
    "binomial_limits",
    "brier",
    "calibration_line",
    "choose_threshold",
    "clustered_mean",
    "cohen_kappa",
    "conformal_coverage",
    "conjectured_components",
    "correct_for_label_noise",
    "cramer_v",
    "dbm",
    "decision_curve",
    "design_effect",
    "expected_calibration_error",
    "f1",
    "f1_at_prevalence",
    "f1_band",
    "f1_superiority_power",
    "f1_superiority_size",
    "fit_conformal",
    "fit_platt",
    "fleiss_kappa",
    "holm",
    "kolmogorov_smirnov",
    "likelihood_ratios",
    "mrmc",
    "mrmc_cases",
    "mrmc_power",
    "npv",
    "npv_at_prevalence",
    "odds_ratio",
    "operating_point",
    "paired_auroc_difference",
    "paired_non_inferiority_size",
    "ppv",
    "ppv_at_prevalence",
    "precision_recall_band",
    "precision_recall_curve",
    "proportion",
    "proportion_power",
    "proportion_size",
    "reader_f1",
    "reliability_curve",
    "roc_band",
    "roc_curve",
    "sensitivity",
    "specificity",
    "subgroup_table",
    "wilson",
]
