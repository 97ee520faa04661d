"""The model card of a run: what is known before validation, and what validation patients decide."""

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from pneumoscope.core import ConfigError, IntendedUse
from pneumoscope.model import SCHEMA, Calibration, Card, Conformal, Guard, OperatingPoint
from pneumoscope.reading import Outputs
from pneumoscope.stats import auroc_clustered
from pneumoscope.training.config import TrainingConfig

# A soft target of one half or more counts as positive where a yes or no is needed (operating points, conformal
# limits): NIH images read as Lung Opacity, and unread ones whose findings make it likelier than not.
POSITIVE = 0.5
SENSITIVITY_OF_SCREENING = 0.95
SPECIFICITY_OF_CONFIRMATORY = 0.95
CONFORMAL_COVERAGE = 0.90
GUARD_QUANTILE = 0.995
# Another site's films lie farther from the training images than validation films of the same sources do; turned,
# inverted and other films lie beyond twice the quantile (evidence.json, "guard").
GUARD_MARGIN = 1.3

_UNDECIDED = {
    name: OperatingPoint(threshold=0.5, rule="undecided") for name in ("screening", "balanced", "confirmatory")
}


def draft_card(config: TrainingConfig, record: dict[str, Any]) -> Card:
    """The card before validation: thresholds, calibration and limits are undecided and neutral."""
    return Card(
        schema=SCHEMA,
        name=config.name,
        version=config.version,
        created=dt.datetime.now(tz=dt.UTC).date().isoformat(),
        labels=("Pneumonia",),
        meaning=(
            "Probability that the radiograph shows opacity suspicious for pneumonia, by the label rule of "
            "pneumoscope.training.targets, at the prevalence of the calibration set."
        ),
        intended_use_statement=(
            "Research use only, not a medical device. Flags frontal chest radiographs (PA or AP) that are "
            "suspicious for pneumonia, for a person who reads every image; it makes no diagnosis."
        ),
        licence="Apache-2.0",
        attribution=(
            "Trained on NIH ChestX-ray14 (NIH Clinical Center; Wang et al., CVPR 2017), RSNA 2018 labels (Shih et al., "
            "Radiology: AI 2019) and Kermany et al., Cell 2018 (CC BY 4.0). Initial weights: MobileNetV2, Google, "
            "Apache-2.0."
        ),
        intended_use=IntendedUse(youngest_years=1, oldest_years=100, smallest_px=224),
        recipe=config.recipe,
        calibration=Calibration(slope=1.0, intercept=0.0, prevalence=0.5),
        operating_points=_UNDECIDED,
        conformal=Conformal(coverage=CONFORMAL_COVERAGE, positive_from=0.5, negative_to=0.5),
        guard=Guard(limit=float(np.finfo(np.float32).max), rule="undecided"),
        training=record,
        metrics={},
    )


def finish_card(draft: Card, rows: pd.DataFrame, outputs: Outputs, targets: Float[np.ndarray, " n"]) -> Card:
    """The card with all that validation patients decide; each source counts the same, whatever its size.

    Args:
        draft: From `draft_card`.
        rows: The validation rows of the manifest.
        outputs: The exported graph's outputs for them.
        targets: Soft targets by the label rule; NaN rows serve the guard only.

    Raises:
        ConfigError: Validation has only one class.
    """
    taught = ~np.isnan(targets)
    logit, target = outputs.logit[taught, 0], targets[taught]
    source = rows["source"].to_numpy()[taught]
    weight = _even_weights(source)
    calibration = fit_calibration(logit, target, weight)
    probability = calibration.probability(logit)
    truth = target >= POSITIVE
    if truth.all() or not truth.any():
        raise ConfigError("validation needs images with and without pneumonia to choose thresholds, found one class")
    metrics = {
        name: auroc_clustered(truth[part], probability[part], cluster=rows["patient_id"].to_numpy()[taught][part])
        for name in np.unique(source)
        if (part := source == name).any()
    }
    return replace(
        draft,
        calibration=calibration,
        operating_points=operating_points(truth, probability, weight),
        conformal=conformal_limits(truth, probability, weight),
        guard=Guard(
            limit=GUARD_MARGIN * float(np.quantile(outputs.distance, GUARD_QUANTILE)),
            rule=f"{GUARD_MARGIN} times the distance within which {GUARD_QUANTILE:.1%} of {len(outputs.distance)} "
            "validation images lie",
        ),
        metrics={
            "validation_auroc": {
                name: {"value": a.value, "low": a.low, "high": a.high, "n": a.n, "positives": a.positives}
                for name, a in metrics.items()
            }
        },
    )


