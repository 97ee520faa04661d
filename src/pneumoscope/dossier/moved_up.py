"""What the device does to a worklist: images moved up (suspicious or uncertain), counted from the predictions.

The evidence measures "suspicious" alone; a triage device is judged by what it moves up. The limits of "uncertain" are
in the model card, so that without the model file only suspicious images can be counted; `Action.complete` says so.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from pneumoscope import stats
from pneumoscope.dossier.card_facts import named_rules
from pneumoscope.dossier.device import Cohort, Device
from pneumoscope.dossier.queueing import Scores
from pneumoscope.evaluation import Evidence, Leaf, NotEstimable, Number, estimate
from pneumoscope.model import Card

PREVALENCES = ("2%", "5%", "10%", "20%")
_FEWEST_PATIENTS = 5
_DRAWS = 400

_GROUPS: dict[str, Callable[[pd.DataFrame], "pd.Series[bool]"]] = {
    "PA": lambda rows: rows["view"] == "PA",
    "AP": lambda rows: rows["view"] == "AP",
    "first image of the patient": lambda rows: rows["follow_up"] == 0,
    "image with earlier ones": lambda rows: rows["follow_up"] > 0,
    "age below 6": lambda rows: rows["age_years"] < 6,
    "age 6 to 17": lambda rows: rows["age_years"].between(6, 17.999),
    "age 18 and over": lambda rows: rows["age_years"] >= 18,
    "age unknown": lambda rows: rows["age_years"].isna(),
}


@dataclass(frozen=True, slots=True, eq=False)
class Action:
    """One cohort's images with a reference, and what the device did with each.

    Attributes:
        rows: Predictions whose reference is known.
        truth: Whether the reference says that the finding is there.
        moved_up: Whether the device moves the image up.
        complete: Whether uncertain images are counted too.
    """

    rows: pd.DataFrame
    truth: Bool[np.ndarray, " n"]
    moved_up: Bool[np.ndarray, " n"]
    complete: bool

    @property
    def scores(self) -> Scores:
        """The cohort as the worklist simulation needs it."""
        return Scores(self.truth, self.moved_up)


def read_action(evidence: Evidence, cohort: Cohort, *, point: str, card: Card | None) -> Action:
    """Return what the device does with the images of a cohort at an operating point."""
    question = next(one for one in evidence.provenance["config"]["questions"] if _name(one) == cohort.question)
    rows = pd.read_parquet(evidence.path / "predictions.parquet")
    score, reference, against = question["score"], question["reference"], question.get("against")
    known = rows[reference].notna() if against is None else (rows[reference] == 1) | (rows[against] == 1)
    rows = rows[known].reset_index(drop=True)
    probability = rows[f"prob_{score}"].to_numpy(dtype=float)
    flagged = probability >= _thresholds(evidence, rows, score=score, point=point)
    uncertain = _uncertain(rows, probability, card) if card is not None else np.zeros(len(rows), dtype=bool)
    return Action(rows, (rows[reference] == 1).to_numpy(), flagged | uncertain, complete=card is not None)


def measure(action: Action) -> dict[str, Any]:
    """Return the numbers of one cohort: 2x2 table, rates, shares at other prevalences, by patient, by group."""
    truth, moved = action.truth, action.moved_up
    patient = action.rows["patient_id"].to_numpy()
    found: dict[str, Any] = {
        "complete": action.complete,
        "n": len(truth),
        "positives": int(truth.sum()),
        "moved_with": int((truth & moved).sum()),
        "left_with": int((truth & ~moved).sum()),
        "moved_without": int((~truth & moved).sum()),
        "left_without": int((~truth & ~moved).sum()),
        "sensitivity": _rate(stats.sensitivity, truth, moved, patient),
        "specificity": _rate(stats.specificity, truth, moved, patient),
    }
    at = {name: float(name.rstrip("%")) / 100 for name in PREVALENCES}
    found["share_moved_up"] = {name: _share_at(found, value) for name, value in at.items()}
    found["by_patient"] = _by_patient(truth, moved, patient)
    found["groups"] = dict(_grouped(action))
    return found


def perfect_calibration(evidence: Evidence, cohort: Cohort, *, bins: int = 10) -> dict[str, float] | None:
    """Return the calibration error that a perfectly calibrated model would show on these images: mean and 95 %.

    References are drawn from the probabilities themselves, 400 times, and binned like the evidence's own error.
    """
    question = next(one for one in evidence.provenance["config"]["questions"] if _name(one) == cohort.question)
    rows = pd.read_parquet(evidence.path / "predictions.parquet")
    rows = rows[rows[question["reference"]].notna()]
    probability = np.sort(rows[f"prob_{question['score']}"].to_numpy(dtype=float))
    if len(probability) < 2 * bins:
        return None
    rng = np.random.default_rng(0)
    parts = np.array_split(np.arange(len(probability)), bins)
    errors = [_error(probability, rng.random(len(probability)) < probability, parts) for _ in range(_DRAWS)]
    return {"mean": float(np.mean(errors)), "p95": float(np.percentile(errors, 95))}


def without_pixels(release: Mapping[str, Evidence], device: Device, cohort: Cohort) -> Leaf:
    """Return the AUROC of view, sex, age and follow-up together, fitted on validation images of the same source."""
    from sklearn.linear_model import LogisticRegression

    source = cohort.evidence.rpartition("-")[0]
    fitted_on = next((one for one in device.cohorts("validation") if one.evidence.rpartition("-")[0] == source), None)
    if fitted_on is None:
        return NotEstimable("no validation images of the same source")
    try:
        train, reference = _known(release[fitted_on.evidence], fitted_on)
        test, truth = _known(release[cohort.evidence], cohort)
        model = LogisticRegression(max_iter=1000).fit(_without_pixels(train), reference)
        score = model.decision_function(_without_pixels(test))
    except (KeyError, ValueError) as error:
        return NotEstimable(f"view, sex, age and follow-up cannot be fitted: {error}"[:120])
    return estimate(lambda: stats.auroc_clustered(truth, score, cluster=test["patient_id"].to_numpy()))


def _known(evidence: Evidence, cohort: Cohort) -> tuple[pd.DataFrame, Bool[np.ndarray, " n"]]:
    question = next(one for one in evidence.provenance["config"]["questions"] if _name(one) == cohort.question)
    rows = pd.read_parquet(evidence.path / "predictions.parquet")
    rows = rows[rows[question["reference"]].notna() & rows["view"].notna() & rows["age_years"].notna()]
    return rows, (rows[question["reference"]] == 1).to_numpy()


def _without_pixels(rows: pd.DataFrame) -> Float[np.ndarray, "n 5"]:
    age, past = rows["age_years"].to_numpy(dtype=float), rows["follow_up"].fillna(0).to_numpy(dtype=float)
    columns = (rows["view"] == "AP", rows["sex"] == "F", age / 50, (age / 50) ** 2, np.log1p(past))
    return np.column_stack([np.asarray(one, dtype=float) for one in columns])


def _thresholds(evidence: Evidence, rows: pd.DataFrame, *, score: str, point: str) -> Float[np.ndarray, " n"]:
    """Return each image's threshold: that of the rule for its patient's population and its view."""
    chosen = evidence.provenance["config"]["points"][score][point]
    elsewhere = {str(name): float(value) for name, value in (chosen.get("elsewhere") or {}).items()}
    common = float(chosen["threshold"])
    if "population" not in rows:
        return np.full(len(rows), common)
    return np.array([elsewhere.get(str(name), common) for name in rows["population"]], dtype=float)


def _uncertain(rows: pd.DataFrame, probability: Float[np.ndarray, " n"], card: Card) -> Bool[np.ndarray, " n"]:
    names = rows["population"] if "population" in rows else pd.Series(card.population_of(None), index=rows.index)
    limits = {name: rule.conformal for name, rule in named_rules(card).items()}
    pairs = zip(names.astype(str), probability, strict=True)
    return np.array([name in limits and limits[name].uncertain(float(value)) for name, value in pairs], dtype=bool)


def _rate(
    rate: Callable[..., Any], truth: Bool[np.ndarray, " n"], moved: Bool[np.ndarray, " n"], patient: np.ndarray
) -> Leaf:
    return estimate(lambda: rate(truth, moved.astype(float), threshold=0.5, cluster=patient))


def _share_at(found: dict[str, Any], prevalence: float) -> Leaf:
    """Share of all images that is moved up at a prevalence; interval by the delta method from the two rates."""
    with_, without = found["sensitivity"], found["specificity"]
    if not (isinstance(with_, Number) and isinstance(without, Number)):
        return NotEstimable("sensitivity or specificity is not estimable")
    value = prevalence * with_.value + (1 - prevalence) * (1 - without.value)
    below = np.hypot(prevalence * (with_.value - with_.low), (1 - prevalence) * (without.high - without.value))
    above = np.hypot(prevalence * (with_.high - with_.value), (1 - prevalence) * (without.value - without.low))
    return Number(
        value=float(value), low=float(max(0, value - below)), high=float(min(1, value + above)), level=with_.level,
        n=with_.n + without.n, method="square-and-add of the two rates' intervals",
    )  # fmt: skip


def _by_patient(truth: Bool[np.ndarray, " n"], moved: Bool[np.ndarray, " n"], patient: np.ndarray) -> dict[str, Any]:
    """Rates in which every patient weighs the same, however many images there are of them."""
    table = pd.DataFrame({"patient": patient, "truth": truth, "moved": moved})
    found: dict[str, Any] = {}
    for name, value in (("sensitivity", True), ("specificity", False)):
        share = table[table["truth"] == value].groupby("patient")["moved"].mean()
        share = share if value else 1 - share
        found[f"{name}_patients"] = len(share)
        value_of, who = share.to_numpy(dtype=float), share.index.to_numpy()
        found[name] = (
            estimate(partial(stats.clustered_mean, value_of, cluster=who))
            if len(share) >= _FEWEST_PATIENTS
            else NotEstimable("too few patients to say")
        )
    of_negatives = table[~table["truth"]].groupby("patient").size().sort_values(ascending=False)
    found["top_patients_images"] = int(of_negatives.head(5).sum())
    found["negatives"] = int(of_negatives.sum())
    return found


def _grouped(action: Action) -> Iterator[tuple[str, dict[str, Any]]]:
    patient = action.rows["patient_id"].to_numpy()
    for name, of in _GROUPS.items():
        try:
            inside = of(action.rows).to_numpy(dtype=bool)
        except KeyError:
            continue
        if not inside.any() or inside.all():
            continue
        truth, moved, who = action.truth[inside], action.moved_up[inside], patient[inside]
        numbers: dict[str, Any] = {"n": int(inside.sum()), "positives": int(truth.sum()), "patients": len(set(who))}
        for measure_name, rate, part in (
            ("sensitivity", stats.sensitivity, truth),
            ("specificity", stats.specificity, ~truth),
        ):
            few = len(set(who[part])) < _FEWEST_PATIENTS
            numbers[measure_name] = NotEstimable("too few patients") if few else _rate(rate, truth, moved, who)
        yield name, numbers


def _error(probability: Float[np.ndarray, " n"], truth: Bool[np.ndarray, " n"], parts: list[np.ndarray]) -> float:
    gaps = [len(part) * abs(probability[part].mean() - truth[part].mean()) for part in parts]
    return float(np.sum(gaps) / len(probability))


def _name(question: Mapping[str, Any]) -> str:
    """Return a question's key in the evidence, as `pneumoscope.evaluation.Question` makes it."""
    from pneumoscope.evaluation import Question

    return Question(**question).name


def population_counts(evidence: Evidence) -> dict[str, int]:
    """Return on how many images each rule decided: a population's, or a population's and view's."""
    rows = pd.read_parquet(evidence.path / "predictions.parquet")
    if "population" not in rows:
        return {}
    return {str(name): int(count) for name, count in rows["population"].value_counts().items()}
