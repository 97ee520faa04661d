"""`pneumoscope evaluate`: a model to evidence."""

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    output: Annotated[Path, typer.Option("-o", "--output", help="Evidence folder to write.")],
    model: Annotated[Path | None, typer.Option(help="Artefact; the shipped one by default.")] = None,
    data: Annotated[Path, typer.Option(envvar="PNEUMOSCOPE_DATA", help="Folder of the data sets.")] = Path("data"),
) -> None:
    """Measure a model on validation and test images; every number with its interval and denominator."""
    from pneumoscope.model import load, shipped_path
    from pneumoscope.training.evaluate import evaluate as measure

    evidence = measure(load(model or shipped_path()), data, output)
    for cohort, numbers in evidence["cohorts"].items():
        for label, answer in numbers["labels"].items():
            auroc = answer.get("auroc")
            shown = f"{auroc['value']:.3f} [{auroc['low']:.3f}, {auroc['high']:.3f}]" if auroc else "not estimable"
            typer.echo(f"{cohort:14} {label:34} AUROC {shown}  n {answer['n']}, positives {answer['positives']}")
    typer.echo(f"evidence in {output}")