def fit_calibration(
    logit: Float[np.ndarray, " n"], target: Float[np.ndarray, " n"], weight: Float[np.ndarray, " n"]
) -> Calibration:
    """Platt scaling to soft targets: each image counts as `target` of a positive and the rest of a negative."""
    from sklearn.linear_model import LogisticRegression

    doubled = np.concatenate([logit, logit])[:, None]
    answers = np.repeat([1, 0], len(logit))
    weights = np.concatenate([weight * target, weight * (1 - target)])
    used = weights > 0
    fitted = LogisticRegression(C=1e6).fit(doubled[used], answers[used], sample_weight=weights[used])
    return Calibration(
        slope=float(fitted.coef_[0, 0]),
        intercept=float(fitted.intercept_[0]),
        prevalence=float(np.average(target, weights=weight)),
    )


def operating_points(
    truth: Bool[np.ndarray, " n"], probability: Float[np.ndarray, " n"], weight: Float[np.ndarray, " n"]
) -> dict[str, OperatingPoint]:
    """Thresholds at a sensitivity, at Youden's index and at a specificity, of the weighted validation images."""
    order = np.argsort(-probability)
    sensitivity = np.cumsum((weight * truth)[order]) / (weight * truth).sum()
    specificity = 1 - np.cumsum((weight * ~truth)[order]) / (weight * ~truth).sum()
    descending = probability[order]
    screening = descending[np.argmax(sensitivity >= SENSITIVITY_OF_SCREENING)]
    balanced = descending[np.argmax(sensitivity + specificity)]
    confirmatory = descending[max(np.flatnonzero(specificity >= SPECIFICITY_OF_CONFIRMATORY), default=0)]
    return {
        "screening": OperatingPoint(
            threshold=float(screening),
            rule=f"highest threshold with sensitivity at least {SENSITIVITY_OF_SCREENING:.0%}",
        ),
        "balanced": OperatingPoint(threshold=float(balanced), rule="largest sensitivity + specificity (Youden)"),
        "confirmatory": OperatingPoint(
            threshold=float(confirmatory),
            rule=f"lowest threshold with specificity at least {SPECIFICITY_OF_CONFIRMATORY:.0%}",
        ),
    }


def conformal_limits(
    truth: Bool[np.ndarray, " n"], probability: Float[np.ndarray, " n"], weight: Float[np.ndarray, " n"]
) -> Conformal:
    """Limits that keep each class's true answer plausible for `CONFORMAL_COVERAGE` of the weighted images."""
    miss = 1 - CONFORMAL_COVERAGE
    return Conformal(
        coverage=CONFORMAL_COVERAGE,
        positive_from=_weighted_quantile(probability[truth], weight[truth], miss),
        negative_to=_weighted_quantile(probability[~truth], weight[~truth], 1 - miss),
    )


def _weighted_quantile(values: Float[np.ndarray, " n"], weight: Float[np.ndarray, " n"], level: float) -> float:
    return float(np.quantile(values, level, weights=weight, method="inverted_cdf"))


def _even_weights(source: np.ndarray) -> Float[np.ndarray, " n"]:
    """A weight for each image, so that sources count the same; the mean is 1."""
    names, index, counts = np.unique(source, return_inverse=True, return_counts=True)
    return np.asarray(len(source) / len(names) / counts[index], dtype=float)
