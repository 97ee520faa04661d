"""The model card of a run: what is known before validation, and what validation patients decide."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from scipy import special

from pneumoscope.core import ADULT_FROM_YEARS, ConfigError, InputError, IntendedUse, Population
from pneumoscope.model import (
    OPERATING_POINTS,
    SCHEMA,
    Calibration,
    Card,
    Conformal,
    DecisionRule,
    Guard,
    OperatingPoint,
)
from pneumoscope.reading import Outputs
from pneumoscope.stats import FixedSensitivity, Youden, auroc_clustered, choose_threshold, fit_conformal, fit_platt
from pneumoscope.training.config import TrainingConfig
from pneumoscope.training.populations import populations as populations_of

# A soft target of one half or more counts as positive where a yes or no is needed (operating points, conformal
# limits): NIH images read as Lung Opacity, and unread ones whose findings make it likelier than not.
POSITIVE = 0.5
SENSITIVITY_OF_SCREENING = 0.95
SPECIFICITY_OF_CONFIRMATORY = 0.95
CONFORMAL_COVERAGE = 0.90
# A probability this far from 0 and 1 has a logit.
_ALMOST = 1e-6
# A share that is met up to this is met.
_ROUNDING = 1e-9
# Fewer images of either class than this and a source's AUROC says nothing.
FEWEST_OF_A_CLASS = 5
GUARD_QUANTILE = 0.995
# Another site's films lie farther from the training images than validation films of the same sources do; turned,
# inverted and other films lie beyond twice the quantile (evidence.json, "guard").
GUARD_MARGIN = 1.3

UNDECIDED = DecisionRule(
    output=0,
    calibration=Calibration(slope=1.0, intercept=0.0, prevalence=0.5),
    operating_points={name: OperatingPoint(threshold=0.5, rule="undecided") for name in OPERATING_POINTS},
    conformal=Conformal(coverage=CONFORMAL_COVERAGE, positive_from=0.5, negative_to=0.5),
    fitted_on="nothing yet",
)


def draft_card(config: TrainingConfig, record: dict[str, Any], *, populations: Sequence[Population]) -> Card:
    """Return the card before validation: rules and limits are undecided and neutral.

    Args:
        config: Of the first member.
        record: What the card keeps of the training.
        populations: Whom it may read, in the order of the graph's columns.
    """
    return Card(
        schema=SCHEMA,
        name=config.name,
        version=config.version,
        created=dt.datetime.now(tz=dt.UTC).date().isoformat(),
        labels=("Pneumonia",),
        meaning=(
            "Probability that the radiograph shows opacity suspicious for pneumonia, by the label rule of "
            "pneumoscope.training.targets, at the prevalence of the population's calibration set."
        ),
        intended_use_statement=(
            "Research use only, not a medical device. Flags frontal chest radiographs (PA or AP) that are "
            "suspicious for pneumonia, for a person who reads every image; it makes no diagnosis. Taught by films of "
            "adults and of children of 1 to 5 years; too few films of ages between taught and tested it."
        ),
        licence="Apache-2.0",
        attribution=(
            "Trained on NIH ChestX-ray14 (NIH Clinical Center; Wang et al., CVPR 2017), RSNA 2018 labels (Shih et al., "
            "Radiology: AI 2019) and Kermany et al., Cell 2018 (CC BY 4.0). Initial weights: MobileNetV2, Google, "
            "Apache-2.0."
        ),
        intended_use=_intended_use(populations),
        recipe=config.recipe,
        rules={name: replace(UNDECIDED, output=column) for column, name in enumerate(populations)},
        guard=Guard(limit=float(np.finfo(np.float32).max), rule="undecided"),
        training=record,
        metrics={},
    )


def finish_card(
    draft: Card,
    rows: pd.DataFrame,
    outputs: Outputs,
    targets: Float[np.ndarray, " n"],
    *,
    elsewhere: Float[np.ndarray, " n"] | None = None,
    members: Sequence[dict[str, Any]] = (),
) -> Card:
    """Return the card with all that validation patients decide, for each population by its own.

    Rules and limits rest on sources that have images of both classes: of others a score may tell the source alone.

    Args:
        draft: From `draft_card`.
        rows: The validation rows of the manifest.
        outputs: The graph's outputs for them, each by members of its population that have not seen its patient.
        targets: Soft targets by the label rule; NaN rows serve the guard only.
        elsewhere: The logits of the same images after one random training augmentation; they count as much.
        members: Each member's seed and numbers, for the spread over seeds.

    Raises:
        ConfigError: A population's validation images have only one class.
    """
    judged, group = _of_both_classes(rows["source"], targets), populations_of(rows)
    logit = outputs.logit[:, :1] if elsewhere is None else np.column_stack([outputs.logit[:, 0], elsewhere])
    metrics: dict[str, Any] = {"validation_auroc": validation_auroc(rows, outputs.logit[:, 0], targets)}
    if members:
        metrics["members"] = list(members)
    return replace(
        draft,
        rules={
            population: decision_rule(logit[part], targets[part], population=population, output=rule.output)
            for population, rule in draft.rules.items()
            for part in [judged & (group == population)]
        },
        guard=Guard(
            limit=GUARD_MARGIN * float(np.quantile(outputs.distance, GUARD_QUANTILE)),
            rule=f"{GUARD_MARGIN} times the distance within which {GUARD_QUANTILE:.1%} of {len(outputs.distance)} "
            "validation images lie",
        ),
        metrics=metrics,
    )


def _of_both_classes(source: "pd.Series[str]", target: Float[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    """Return which rows have a target, and are of sources that have targets of both classes."""
    positive = pd.Series(target >= POSITIVE, index=source.index)[~np.isnan(target)]
    kinds = positive.groupby(source).nunique()
    judged: Bool[np.ndarray, " n"] = ~np.isnan(target) & (source.map(kinds) == 2).to_numpy()
    return judged


def decision_rule(
    logit: Float[np.ndarray, "n views"], target: Float[np.ndarray, " n"], *, population: Population, output: int
) -> DecisionRule:
    """Fit calibration, thresholds and conformal limits to one population's validation images; views count the same.

    Args:
        logit: Of each image unchanged and, in further columns, after a random training augmentation.
        target: Of each image.
        population: Whose they are.
        output: The graph's column that the logits are of.

    Raises:
        ConfigError: All of them are of one class.
    """
    truth = target >= POSITIVE
    if truth.all() or not truth.any():
        found = "no image" if not truth.size else f"{int(truth.sum())} positive of {truth.size} images"
        raise ConfigError(
            f"validation needs {population} with and without pneumonia to choose thresholds, found {found}"
        )
    images, positive, views = truth.size, int(truth.sum()), logit.shape[1]
    logit, target, truth = logit.ravel(), np.repeat(target, views), np.repeat(truth, views)
    calibration = fit_calibration(logit, target)
    probability = calibration.probability(logit)
    as_seen = (
        "each image used once, unchanged"
        if views == 1
        else "each image used twice: unchanged and after one random training augmentation"
    )
    return DecisionRule(
        output=output,
        calibration=calibration,
        operating_points=operating_points(truth, probability),
        conformal=conformal_limits(truth, probability),
        fitted_on=f"{images:,} validation images of {population}, {positive:,} positive by the label rule, {as_seen}",
    )


def validation_auroc(
    rows: pd.DataFrame, logit: Float[np.ndarray, " n"], targets: Float[np.ndarray, " n"]
) -> dict[str, dict[str, float]]:
    """Return AUROC by source with its interval, of the rows with a target; leave out sources with few of a class."""
    taught, truth = ~np.isnan(targets), targets >= POSITIVE
    source, patient = rows["source"].to_numpy(), rows["patient_id"].to_numpy()
    found = {}
    for name in np.unique(source[taught]):
        part = taught & (source == name)
        if min(truth[part].sum(), (~truth[part]).sum()) >= FEWEST_OF_A_CLASS:
            area = auroc_clustered(truth[part], logit[part], cluster=patient[part])
            found[str(name)] = {key: getattr(area, key) for key in ("value", "low", "high", "n", "positives")}
    return found


def _intended_use(populations: Sequence[Population]) -> IntendedUse:
    return IntendedUse(
        youngest_years=1 if Population.CHILDREN in populations else ADULT_FROM_YEARS,
        oldest_years=100 if Population.ADULTS in populations else ADULT_FROM_YEARS - 1,
        smallest_px=224,
    )


def fit_calibration(logit: Float[np.ndarray, " n"], target: Float[np.ndarray, " n"]) -> Calibration:
    """Fit Platt scaling to soft targets: each image counts as `target` of a positive and the rest of a negative."""
    prevalence = float(target.mean())
    try:
        line = fit_platt(target, logit)
    except InputError:  # scores that separate the classes have no steepest line, nearly equal ones need a steep one
        centre, spread = float(logit.mean()), float(logit.std()) or 1.0
        line = fit_platt(_smoothed(target), (logit - centre) / spread)
        slope = line.slope / spread
        return Calibration(slope=slope, intercept=line.intercept - slope * centre, prevalence=prevalence)
    return Calibration(slope=line.slope, intercept=line.intercept, prevalence=prevalence)


def _smoothed(target: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Return targets a little inside 0 and 1 by the number of each class (Platt 1999, p. 65)."""
    positives = float(target.sum())
    high, low = (positives + 1) / (positives + 2), 1 / (target.size - positives + 2)
    smoothed: Float[np.ndarray, " n"] = low + target * (high - low)
    return smoothed


