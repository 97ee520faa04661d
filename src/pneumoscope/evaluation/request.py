"""A request to evaluate predictions from anywhere, checked and joined into a cohort."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from pneumoscope.core import ArtifactError, InputError
from pneumoscope.datasets import read_manifest
from pneumoscope.evaluation.axes import groups
from pneumoscope.evaluation.cohort import Cohort
from pneumoscope.evaluation.folder import Evidence, read_evidence
from pneumoscope.evaluation.predictions import PREFIX, join, read_predictions
from pneumoscope.evaluation.questions import Question, default_questions, take
from pneumoscope.evaluation.settings import Point


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be evaluated.

    Attributes:
        predictions: A table with `image_id` or `Image Index` and `prob_LABEL` or `LABEL` columns.
        manifest: The labels of its images.
        where: Manifest columns and the value that images must have there, such as `split` and `test`.
        asked: Questions beside those that the labels themselves raise.
        points_from: An evidence folder whose operating points are held; None to choose them on the images.
        axes: Manifest columns to cut subgroups by too.
        title: The images in words; None for the file's name.
    """

    predictions: Path
    manifest: Path
    where: Mapping[str, str] = field(default_factory=dict)
    asked: Sequence[Question] = ()
    points_from: Path | None = None
    axes: Sequence[str] = ()
    title: str | None = None


def cohort_of(request: Request) -> Cohort:
    """Return the joined predictions, and the questions that they can answer.

    Raises:
        ConfigError: A file is absent or of another kind.
        InputError: Predictions are not as expected, no row joins, no score has a label of both classes, or there is no
            column to cut subgroups by.
        ArtifactError: `points_from` is no evidence.
    """
    predictions = read_predictions(request.predictions)
    manifest = read_manifest(request.manifest)
    joined = join(predictions, manifest.manifest, where=request.where)
    questions = list(dict.fromkeys([*default_questions(joined.rows, predictions.scores), *request.asked]))
    _check_answerable(joined.rows, questions, scores=predictions.scores)
    for question in questions:
        _refuse_truth(joined.rows, question, name=predictions.name)
    for axis in request.axes:
        groups(joined.rows, axis)
    return Cohort(
        title=request.title or predictions.name,
        rows=joined.rows,
        left_out=joined.left_out,
        questions=questions,
        model={"name": predictions.name, "version": "unknown", "sha256": predictions.sha256},
        manifest_sha256=manifest.sha256,
        points={} if request.points_from is None else _points(read_evidence(request.points_from)),
        keep=tuple(request.axes),
    )


def _refuse_truth(rows: pd.DataFrame, question: Question, *, name: str) -> None:
    """Raise where a score is the truth itself: a label under a score's name would be measured as perfect.

    Raises:
        InputError: Score and reference are equal on every labelled image, of both classes.
    """
    score = f"{PREFIX}{question.score}"
    if question.against is not None or score not in rows or question.reference not in rows:
        return
    truth = rows[question.reference]
    labelled = truth.notna()
    if truth[labelled].nunique() == 2 and (rows.loc[labelled, score] == truth[labelled]).all():
        raise InputError(
            f"{name}: expected scores in column {question.score}, found the reference itself, 0 and 1 on every image; "
            f"name the column of scores {score}"
        )


def _check_answerable(rows: pd.DataFrame, questions: Sequence[Question], *, scores: Sequence[str]) -> None:
    """Raise `InputError` unless some score has a reference with images of both classes."""
    if not questions:
        raise InputError(
            f"expected a manifest that labels one of the scores ({', '.join(scores)}), found none labelled; "
            "give its column with --reference SCORE=COLUMN"
        )
    counts = [(one, take(rows, one)[0].truth) for one in questions]
    if not any(truth.any() and not truth.all() for _, truth in counts):
        found = "; ".join(f"{int(truth.sum())} of {truth.size} by {one.reference}" for one, truth in counts)
        raise InputError(f"expected images with and without the finding, found one class only: {found}")


def _points(evidence: Evidence) -> dict[str, dict[str, Point]]:
    """Return the operating points of each score against its own label."""
    found: dict[str, dict[str, Point]] = {}
    for name, label in evidence.labels.items():
        assert isinstance(label, Mapping)
        points: Any = label["operating_points"]
        if label["question"] == Question(name, name).facts() and points:
            found[name] = {
                key: Point(threshold=float(point["threshold"]), rule=str(point["rule"]), chosen_on=evidence.name)
                for key, point in points.items()
            }
    if not found:
        raise ArtifactError(f"{evidence.path}: expected operating points of a score against its own label, found none")
    return found
