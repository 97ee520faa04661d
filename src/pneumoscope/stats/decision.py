"""Decision curves: whether acting on the flags does more good than acting on everyone or no one."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Num, Shaped

from pneumoscope.core import InputError
from pneumoscope.stats.bootstrap import RESAMPLES, describe, percentile_band
from pneumoscope.stats.estimates import Band
from pneumoscope.stats.sweep import Flags, check_grid, flags, resampled_flags
from pneumoscope.stats.validation import check_both_classes, check_probability, check_share

_THRESHOLDS = np.linspace(0.01, 0.5, 50)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecisionCurve:
    """Net benefit by threshold probability; flagging no one has 0 everywhere.

    Attributes:
        model: Net benefit (y) of flagging score >= x, with its interval.
        flag_all: Net benefit of flagging everyone at the same thresholds.
        gain: Of the model over the better of flagging all and none, with its interval.
        prevalence: At which benefits and harms are weighed.
    """

    model: Band
    flag_all: Float[np.ndarray, " points"]
    gain: Band
    prevalence: float


def decision_curve(
    truth: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    rng: np.random.Generator,
    cluster: Shaped[np.ndarray, " n"] | None = None,
    thresholds: Float[np.ndarray, " points"] = _THRESHOLDS,
    prevalence: float | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> DecisionCurve:
    """Found patients less false alarms, weighed by the odds of the threshold, per patient.

    A threshold of 0.1 says that one found patient is worth nine false alarms. Scores must be calibrated at the
    prevalence, or the curve judges the calibration too. Where the prevalence is that of the rows, it is as uncertain
    as they are: patients are resampled together, and each draw has its own. A stated prevalence is held, and patients
    with and without the finding are resampled apart.

    Args:
        truth: Which rows have the finding.
        score: Calibrated probabilities.
        rng: Drives the bootstrap of patients.
        cluster: Patient of each row; None where every row is its own.
        thresholds: Rising, between 0 and 1.
        prevalence: Where the model will be used; None for that of the rows, which are then a sample of patients as
            they come.
        level: Of the intervals.
        resamples: Number of draws.

    Raises:
        InputError: A score, a threshold or the prevalence is out of range, or truth has one class.

    Source:
        Vickers and Elkin, Medical Decision Making 26(6), 2006, p. 565.
    """
    check_both_classes(truth, measure="decision curve")
    check_probability(score, rows=truth.size, measure="decision curve")
    check_grid(thresholds, name="threshold probabilities")
    if thresholds[-1] == 1:
        raise InputError("expected threshold probabilities below 1, where a false alarm would weigh infinitely")
    share = float(truth.mean()) if prevalence is None else prevalence
    check_share(share, name="prevalence")
    stated = prevalence is not None
    falling = thresholds[::-1]
    drawn = resampled_flags(
        truth, score, thresholds=falling, cluster=cluster, stratified=stated, rng=rng, resamples=resamples
    )
    odds = thresholds / (1 - thresholds)

    def net(at: Flags) -> tuple[Float[np.ndarray, "draws points"], Float[np.ndarray, "draws points"]]:
        """Net benefit of the model and of flagging everyone."""
        rows = at.positives + at.negatives
        ill, well = (share / at.positives, (1 - share) / at.negatives) if stated else (1 / rows, 1 / rows)
        found, alarms = at.found[:, ::-1], at.alarms[:, ::-1]
        return ill * found - well * alarms * odds, ill * at.positives - well * at.negatives * odds

    def band(y: Float[np.ndarray, "1 points"], values: Float[np.ndarray, "draws points"]) -> Band:
        kind = "stated prevalence" if stated else "prevalence of each resample"
        method = f"{describe(cluster, resamples=resamples, stratified=stated)}, {kind}"
        return percentile_band(thresholds, y[0], values=values, truth=truth, level=level, method=method)

    (value, flag_all), (values, flags_all) = net(flags(truth, score, thresholds=falling)), net(drawn)
    return DecisionCurve(
        model=band(value, values),
        flag_all=flag_all[0],
        gain=band(value - np.maximum(flag_all, 0), values - np.maximum(flags_all, 0)),
        prevalence=share,
    )
