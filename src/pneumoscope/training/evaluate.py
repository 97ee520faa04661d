"""Evidence for a sealed artefact: every number with its interval, denominator and method, by source and by view."""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Shaped

from pneumoscope import __version__
from pneumoscope.core import InputError
from pneumoscope.datasets import FINDINGS, manifest_sha256
from pneumoscope.model import OPERATING_POINTS, Artifact, Card
from pneumoscope.stats import (
    accuracy,
    auroc_clustered,
    average_precision,
    expected_calibration_error,
    f1,
    npv,
    ppv,
    sensitivity,
    specificity,
)
from pneumoscope.training.export import run_graph
from pneumoscope.training.images import load_images, read_manifest
from pneumoscope.training.populations import populations
from pneumoscope.training.refusals import guard_evidence

# Fewer of either class than this and a number says nothing.
FEWEST = 10


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A yes-or-no reference over some of the rows: which images, and which of them are positive."""

    name: str
    rows: Bool[np.ndarray, " n"]
    truth: Bool[np.ndarray, " n"]


def evaluate(artifact: Artifact, data: Path, output: Path) -> dict[str, Any]:
    """Write `evidence.json` and `predictions.csv` for the validation and test images, and return the evidence.

    The test images were held out of training and of every choice; run this once per released model.
    """
    record = artifact.card.training
    manifest = read_manifest(data, split_seed=int(record["config"]["split_seed"]))
    manifest = manifest[manifest["split"] != "train"].reset_index(drop=True)
    images = load_images(manifest["path"], artifact.card.recipe)
    outputs = run_graph(artifact.onnx, artifact.card, images)
    predictions = manifest.assign(
        logit=outputs.logit[:, 0],
        probability=_probability(artifact.card, outputs.logit[:, 0], populations(manifest)),
        population=populations(manifest),
        distance=outputs.distance,
    )
    evidence = {
        "cohorts": {
            f"{source}-{split}": _cohort(predictions, artifact, source=source, split=split)
            for split in ("val", "test")
            for source in ("kermany", "nih")
        },
        "guard": guard_evidence(artifact, predictions, images, data),
        "provenance": {
            "model": asdict(artifact.identity),
            "manifest_sha256": manifest_sha256(manifest),
            "training": record,
            "code": __version__,
            "libraries": {name: metadata.version(name) for name in ("numpy", "onnxruntime", "pydicom", "scipy")},
            "created": dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds"),
        },
    }
    output.mkdir(parents=True, exist_ok=True)
    (output / "evidence.json").write_text(json.dumps(evidence, indent=1, default=float))
    columns = ["source", "split", "image_id", "view", "population", "logit", "probability", "distance"]
    predictions[columns].round(6).to_csv(output / "predictions.csv", index=False)
    return evidence


def _cohort(predictions: pd.DataFrame, artifact: Artifact, *, source: str, split: str) -> dict[str, Any]:
    """Numbers of one source and split, for each reference that the source has, all rows and by view."""
    rows = predictions[(predictions["source"] == source) & (predictions["split"] == split)]
    return {
        "images": len(rows),
        "patients": int(rows["patient_id"].nunique()),
        "labels": {
            question.name: _answer(rows, question, artifact)
            | {"subgroups": {"view": dict(_by_view(rows, question, artifact))}}
            for question in _questions(rows)
        },
    }


def _questions(rows: pd.DataFrame) -> Iterator[Question]:
    everything = np.ones(len(rows), dtype=bool)
    labelled = rows["Pneumonia"].to_numpy() == 1
    yield Question("Pneumonia", everything, labelled)
    if rows["rsna_opacity"].notna().any():
        opacity = rows["rsna_opacity"].to_numpy()
        yield Question("Lung Opacity (RSNA radiologists)", ~np.isnan(opacity), opacity == 1)
        nothing = (rows[list(FINDINGS)] == 0).all(axis=1).to_numpy()
        yield Question("Pneumonia against No Finding", labelled | nothing, labelled)


def _by_view(rows: pd.DataFrame, question: Question, artifact: Artifact) -> Iterator[tuple[str, dict[str, Any]]]:
    for view in sorted(rows["view"].dropna().unique()):
        inside = question.rows & (rows["view"] == view).to_numpy()
        yield view, _answer(rows, Question(question.name, inside, question.truth), artifact)


def _answer(rows: pd.DataFrame, question: Question, artifact: Artifact) -> dict[str, Any]:
    truth = question.truth[question.rows]
    score = rows["probability"].to_numpy()[question.rows]
    patient = rows["patient_id"].to_numpy()[question.rows]
    population = rows["population"].to_numpy()[question.rows]
    counts = {"n": int(truth.size), "positives": int(truth.sum())}
    if min(truth.sum(), (~truth).sum()) < FEWEST:
        return counts | {"not_estimable": f"fewer than {FEWEST} images of one class"}
    rng = np.random.default_rng(0)
    return counts | {
        "auroc": asdict(auroc_clustered(truth, score, cluster=patient)),
        "auprc": asdict(average_precision(truth, score, rng=rng, cluster=patient)),
        "calibration": {"ece": asdict(expected_calibration_error(truth, score, rng=rng, cluster=patient))},
        "operating_points": {
            name: _at_point(truth, score, patient, _thresholds(artifact.card, name, population))
            for name in OPERATING_POINTS
        },
    }


def _probability(card: Card, logit: Float[np.ndarray, " n"], population: Shaped[np.ndarray, " n"]) -> np.ndarray:
    """Each row's probability by its population's calibration."""
    probability = np.empty(len(logit))
    for name, rule in card.rules.items():
        part = population == name
        probability[part] = rule.calibration.probability(logit[part])
    return probability


def _thresholds(card: Card, point: str, population: Shaped[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Each row's threshold by its population's rule."""
    return np.array([card.rules[name].operating_points[point].threshold for name in population])


def _at_point(
    truth: Bool[np.ndarray, " n"],
    score: Float[np.ndarray, " n"],
    patient: Shaped[np.ndarray, " n"],
    threshold: Float[np.ndarray, " n"],
) -> dict[str, Any]:
    """Numbers at an operating point; the measures take one threshold, so decisions stand in for scores."""
    decided = (score >= threshold).astype(float)
    return {"thresholds": sorted(set(threshold.tolist()))} | _at(truth, decided, patient, 0.5)


def _at(
    truth: Bool[np.ndarray, " n"],
    score: Float[np.ndarray, " n"],
    patient: Shaped[np.ndarray, " n"],
    threshold: float,
) -> dict[str, Any]:
    numbers: dict[str, Any] = {}
    for measure in (sensitivity, specificity, ppv, npv, accuracy):
        try:
            numbers[measure.__name__] = asdict(measure(truth, score, threshold=threshold, cluster=patient))
        except InputError as error:  # nothing flagged, or everything: the measure has no denominator
            numbers[measure.__name__] = {"not_estimable": str(error)}
    numbers["f1"] = asdict(f1(truth, score, threshold=threshold, rng=np.random.default_rng(0), cluster=patient))
    return numbers
