"""One cohort, from joined predictions to its evidence folder, and from the folder back to its numbers."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from pneumoscope import __version__
from pneumoscope.core import ArtifactError
from pneumoscope.datasets import FINDINGS
from pneumoscope.evaluation.answer import answer
from pneumoscope.evaluation.curves import COLUMNS, curves
from pneumoscope.evaluation.figures import draw
from pneumoscope.evaluation.folder import CURVES_FILE, PREDICTIONS_FILE, Evidence, read_evidence, write_numbers
from pneumoscope.evaluation.numbers import Tree
from pneumoscope.evaluation.points import choose_points
from pneumoscope.evaluation.predictions import PREFIX
from pneumoscope.evaluation.questions import Question, take
from pneumoscope.evaluation.settings import Point, Settings

# What a row of `predictions.parquet` has beside scores and references.
_KEPT = (
    "image_id",
    "source",
    "patient_id",
    "split",
    "official_split",
    "view",
    "sex",
    "age_years",
    "follow_up",
    "population",
)
_LIBRARIES = ("numpy", "pandas", "scipy")

Points = Mapping[str, Mapping[str, Point]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cohort:
    """Predictions with their references, and what is to be asked of them.

    Attributes:
        title: The images in words, for tables and figures.
        rows: A row an image: ids, what groups are cut by, scores as `prob_LABEL`, references.
        left_out: How many images are not among them, by reason.
        questions: In the order in which they are shown.
        points: Operating points that were chosen elsewhere, by score; a score without any has its own chosen here.
        model: What predicted: `name`, `version`, `sha256`.
        manifest_sha256: Of the manifest that the references are from.
        keep: More columns of `rows` that `predictions.parquet` keeps.
        other: More groups of numbers, such as `guard`.
    """

    title: str
    rows: pd.DataFrame
    left_out: Mapping[str, int]
    questions: Sequence[Question]
    model: Mapping[str, str]
    manifest_sha256: str
    points: Points = field(default_factory=dict)
    keep: tuple[str, ...] = ()
    other: Tree = field(default_factory=dict)


def write_evidence(cohort: Cohort, folder: Path, *, settings: Settings) -> Evidence:
    """Measure, and write the evidence folder: predictions, numbers, curves, figures; what was there is replaced.

    Raises:
        InputError: A question's score or reference is not among the columns, or labels no image.
    """
    answers = answer_all(cohort.rows, cohort.questions, points=cohort.points, settings=settings)
    folder.mkdir(parents=True, exist_ok=True)
    _write_predictions(_kept(cohort), folder / PREDICTIONS_FILE)
    write_numbers(
        folder,
        cohort={
            "title": cohort.title,
            "images": len(cohort.rows),
            "patients": int(cohort.rows["patient_id"].nunique()),
            "left_out": dict(cohort.left_out),
        },
        labels=answers,
        provenance=_provenance(cohort, settings),
        other=cohort.other,
    )
    evidence = read_evidence(folder)
    table = _curves(cohort, settings)
    table.to_parquet(folder / CURVES_FILE, index=False, compression="zstd")
    draw(evidence, table, folder / "figures")
    return evidence


def answer_all(rows: pd.DataFrame, questions: Sequence[Question], *, points: Points, settings: Settings) -> Tree:
    """Return the answer to each question, by its name."""
    return {
        question.name: answer(rows, question=question, points=points.get(question.score), settings=settings)
        for question in questions
    }


def recompute(evidence: Evidence) -> Tree:
    """Return the folder's labels, computed again from its predictions with the configuration in its provenance.

    Raises:
        ArtifactError: The folder does not say how it was made.
    """
    try:
        config = evidence.provenance["config"]
        settings = Settings.from_json(config["settings"])
        questions = [Question(**question) for question in config["questions"]]
        points = {
            score: {name: Point(**point) for name, point in named.items()} for score, named in config["points"].items()
        }
    except (KeyError, TypeError) as error:
        raise ArtifactError(f"{evidence.path}: expected provenance.config of `evaluate`, found {error!r}") from error
    return answer_all(pd.read_parquet(evidence.path / PREDICTIONS_FILE), questions, points=points, settings=settings)


def _curves(cohort: Cohort, settings: Settings) -> pd.DataFrame:
    tables = [pd.DataFrame(columns=list(COLUMNS))]
    for question in cohort.questions:
        if question.score in settings.focus:
            sample, _ = take(cohort.rows, question)
            points = cohort.points.get(question.score) or choose_points(sample, every=True)
            point = next(iter(points.values()), None)
            tables.append(curves(sample, name=question.name, point=point, settings=settings))
    return pd.concat([table for table in tables if not table.empty] or tables, ignore_index=True)


def _kept(cohort: Cohort) -> pd.DataFrame:
    asked = {column for one in cohort.questions for column in (one.reference, one.against)}
    names = (*_KEPT, *(column for column in cohort.rows if column.startswith(PREFIX)), *FINDINGS, *cohort.keep)
    columns = [name for name in cohort.rows if name in asked.union(names)]
    return cohort.rows[columns]


def _write_predictions(table: pd.DataFrame, path: Path) -> None:
    scores = [name for name in table if table[name].dtype == float]
    table.to_parquet(
        path,
        index=False,
        compression="zstd",
        use_dictionary=[name for name in table if name not in scores],
        use_byte_stream_split=scores,  # a quarter smaller
    )


def _provenance(cohort: Cohort, settings: Settings) -> dict[str, Any]:
    return {
        "model": dict(cohort.model),
        "manifest_sha256": cohort.manifest_sha256,
        "config": {
            "questions": [asdict(question) for question in cohort.questions],
            "points": {
                score: {name: asdict(point) for name, point in named.items()} for score, named in cohort.points.items()
            },
            "settings": asdict(settings),
        },
        "code": __version__,
        "libraries": {name: metadata.version(name) for name in _LIBRARIES},
        "created": dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds"),
    }
