"""`pneumoscope export`: a finished run to the model artefact."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a finished training run.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The artefact to write.")],
    data: Annotated[Path, typer.Option(envvar="PNEUMOSCOPE_DATA", help="Folder of the data sets.")] = Path("data"),
) -> None:
    """Seal a run's model: ONNX graph, model card with calibration, thresholds and limits, checksum."""
    from pneumoscope.training.export import export as seal_run

    card = seal_run(run, data, output)
    typer.echo(f"{output}: {card.name} {card.version}, {output.stat().st_size / 1e6:.1f} MB")
    for name, point in card.operating_points.items():
        typer.echo(f"  {name:13} threshold {point.threshold:.3f}  {point.rule}")
    for source, auroc in card.metrics["validation_auroc"].items():
        typer.echo(f"  validation AUROC {source:8} {auroc['value']:.3f} [{auroc['low']:.3f}, {auroc['high']:.3f}]")
