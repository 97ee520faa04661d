"""What is asked of predictions: a score held against a reference, on the images that the reference labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, Shaped

from pneumoscope.core import InputError
from pneumoscope.datasets import FINDINGS
from pneumoscope.evaluation.predictions import PREFIX
from pneumoscope.evaluation.settings import Point

NO_FINDING = "No_Finding"
# Radiologists' readings, in words; any other column is its own meaning.
_MEANINGS = {
    "rsna_opacity": "Lung Opacity by RSNA's radiologists",
    "google_airspace_opacity": "airspace opacity by Google's adjudicated readers",
    "pneumonia_2017": "Pneumonia by the NIH labels of 2017",
    "pneumonia_2020": "Pneumonia by the NIH labels of v2020",
}


@dataclass(frozen=True, slots=True)
class Question:
    """Does `score` tell images with `reference` from others (from those without any finding where `against` says so)?

    Attributes:
        score: The label whose probability is held against the reference.
        reference: The manifest's column that is taken as truth.
        against: `No_Finding`, or a column whose positives alone are the negatives; None for all others.
    """

    score: str
    reference: str
    against: str | None = None

    @property
    def name(self) -> str:
        """Its key in the evidence."""
        name = self.score if self.score == self.reference else f"{self.score}_as_{self.reference}"
        return name if self.against is None else f"{name}_against_{self.against}"

    def facts(self) -> dict[str, str]:
        """Score, reference and negatives in words."""
        negatives = (
            "all other labelled images" if self.against is None else f"images with {self.against.replace('_', ' ')}"
        )
        reference = _MEANINGS.get(self.reference, self.reference)
        return {"score": self.score, "reference": reference, "negatives": negatives}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """The images that a question is about.

    Attributes:
        truth: Whether the reference calls the image positive.
        score: Probability in [0, 1].
        patient: Patient's number.
        population: Whose operating points hold for the image; empty where there is one for all.
    """

    truth: Bool[np.ndarray, " n"]
    score: Float[np.ndarray, " n"]
    patient: Int[np.ndarray, " n"]
    population: Shaped[np.ndarray, " n"]

    def of(self, inside: Bool[np.ndarray, " n"]) -> "Sample":
        """Return the images for which `inside` is true."""
        return Sample(
            truth=self.truth[inside],
            score=self.score[inside],
            patient=self.patient[inside],
            population=self.population[inside],
        )

    def decided(self, point: Point) -> Float[np.ndarray, " n"]:
        """1 for each image that the operating point flags, 0 for the others: a score with the threshold 0.5."""
        threshold = np.full(self.score.shape, point.threshold)
        for population, other in point.elsewhere.items():
            threshold[self.population == population] = other
        return (self.score >= threshold).astype(float)

    @property
    def counts(self) -> dict[str, int]:
        """Images, those of them with the finding, and patients."""
        return {
            "n": self.truth.size,
            "positives": int(self.truth.sum()),
            "patients": int(np.count_nonzero(np.bincount(self.patient))),
        }


def default_questions(rows: pd.DataFrame, scores: Sequence[str]) -> list[Question]:
    """Each score against its own column where that is labelled, and Pneumonia against No Finding where NIH says it."""
    labelled = [score for score in scores if score in rows and rows[score].notna().any()]
    questions = [Question(score, score) for score in labelled]
    if "Pneumonia" in labelled and no_finding(rows).any():
        questions.append(Question("Pneumonia", "Pneumonia", NO_FINDING))
    return questions


def take(rows: pd.DataFrame, question: Question) -> tuple[Sample, pd.DataFrame]:
    """Return the images that a question is about, and their rows.

    Raises:
        InputError: The score, the reference or the negatives' column is not there, or is not 0, 1 or null.
    """
    if PREFIX + question.score not in rows:
        there = ", ".join(name.removeprefix(PREFIX) for name in rows if name.startswith(PREFIX))
        raise InputError(f"expected predictions with a score for {question.score}, found {there}")
    reference = _flag(rows, question.reference)
    inside = ~np.isnan(reference) & rows[PREFIX + question.score].notna().to_numpy()
    if question.against is not None:
        negative = no_finding(rows) if question.against == NO_FINDING else _flag(rows, question.against) == 1
        inside &= (reference == 1) | negative
    if not inside.any():
        raise InputError(
            f"expected images with a score for {question.score} and a label for {question.reference}, found none of "
            f"{len(rows)}"
        )
    rows = rows[inside]
    population = rows["population"] if "population" in rows else pd.Series("", index=rows.index)
    sample = Sample(
        truth=reference[inside] == 1,
        score=rows[PREFIX + question.score].to_numpy(dtype=float),
        patient=pd.factorize(rows["patient_id"])[0],
        population=population.to_numpy(dtype=object),
    )
    return sample, rows


def no_finding(rows: pd.DataFrame) -> Bool[np.ndarray, " n"]:
    """Images that the source labels for all 14 findings and that have none."""
    found: np.ndarray = (rows.reindex(columns=list(FINDINGS)) == 0).all(axis=1).to_numpy()
    return found


def _flag(rows: pd.DataFrame, column: str) -> Float[np.ndarray, " n"]:
    if column not in rows:
        raise InputError(f"expected a manifest with the column {column}, found {', '.join(map(str, rows.columns))}")
    values: np.ndarray = pd.to_numeric(rows[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    if wrong := sorted(set(rows[column].dropna()) - {0, 1}, key=str):
        raise InputError(f"expected {column} to be 0, 1 or null, found {wrong[0]!r}")
    return values
