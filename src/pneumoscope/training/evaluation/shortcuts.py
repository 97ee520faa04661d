"""Whether the answer rests on what is no disease: what else the embedding knows, and what another route changes."""

import io
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Float32, Shaped
from PIL import Image, ImageFilter

from pneumoscope.core import InputError
from pneumoscope.datasets import FINDINGS
from pneumoscope.evaluation import Node, Question, Tree, estimate
from pneumoscope.model import Artifact
from pneumoscope.stats import Auroc, auroc_clustered, clustered_mean, paired_auroc_difference
from pneumoscope.training.export.export import run_graph
from pneumoscope.training.images import Change, load_cropped
from pneumoscope.training.populations import columns_of, populations

# The probe's folds and penalty; fixed, as nothing may be chosen on test images.
FOLDS, PENALTY = 5, 0.01
FEWEST_PATIENTS = 10
OLD_FROM_YEARS = 65


def _through(side_px: int) -> Change:
    def change(picture: Image.Image) -> Image.Image:
        small = picture.resize((side_px, side_px), Image.Resampling.BILINEAR)
        return small.resize(picture.size, Image.Resampling.BILINEAR)

    return change


def _jpeg(quality: int) -> Change:
    def change(picture: Image.Image) -> Image.Image:
        packed = io.BytesIO()
        picture.save(packed, "JPEG", quality=quality)
        return Image.open(packed)

    return change


def _blurred(sigma_px: float) -> Change:
    return lambda picture: picture.filter(ImageFilter.GaussianBlur(sigma_px))


# What another hand's copies differ in; of the picture as published, before it is prepared.
ROUTES: dict[str, Change] = {
    "resampled to 224 px and back": _through(224),
    "resampled to 160 px and back": _through(160),
    "JPEG, quality 75": _jpeg(75),
    "blurred by half a pixel": _blurred(0.5),
    "blurred by a pixel": _blurred(1.0),
}


def probe_evidence(rows: pd.DataFrame, embedding: Float32[np.ndarray, "n features"], *, source: str) -> dict[str, Node]:
    """Return what linear probes read off the embedding of films without pneumonia, and what the score itself tells.

    View, sex and age are asked of one source; the source is asked of films without any finding, of this and of all
    other sources that label findings: its routes of copies differ, its findings do not.

    Args:
        rows: Films of one side of the split, of several sources, with `logit`.
        embedding: Of each.
        source: Whose films are asked about.
    """
    inside = (rows["source"] == source).to_numpy()
    healthy = (rows["Pneumonia"] == 0).to_numpy()
    bare = (rows[list(FINDINGS)] == 0).all(axis=1).to_numpy()
    asked: dict[str, tuple[pd.Series[bool], Bool[np.ndarray, " n"]]] = {
        "view": (rows["view"] == "AP", inside & healthy & rows["view"].notna().to_numpy()),
        "sex": (rows["sex"] == "F", inside & healthy & rows["sex"].notna().to_numpy()),
        "age": (rows["age_years"] >= OLD_FROM_YEARS, inside & healthy & rows["age_years"].notna().to_numpy()),
        "source": (rows["source"] == source, bare),
    }
    found: dict[str, Node] = {}
    for name, (truth, which) in asked.items():
        part, answer = rows[which], truth.to_numpy()[which]
        patient, features = part["patient_id"].to_numpy(), embedding[which].astype(float)
        logit = part["logit"].to_numpy(dtype=float)
        found[name] = {
            "embedding": estimate(_probe(features, answer, patient)),
            "score": estimate(_area(answer, logit, patient)),
        }
    return found


def _probe(
    features: Float[np.ndarray, "n features"], truth: Bool[np.ndarray, " n"], patient: Shaped[np.ndarray, " n"]
) -> Callable[[], Auroc]:
    """Return a function for the AUROC of a penalised logistic regression, cross-validated by patient."""

    def measure() -> Auroc:
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import StratifiedGroupKFold
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        fewest = min(len(set(patient[truth])), len(set(patient[~truth])))
        if fewest < FEWEST_PATIENTS:
            raise InputError(f"expected {FEWEST_PATIENTS} patients of each kind to probe for it, found {fewest}")
        score = np.empty(truth.size)
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
        for learnt, unseen in folds.split(features, truth, groups=patient):
            fitted = make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, max_iter=1000))
            fitted.fit(features[learnt], truth[learnt])
            score[unseen] = fitted.decision_function(features[unseen])
        return auroc_clustered(truth, score, cluster=patient)

    return measure


def _area(
    truth: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"], patient: Shaped[np.ndarray, " n"]
) -> Callable[[], Auroc]:
    return lambda: auroc_clustered(truth, score, cluster=patient)


def route_evidence(artifact: Artifact, rows: pd.DataFrame, questions: Sequence[Question]) -> dict[str, Node]:
    """Return for each of `ROUTES` the change of the logit, and the change of each question's AUROC.

    Args:
        artifact: The model that reads again.
        rows: Films with `path`, `logit` and references.
        questions: Of the score `Pneumonia`; those with their own negatives are left out.
    """
    card, patient, before = artifact.card, rows["patient_id"].to_numpy(), rows["logit"].to_numpy(dtype=float)
    answering = columns_of(card, populations(rows))
    routes: dict[str, Node] = {}
    for name, change in ROUTES.items():
        images, _ = load_cropped(rows["path"], card.recipe, change=change)
        after = run_graph(artifact.onnx, card, images).answering(answering).logit[:, 0].astype(float)
        moved = after - before
        routes[name] = {
            "logit_change": estimate(_mean(moved, patient)),
            "logit_change_size": estimate(_mean(np.abs(moved), patient)),
            "auroc": {
                question.name: _areas(rows, question, after=after, before=before)
                for question in questions
                if question.against is None
            },
        }
    return routes


def _mean(value: Float[np.ndarray, " n"], patient: Shaped[np.ndarray, " n"]) -> Callable[[], object]:
    return lambda: clustered_mean(value, cluster=patient)


def _areas(
    rows: pd.DataFrame, question: Question, *, after: Float[np.ndarray, " n"], before: Float[np.ndarray, " n"]
) -> Tree:
    known = rows[question.reference].notna().to_numpy()
    truth, patient = rows[question.reference].to_numpy()[known] == 1, rows["patient_id"].to_numpy()[known]
    new, old = after[known], before[known]
    return {
        "after": estimate(_area(truth, new, patient)),
        "change": estimate(lambda: paired_auroc_difference(truth, first=new, second=old, cluster=patient)),
    }
