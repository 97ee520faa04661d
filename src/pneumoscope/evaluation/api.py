"""`pneumoscope.evaluate`: arrays or files of predictions to numbers with intervals."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar, overload

import numpy as np
import pandas as pd

from pneumoscope.core import ConfigError, InputError
from pneumoscope.evaluation.answer import answer
from pneumoscope.evaluation.cohort import write_evidence
from pneumoscope.evaluation.folder import Evidence
from pneumoscope.evaluation.numbers import Tree
from pneumoscope.evaluation.predictions import PREFIX
from pneumoscope.evaluation.questions import Question
from pneumoscope.evaluation.request import Request, cohort_of
from pneumoscope.evaluation.settings import Point, Settings

Value = TypeVar("Value")
_LABEL = "Pneumonia"

Values = Sequence[Value] | np.ndarray


@overload
def evaluate(
    truth: Values[float],
    score: Values[float],
    *,
    patients: Values[str] | Values[int] | None = None,
    threshold: float | None = None,
) -> Tree: ...


@overload
def evaluate(*, predictions: Path | str, manifest: Path | str, output: Path | str) -> Evidence: ...


def evaluate(
    truth: Values[float] | None = None,
    score: Values[float] | None = None,
    *,
    patients: Values[str] | Values[int] | None = None,
    threshold: float | None = None,
    predictions: Path | str | None = None,
    manifest: Path | str | None = None,
    output: Path | str | None = None,
) -> Tree | Evidence:
    """Measure scores against labels: AUROC, average precision, operating points, calibration, with intervals.

    With arrays, return the numbers; with files, write an evidence folder (what `pneumoscope evaluate` writes) and
    return it. Needs `pip install 'pneumoscope[data]'`.

    Args:
        truth: For each image, 1 for positive and 0 for negative.
        score: For each image, the probability in [0, 1].
        patients: For each image, whose it is: intervals are clustered by patient. Each its own where left out.
        threshold: The operating point, chosen elsewhere; where left out, points are chosen on these images, and say so.
        predictions: A table (CSV or Parquet) with `image_id` or `Image Index`, and `prob_LABEL` columns.
        manifest: The labels of its images, from `pneumoscope data import`.
        output: The evidence folder to write.

    Raises:
        ConfigError: Neither arrays nor files are given, or a file is absent or of another kind.
        InputError: Lengths differ, a score is outside [0, 1], or no prediction joins the manifest.
    """
    if truth is not None and score is not None:
        points = {} if threshold is None else {"given": Point(threshold=threshold, rule="given", chosen_on="elsewhere")}
        return answer(
            _rows(truth, score, patients), question=Question(_LABEL, _LABEL), points=points or None, settings=Settings()
        )
    if predictions is None or manifest is None or output is None:
        raise ConfigError("evaluate: expected truth and score, or predictions, manifest and output")
    request = Request(predictions=Path(predictions), manifest=Path(manifest))
    return write_evidence(cohort_of(request), Path(output), settings=Settings())


def _rows(truth: Values[float], score: Values[float], patients: Values[str] | Values[int] | None) -> pd.DataFrame:
    labels, scores = np.asarray(truth, dtype=float), np.asarray(score, dtype=float)
    whose = np.arange(len(labels)) if patients is None else np.asarray(patients)
    if not labels.shape == scores.shape == whose.shape or labels.ndim != 1:
        found = f"{labels.shape}, {scores.shape} and {whose.shape}"
        raise InputError(f"evaluate: expected truth, score and patients of one length, found {found}")
    if not np.isin(labels, (0, 1)).all():
        raise InputError("evaluate: expected truth of 0 and 1, found other values")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise InputError("evaluate: expected scores in [0, 1], found others")
    rows = pd.DataFrame({"patient_id": whose.astype(str), _LABEL: labels, f"{PREFIX}{_LABEL}": scores})
    return rows.assign(
        image_id=rows.index.astype(str), source="arrays", view=None, sex=None, age_years=np.nan, follow_up=np.nan
    )
