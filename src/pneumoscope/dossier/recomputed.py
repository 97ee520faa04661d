"""Numbers beside the labels that predictions hold too: guard, pointing and overlap, lung fields, conformal limits.

And what must agree row by row: which rule decided, and the probability that its calibration gives.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool

from pneumoscope import stats
from pneumoscope.core import ArtifactError, Population
from pneumoscope.dossier.card_facts import named_rules, rule_name
from pneumoscope.evaluation import Evidence, Leaf, NotEstimable, Question, estimate
from pneumoscope.model import Card

_SIDES = ("val", "test")
# Predictions keep nine digits.
_ROUNDING = 1e-6

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
    """As the release measured it: of the population that most rows are of, by the limits of each row's rule."""
    limits = {name: rule.conformal for name, rule in named_rules(card).items()}
    if "population" not in rows or not set(rows["population"]) <= set(limits):
        return
    whose = rows["population"].str.partition(" ")[0]
    population, views = whose.mode()[0], rows["view"].fillna("unknown").to_numpy()
    lowest, highest = (
        rows["population"].map({name: getattr(one, side) for name, one in limits.items()}).to_numpy(dtype=float)
        for side in ("positive_from", "negative_to")
    )
    yield "conformal.promised", card.rules[Population(population)].conformal.coverage
    patient = rows["patient_id"].to_numpy()
    for table in evidence.provenance["config"]["questions"]:
        question = Question(**table)
        if question.against is not None:
            continue
        probability = rows[f"prob_{question.score}"].to_numpy(dtype=float)
        asked = (rows[question.reference].notna() & (whose == population)).to_numpy()
        truth = (rows[question.reference] == 1).to_numpy()
        finding, absence = probability >= lowest, probability <= highest
        certain = finding != absence
        for name, part in {"all": asked, **{view: asked & (views == view) for view in np.unique(views[asked])}}.items():
            at = f"conformal.{question.name}.{name}"
            yield f"{at}.covered_with", _share(finding[part & truth], patient[part & truth])
            yield f"{at}.covered_without", _share(absence[part & ~truth], patient[part & ~truth])
            yield f"{at}.uncertain", _share(~certain[part], patient[part])
            yield f"{at}.right_where_certain", _share((finding == truth)[part & certain], patient[part & certain])


def row_problems(evidence: Evidence, *, card: Card | None) -> Iterator[str]:
    """Yield what no row may contradict: ids, patients, sides; with the card also rules and calibration.

    An image stands once. An image of NIH carries its patient's number. With the card: an image was decided by the
    rule of its population and view, and its probability is that rule's calibration of its logit.
    """
    rows = pd.read_parquet(evidence.path / "predictions.parquet")
    if twice := int(rows["image_id"].duplicated().sum()):
        yield f"{evidence.name}: {twice} images stand twice in its predictions"
    number = rows["image_id"].str.extract(r"^0*(\d+)_\d{3}\.png$")[0]
    strangers = number.notna() & rows["patient_id"].str.startswith("nih:") & (rows["patient_id"] != "nih:" + number)
    if strangers.any():
        yield f"{evidence.name}: {int(strangers.sum())} images carry another patient's number than their row"
    side = evidence.name.rpartition("-")[2]
    if "split" in rows and side in _SIDES and (rows["split"] != side).any():
        yield f"{evidence.name}: {int((rows['split'] != side).sum())} images are not of the side {side}"
    if card is not None and {"population", "logit"} <= set(rows):
        yield from _rule_problems(rows, evidence, card)


def _rule_problems(rows: pd.DataFrame, evidence: Evidence, card: Card) -> Iterator[str]:
    rules = named_rules(card)
    if unknown := sorted(set(rows["population"]) - set(rules)):
        yield f"{evidence.name}: the card has no rule {', '.join(unknown)}, but {', '.join(rules)}"
        return
    views = rows["view"].where(rows["view"].notna(), None)
    named = [
        rule_name(card, Population(name.partition(" ")[0]), view)
        for name, view in zip(rows["population"], views, strict=True)
    ]
    if others := int((rows["population"] != np.array(named)).sum()):
        yield f"{evidence.name}: {others} images were decided by another rule than that of their population and view"
    logit = rows["logit"].to_numpy(dtype=float)
    for label in _labels(evidence):
        said = rows[f"prob_{label}"].to_numpy(dtype=float)
        given = np.full(len(rows), np.nan)
        for name in set(rows["population"]):
            part = (rows["population"] == name).to_numpy()
            given[part] = rules[name].calibration.probability(logit[part])
        if wrong := int((np.abs(said - given) > _ROUNDING).sum()):
            yield f"{evidence.name}: {wrong} values of prob_{label} are not what the card's calibration gives"


def _labels(evidence: Evidence) -> list[str]:
    """Return the scores that the card's thresholds decide on; of another output the predictions have no logit."""
    return list(evidence.provenance["config"]["points"])


def _share(hit: Bool[np.ndarray, " n"], patient: np.ndarray) -> Leaf:
    if hit.size == 0:
        return NotEstimable("no such image")
    every = np.ones(hit.size, dtype=bool)
    return estimate(lambda: stats.accuracy(every, hit.astype(float), threshold=0.5, cluster=patient))


def _mean(value: "pd.Series[float]", patient: np.ndarray) -> Leaf:
    known = value.notna().to_numpy()
    return estimate(lambda: stats.clustered_mean(value.to_numpy(dtype=float)[known], cluster=patient[known]))
