"""`pneumoscope evaluate`: a model, or predictions from anywhere, to evidence."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pneumoscope.core import EXIT_PARTIAL, ConfigError, InputError

if TYPE_CHECKING:
    from pneumoscope.evaluation import Evidence, Question

_PREDICTIONS = "Predictions from anywhere"
_OTHER = {"show_default": False, "rich_help_panel": _PREDICTIONS}


def evaluate(
    output: Annotated[Path, typer.Option("-o", "--output", help="Evidence folder to write.")],
    model: Annotated[
        Path | None, typer.Option(help="Artefact; the shipped one by default.", show_default=False)
    ] = None,
    data: Annotated[Path, typer.Option(envvar="PNEUMOSCOPE_DATA", help="Folder of the data sets.")] = Path("data"),
    run: Annotated[
        list[Path] | None, typer.Option(help="Run of the model, whose records to keep too.", show_default=False)
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="Scores of images (CSV or Parquet), instead of a model.", **_OTHER)
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(help="Their labels, from `pneumoscope data import`.", **_OTHER)
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Only this side of the split: train, val or test.", **_OTHER)
    ] = None,
    official_split: Annotated[
        str | None, typer.Option(help="Only this side of the publisher's split.", **_OTHER)
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[SCORE=]COLUMN",
            help="A manifest column to take as truth too, such as rsna_opacity, for the score Pneumonia or another.",
            **_OTHER,
        ),
    ] = None,
    positive: Annotated[str | None, typer.Option(help="With --against: the label of the positives.", **_OTHER)] = None,
    against: Annotated[
        str | None, typer.Option(help="Whose images alone are the negatives, such as No_Finding.", **_OTHER)
    ] = None,
    subgroup: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="A manifest column to cut subgroups by too, such as x_ward.", **_OTHER),
    ] = None,
    points_from: Annotated[
        Path | None, typer.Option(help="Evidence folder whose thresholds to hold, such as validation's.", **_OTHER)
    ] = None,
    title: Annotated[str | None, typer.Option(help="The images in words, for tables and figures.", **_OTHER)] = None,
) -> None:
    """Measure on labelled images: every number with its interval, denominator and method, and figures.

    A model is measured on the data sets' validation and test images; with --predictions, any file that has a column
    `image_id` or `Image Index` and columns `prob_LABEL`.
    """
    if predictions is None:
        _of_model(model, data, output, runs=run or [])
        return
    if manifest is None:
        raise ConfigError("evaluate: expected --manifest beside --predictions, found none")
    where = {name: side for name, side in (("split", split), ("official_split", official_split)) if side is not None}
    asked = _asked(reference or [], positive=positive, against=against)
    from pneumoscope.evaluation import NOT_IN_MANIFEST, Request, Settings, cohort_of, columns_of, write_evidence

    request = Request(
        predictions=predictions,
        manifest=manifest,
        where=where,
        asked=asked,
        points_from=points_from,
        axes=subgroup or (),
        title=title,
    )
    try:
        cohort = cohort_of(request)
        used = columns_of(predictions)
        evidence = write_evidence(cohort, output, settings=Settings(axes=tuple(subgroup or ())))
    except InputError as error:  # nothing was measured: the table is not what was asked for
        raise ConfigError(str(error)) from error
    typer.echo(used)
    _show(evidence)
    if lost := cohort.left_out[NOT_IN_MANIFEST]:
        typer.echo(f"pneumoscope: {lost} predictions are of images that {manifest} does not have", err=True)
        raise typer.Exit(EXIT_PARTIAL)


def _of_model(model: Path | None, data: Path, output: Path, *, runs: list[Path]) -> None:
    from pneumoscope.model import load, shipped_path
    from pneumoscope.training.evaluation.evaluate import evaluate as measure
    from pneumoscope.training.evaluation.evaluate import keep_records

    keep_records(runs, output / "training")
    for evidence in measure(load(model or shipped_path()), data, output, runs=runs):
        _show(evidence)


def _asked(references: list[str], *, positive: str | None, against: str | None) -> "list[Question]":
    from pneumoscope.evaluation import Question

    if (positive is None) != (against is None):
        raise ConfigError("evaluate: expected --positive and --against together, found one of them")
    pairs = [text.rpartition("=") for text in references]
    asked = [Question(score or "Pneumonia", column) for score, _, column in pairs]
    return asked if positive is None else [*asked, Question(positive, positive, against)]


def _show(evidence: "Evidence") -> None:
    from pneumoscope.evaluation import NotEstimable, Number

    facts = evidence.cohort
    typer.echo(f"{evidence.name}: {facts['title']}, {facts['images']} images of {facts['patients']} patients")
    left_out = facts["left_out"]
    assert isinstance(left_out, dict)
    for reason, count in left_out.items():
        if count:
            typer.echo(f"  left out: {count} {reason}")
    for name in evidence.labels:
        area = evidence.at(f"labels.{name}.auroc")
        shown = "not estimable: " + area.why if isinstance(area, NotEstimable) else ""
        if isinstance(area, Number):
            shown = f"AUROC {area.value:.3f} [{area.low:.3f}, {area.high:.3f}]"
        counts = f"{evidence.at(f'labels.{name}.positives')} of {evidence.at(f'labels.{name}.n')}"
        typer.echo(f"  {name:36} {shown:30} {counts}")
    typer.echo(f"  evidence in {evidence.path}")