def operating_points(truth: Bool[np.ndarray, " n"], probability: Float[np.ndarray, " n"]) -> dict[str, OperatingPoint]:
    """Choose thresholds on the validation images: one that misses little, one that flags little, and one between.

    Where no threshold has both `SENSITIVITY_OF_SCREENING` and `SPECIFICITY_OF_CONFIRMATORY`, the first two are the
    last that have one of them, and Youden's index chooses between. Where the classes lie so far apart that a range
    has both, its ends and its middle on the logit scale are taken: validation can't tell thresholds within it apart,
    and the middle is farthest from failing either where films are acquired otherwise. Where even the highest score
    flags too many negatives, it is the confirmatory threshold, and the rule says so.
    """
    sensitive = choose_threshold(truth, probability, rule=FixedSensitivity(SENSITIVITY_OF_SCREENING))
    specific, specific_rule = _lowest_specific(truth, probability)
    sensitive_rule = f"highest threshold with sensitivity at least {SENSITIVITY_OF_SCREENING:.0%}"
    if specific < sensitive:
        ends = np.clip([specific, sensitive], _ALMOST, 1 - _ALMOST)
        middle = float(special.expit(special.logit(ends).mean()))
        return {
            "screening": OperatingPoint(threshold=specific, rule=specific_rule),
            "balanced": OperatingPoint(
                threshold=middle,
                rule=f"middle, in logits, of the range with sensitivity at least {SENSITIVITY_OF_SCREENING:.0%} and "
                f"specificity at least {SPECIFICITY_OF_CONFIRMATORY:.0%}",
            ),
            "confirmatory": OperatingPoint(threshold=sensitive, rule=sensitive_rule),
        }
    youden = choose_threshold(truth, probability, rule=Youden())
    return {
        "screening": OperatingPoint(
            threshold=min(sensitive, youden), rule=f"{sensitive_rule}, at most the balanced one"
        ),
        "balanced": OperatingPoint(threshold=youden, rule="largest sensitivity + specificity (Youden)"),
        "confirmatory": OperatingPoint(
            threshold=max(specific, youden), rule=f"{specific_rule}, at least the balanced one"
        ),
    }


