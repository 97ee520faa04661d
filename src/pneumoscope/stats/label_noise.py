"""Performance against the truth, from performance against labels that err at known rates.

The assumption throughout: given the truth, the label's errors are independent of the score. It fails where label and
model stumble over the same films (a faint opacity); then the corrected numbers are too high.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Num, Shaped

from pneumoscope.core import InputError
from pneumoscope.stats.bootstrap import RESAMPLES, describe, percentile_estimate
from pneumoscope.stats.estimates import Estimate, Proportion
from pneumoscope.stats.roc import auroc_clustered
from pneumoscope.stats.sweep import flags, resampled_flags
from pneumoscope.stats.validation import check_both_classes, check_probability

# How far a corrected share may leave [0, 1] by rounding.
_ROUNDING = 1e-9
ASSUMPTION = "given the truth, the label's errors are independent of the score"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRates:
    """How often the label is right among rows with and without the finding, by a better reading of some rows."""

    sensitivity: Proportion
    specificity: Proportion


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelValues:
    """How often a positive and a negative label are right, by a better reading of rows like these."""

    ppv: Proportion
    npv: Proportion


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """Estimates against the truth; intervals hold the rows' and the label rates' uncertainty.

    Attributes:
        prevalence: Of the finding itself, not of the label.
        assumption: What they rest on, to be printed beside them.
    """

    sensitivity: Estimate
    specificity: Estimate
    auroc: Estimate
    prevalence: Estimate
    assumption: str


def correct_for_label_noise(
    label: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    flagged: Bool[np.ndarray, " n"],
    quality: LabelRates | LabelValues,
    rng: np.random.Generator,
    cluster: Shaped[np.ndarray, " n"] | None = None,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> Corrected:
    """Sensitivity, specificity and AUROC that the score would have against the truth.

    Args:
        label: The erring label of each row.
        score: Probabilities; the AUROC is theirs.
        flagged: Which rows are called positive, by whatever rule; sensitivity and specificity are the rule's.
        quality: The label's own rates; their uncertainty is drawn from beta distributions with their effective sizes.
        rng: Drives the bootstrap of patients and the draws of the label's rates.
        cluster: Patient of each row.
        level: Of the intervals.
        resamples: Number of draws.

    Raises:
        InputError: A score is out of range, answers don't fit the rows, there is one label, the label says nothing
            about the truth, or the rates and the assumption do not fit these rows: a corrected number leaves [0, 1],
            or does so in most resamples. Fewer resamples outside are taken as 0 or 1.

    Source:
        Staquet et al., Journal of Chronic Diseases 34(12), 1981, p. 599 (an imperfect reference of known rates);
        Rogan and Gladen, American Journal of Epidemiology 107(1), 1978, p. 71 (prevalence); AUROC: Menon et al., ICML
        2015, p. 125.
    """
    check_both_classes(label, measure="label-noise correction")
    check_probability(score, rows=label.size, measure="label-noise correction")
    if flagged.shape != label.shape or flagged.dtype != np.bool_:
        raise InputError(f"expected {label.size} booleans, one answer a row, found {flagged.dtype} of {flagged.shape}")
    answer, at = flagged.astype(float), np.array([0.5])
    rows = flags(label, answer, thresholds=at)
    drawn = resampled_flags(
        label, answer, thresholds=at, cluster=cluster, stratified=False, rng=rng, resamples=resamples
    )
    area = auroc_clustered(label, score, cluster=np.arange(label.size) if cluster is None else cluster, level=level)
    positives = np.concatenate([rows.positives, drawn.positives])[:, 0]
    share = positives / (positives + np.concatenate([rows.negatives, drawn.negatives])[:, 0])
    with np.errstate(invalid="ignore"):
        found = np.concatenate([rows.sensitivity, drawn.sensitivity])[:, 0]
        alarms = np.concatenate([rows.false_positive_rate, drawn.false_positive_rate])[:, 0]
    areas = area.value + area.standard_error * np.append(0.0, rng.standard_normal(resamples))
    ppv, missed = _predictive(quality, share, rng=rng)
    corrected = _solve(found, alarms, areas, ppv=ppv, missed=missed) | {
        "prevalence": ppv * share + missed * (1 - share)
    }
    method = f"{describe(cluster, resamples=resamples, stratified=False)}, label rates drawn from beta distributions"

    def estimate(name: str) -> Estimate:
        value, values = corrected[name][0], corrected[name][1:]
        values = values[np.isfinite(values)]
        outside = float(((values < -_ROUNDING) | (values > 1 + _ROUNDING)).mean())
        if not -_ROUNDING <= value <= 1 + _ROUNDING or outside > 0.5:
            raise InputError(
                f"expected label rates that can have produced these rows, found a corrected {name} of {value:.3g}, and "
                f"outside [0, 1] in {outside:.0%} of resamples: too few rows, or a label that errs otherwise than "
                "stated or not independently of the score"
            )
        bounded = np.clip(values, 0, 1)
        return percentile_estimate(float(np.clip(value, 0, 1)), bounded, truth=label, level=level, method=method)

    return Corrected(**{name: estimate(name) for name in corrected}, assumption=ASSUMPTION)


def _predictive(
    quality: LabelRates | LabelValues, share: Float[np.ndarray, " draws"], *, rng: np.random.Generator
) -> tuple[Float[np.ndarray, " draws"], Float[np.ndarray, " draws"]]:
    """Share with the finding among rows labelled positive, and among rows labelled negative; first as stated."""
    if isinstance(quality, LabelValues):
        ppv, missed = _draw(quality.ppv, share.size, rng=rng), 1 - _draw(quality.npv, share.size, rng=rng)
    else:
        right = _draw(quality.sensitivity, share.size, rng=rng)
        clear = _draw(quality.specificity, share.size, rng=rng)
        if right[0] + clear[0] <= 1:
            raise InputError(
                f"the label says nothing: expected its sensitivity and specificity to exceed 1 in sum, found "
                f"{right[0]:.3g} and {clear[0]:.3g}"
            )
        with np.errstate(divide="ignore", invalid="ignore"):
            prevalence = (share + clear - 1) / (right + clear - 1)
            ppv, missed = right * prevalence / share, (1 - right) * prevalence / (1 - share)
    if not ppv[0] > missed[0]:
        raise InputError(
            f"the label says nothing: expected the finding more often where it says so, found it in {ppv[0]:.3g} of "
            f"positive and {missed[0]:.3g} of negative labels"
        )
    return ppv, missed


def _draw(stated: Proportion, draws: int, *, rng: np.random.Generator) -> Float[np.ndarray, " draws"]:
    """Return the stated share, then draws from its distribution.

    Source:
        Brown, Cai and DasGupta, Statistical Science 16(2), 2001, p. 101 (Jeffreys prior).
    """
    right = stated.value * stated.effective_n
    others = rng.beta(right + 0.5, stated.effective_n - right + 0.5, draws - 1)
    return np.append(stated.value, others)


def _solve(
    found: Float[np.ndarray, " draws"],
    alarms: Float[np.ndarray, " draws"],
    areas: Float[np.ndarray, " draws"],
    *,
    ppv: Float[np.ndarray, " draws"],
    missed: Float[np.ndarray, " draws"],
) -> dict[str, Float[np.ndarray, " draws"]]:
    """Rows of each label are a mixture of rows with and without the finding; undo it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        contrast = ppv - missed
        return {
            "sensitivity": (found * (1 - missed) - alarms * (1 - ppv)) / contrast,
            "specificity": 1 - (alarms * ppv - found * missed) / contrast,
            "auroc": 0.5 + (areas - 0.5) / contrast,
        }
