"""`pneumoscope export`: finished runs to the model artefact."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    runs: Annotated[list[Path], typer.Argument(help="Folders of finished training runs; their members are averaged.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The artefact to write.")],
    data: Annotated[Path, typer.Option(envvar="PNEUMOSCOPE_DATA", help="Folder of the data sets.")] = Path("data"),
    mirrored: Annotated[
        bool, typer.Option("--mirrored", help="Average over the mirror image; twice the time.")
    ] = False,
    lungs: Annotated[
        Path | None, typer.Option(help="Run of `train --preset lungs` to put in.", show_default=False)
    ] = None,
) -> None:
    """Seal one model: ONNX graph, model card with calibration, thresholds and limits, checksum."""
    from pneumoscope.training.export.export import export as seal_runs

    card = seal_runs(runs, data, output, mirrored=mirrored, lungs=lungs)
    typer.echo(f"{output}: {card.name} {card.version}, {output.stat().st_size / 1e6:.1f} MB")
    for population, rule in card.rules.items():
        typer.echo(f"{population}: {rule.fitted_on}")
        for name, point in rule.operating_points.items():
            typer.echo(f"  {name:13} threshold {point.threshold:.3f}  {point.rule}")
        typer.echo(f"  heat map {'shown' if rule.heat.shown else 'not shown'}: {rule.heat.why}")
        if rule.heat.largest_outside is not None:
            typer.echo(f"  heat outside the lungs at most {rule.heat.largest_outside:.2f}: {rule.heat.rule}")
    rounding = card.metrics["rounding"]
    typer.echo(f"rounded weights move a probability by {rounding['mean']:.4f}, at most {rounding['largest']:.3f}")
    for title, areas in [
        ("validation", card.metrics["validation_auroc"]),
        *((f"  seed {member['seed']}", member["auroc"]) for member in card.metrics["members"]),
    ]:
        for source, area in areas.items():
            typer.echo(f"{title} AUROC {source:8} {area['value']:.3f} [{area['low']:.3f}, {area['high']:.3f}]")