def _lowest_specific(truth: Bool[np.ndarray, " n"], probability: Float[np.ndarray, " n"]) -> tuple[float, str]:
    """Return the lowest score with `SPECIFICITY_OF_CONFIRMATORY` or, where none has it, the highest; and that rule.

    `FixedSpecificity` would take the highest of those that are as sensitive: an end of a range is its lowest.
    """
    scores, wanted = np.unique(probability), f"specificity at least {SPECIFICITY_OF_CONFIRMATORY:.0%}"
    specificity = np.searchsorted(np.sort(probability[~truth]), scores) / (~truth).sum()
    enough = scores[specificity >= SPECIFICITY_OF_CONFIRMATORY - _ROUNDING]
    if enough.size:
        return float(enough[0]), f"lowest threshold with {wanted}"
    return float(scores[-1]), f"highest score of validation: no threshold has {wanted}"


def conformal_limits(truth: Bool[np.ndarray, " n"], probability: Float[np.ndarray, " n"]) -> Conformal:
    """Return limits that keep each class's true answer plausible for `CONFORMAL_COVERAGE` of the images."""
    limits = fit_conformal(truth, probability, error=1 - CONFORMAL_COVERAGE)
    return Conformal(coverage=CONFORMAL_COVERAGE, positive_from=limits.positive_from, negative_to=limits.negative_to)
