"""Decision rules by population and view, from validation images that nobody selected."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from pneumoscope.core import ConfigError, Population, View
from pneumoscope.model import Calibration, DecisionRule, OperatingPoint, ReportOutput, ViewRule
from pneumoscope.training.export.card import conformal_limits, fit_calibration, operating_points

VIEWS = (View.PA, View.AP)
_ROUNDING = 1e-9


def rule_by_view(
    logit: Float[np.ndarray, " n"],
    truth: Bool[np.ndarray, " n"],
    view: "pd.Series[str]",
    *,
    population: Population,
    output: int,
) -> DecisionRule:
    """Return the rule with thresholds and limits for each view, and those of both for an unknown view.

    The balanced threshold has the same sensitivity in either view, so that the view does not decide whom the reader
    misses. The calibration is one for all views: fitted to each view by itself, it adds what the view says, since
    sicker patients are filmed AP, and the probability tells the view where the lungs do not.

    Args:
        logit: Of each validation image.
        truth: The radiologists' class.
        view: Of each image.
        population: Whose they are.
        output: The graph's column that the logits are of.

    Raises:
        ConfigError: Images of one class only, in all or in a view.
    """
    parts = {str(one): (view == str(one)).to_numpy() for one in VIEWS}
    both = np.ones(len(truth), dtype=bool)
    wanted = common_sensitivity({name: (truth[part], logit[part]) for name, part in parts.items()})
    calibration = fit_calibration(logit, truth.astype(float))
    rules = {
        name: _view_rule(logit[part], truth[part], wanted, calibration=calibration, words=f"{population}, {words}")
        for name, part, words in [(None, both, "both views"), *((name, part, name) for name, part in parts.items())]
    }
    unknown = rules[None]
    return DecisionRule(
        output=output,
        calibration=unknown.calibration,
        operating_points=unknown.operating_points,
        conformal=unknown.conformal,
        fitted_on=f"{unknown.fitted_on}; decides where the view is unknown",
        by_view={one: rules[str(one)] for one in VIEWS},
    )


def _view_rule(
    logit: Float[np.ndarray, " n"],
    truth: Bool[np.ndarray, " n"],
    sensitivity: float,
    *,
    calibration: Calibration,
    words: str,
) -> ViewRule:
    probability = calibration.probability(logit)
    points = operating_points(truth, probability)
    balanced = OperatingPoint(
        threshold=threshold_at(truth, probability, sensitivity),
        rule=f"highest threshold with sensitivity at least {sensitivity:.1%}, the same in either view: there "
        "sensitivity + specificity, averaged over views, is largest",
    )
    screening, confirmatory = points["screening"], points["confirmatory"]
    return ViewRule(
        calibration=calibration,
        operating_points={
            "screening": OperatingPoint(threshold=min(screening.threshold, balanced.threshold), rule=screening.rule),
            "balanced": balanced,
            "confirmatory": OperatingPoint(
                threshold=max(confirmatory.threshold, balanced.threshold), rule=confirmatory.rule
            ),
        },
        conformal=conformal_limits(truth, probability),
        fitted_on=f"{truth.size:,} validation images of {words}, {int(truth.sum()):,} positive",
    )


def common_sensitivity(views: Mapping[str, tuple[Bool[np.ndarray, " n"], Float[np.ndarray, " n"]]]) -> float:
    """Return the sensitivity that all views share and at which sensitivity + specificity, averaged, is largest.

    Args:
        views: Truth and score of each view's images.

    Raises:
        ConfigError: A view has images of one class only.
    """
    for name, (truth, _) in views.items():
        if truth.all() or not truth.any():
            raise ConfigError(f"validation needs images of {name} with and without the finding, found one class")
    wanted = np.arange(0.50, 1.0, 0.005)
    gain = [
        np.mean([_youden(truth, score, threshold_at(truth, score, one)) for truth, score in views.values()])
        for one in wanted
    ]
    return float(wanted[int(np.argmax(gain))])


def threshold_at(truth: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"], sensitivity: float) -> float:
    """Return the highest score whose threshold flags at least this share of the positives."""
    positives = np.sort(score[truth])[::-1]
    needed = int(np.ceil(sensitivity * positives.size - _ROUNDING))
    return float(positives[max(needed, 1) - 1])


def _youden(truth: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"], threshold: float) -> float:
    flagged = score >= threshold
    return float(flagged[truth].mean() + (~flagged[~truth]).mean())


def report_output(
    logit: Float[np.ndarray, " n"], truth: Bool[np.ndarray, " n"], view: Sequence[str], *, output: int
) -> ReportOutput:
    """Return the second output, calibrated on all validation images that have the label."""
    calibration: Calibration = fit_calibration(logit, truth.astype(float))
    views = ", ".join(f"{int(np.sum(np.asarray(view) == str(one))):,} {one}" for one in VIEWS)
    return ReportOutput(
        output=output,
        calibration=calibration,
        fitted_on=f"{truth.size:,} validation images ({views}), {int(truth.sum()):,} with the label Pneumonia",
    )
