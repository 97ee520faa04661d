"""Numbers beside the labels that predictions hold too: guard, pointing and overlap, lung fields, conformal limits."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool

from pneumoscope import stats
from pneumoscope.core import ArtifactError
from pneumoscope.evaluation import Evidence, Leaf, NotEstimable, Question, estimate
from pneumoscope.model import Card

_MEANS = {
    "localisation.pointing_by_chance": "box_covered",
    "localisation.overlap": "box_overlap",
    "localisation.overlap_of_another_image": "swapped_overlap",
    "lungs.dice": "lung_dice",
    "lungs.boxes_inside": "boxes_in_lungs",
    "lungs.heat_outside": "heat_outside_lungs",
    "lungs.area_outside": "area_outside_lungs",
}


def recompute_other(evidence: Evidence, *, card: Card | None) -> dict[str, Leaf | int | float]:
    """Return the numbers by dotted path that the folder has and its predictions give again.

    Args:
        evidence: The folder.
        card: The model's card, which has the guard's and the conformal limits; None: those numbers are left out.
    """
    rows = pd.read_parquet(evidence.path / "predictions.parquet")
    found: dict[str, Leaf | int | float] = {}
    for path, value in _all(rows, evidence, card):
        try:
            evidence.at(path)
        except ArtifactError:
            continue
        found[path] = value
    return found


def _all(rows: pd.DataFrame, evidence: Evidence, card: Card | None) -> Iterator[tuple[str, Any]]:
    patient = rows["patient_id"].to_numpy()
    for path, column in _MEANS.items():
        if column in rows and rows[column].notna().any():
            yield path, _mean(rows[column], patient)
    if "pointing_hit" in rows and (boxed := rows["pointing_hit"].notna().to_numpy()).any():
        yield "localisation.boxed_images", int(boxed.sum())
        yield "localisation.pointing", _share((rows["pointing_hit"] == 1).to_numpy()[boxed], patient[boxed])
    if card is not None:
        yield "guard.limit", card.guard.limit
        if "distance" in rows:
            yield "guard.refused", _share(rows["distance"].to_numpy() > card.guard.limit, patient)
        yield from _conformal(rows, evidence, card)


def _conformal(rows: pd.DataFrame, evidence: Evidence, card: Card) -> Iterator[tuple[str, Any]]:
    """As the release measured it: of the population that most rows are of, pooled and by view."""
    rules = {str(name): rule.conformal for name, rule in card.rules.items()}
    population = rows["population"].mode()[0] if "population" in rows else ""
    if population not in rules:
        return
    limits, views = rules[population], rows["view"].fillna("unknown").to_numpy()
    yield "conformal.promised", limits.coverage
    patient = rows["patient_id"].to_numpy()
    for table in evidence.provenance["config"]["questions"]:
        question = Question(**table)
        if question.against is not None:
            continue
        probability = rows[f"prob_{question.score}"].to_numpy(dtype=float)
        asked = (rows[question.reference].notna() & (rows["population"] == population)).to_numpy()
        truth = (rows[question.reference] == 1).to_numpy()
        finding, absence = probability >= limits.positive_from, probability <= limits.negative_to
        certain = finding != absence
        for name, part in {"all": asked, **{view: asked & (views == view) for view in np.unique(views[asked])}}.items():
            at = f"conformal.{question.name}.{name}"
            yield f"{at}.covered_with", _share(finding[part & truth], patient[part & truth])
            yield f"{at}.covered_without", _share(absence[part & ~truth], patient[part & ~truth])
            yield f"{at}.uncertain", _share(~certain[part], patient[part])
            yield f"{at}.right_where_certain", _share((finding == truth)[part & certain], patient[part & certain])


def _share(hit: Bool[np.ndarray, " n"], patient: np.ndarray) -> Leaf:
    if hit.size == 0:
        return NotEstimable("no such image")
    every = np.ones(hit.size, dtype=bool)
    return estimate(lambda: stats.accuracy(every, hit.astype(float), threshold=0.5, cluster=patient))


def _mean(value: "pd.Series[float]", patient: np.ndarray) -> Leaf:
    known = value.notna().to_numpy()
    return estimate(lambda: stats.clustered_mean(value.to_numpy(dtype=float)[known], cluster=patient[known]))
