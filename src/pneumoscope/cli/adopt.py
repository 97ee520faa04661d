"""`pneumoscope adopt`: an open network and a site's labelled images to an artefact."""

from pathlib import Path
from typing import Annotated

import typer


def adopt(
    recipe: Annotated[str, typer.Argument(help="xrv-densenet121, xrv-resnet50, chexnet, timm:MODEL, or onnx.")],
    weights: Annotated[Path, typer.Argument(help="The published weights; read as data, nothing in them runs.")],
    calibrate: Annotated[
        Path, typer.Option(help="Manifest of labelled images: split val, or all but test where none is val.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The artefact to write.")],
    label: Annotated[str, typer.Option(help="Column of the manifest that holds the truth, 1 or 0.")] = "Pneumonia",
    answer: Annotated[
        str | None,
        typer.Option("--output-name", help="Output that answers, by name or number; default: the pneumonia-like one."),
    ] = None,
    labels: Annotated[str, typer.Option(help="Names of the outputs in order, separated by commas.")] = "",
    input_range: Annotated[str, typer.Option(help="Grey values that the network takes: LOW,HIGH or imagenet.")] = "",
    size: Annotated[int, typer.Option(help="Side of the input, where an ONNX graph leaves it open.")] = 0,
    name: Annotated[str, typer.Option(help="Name in the model card.")] = "",
    licence: Annotated[str, typer.Option(help="Licence of the weights, where the recipe states none.")] = "",
    origin: Annotated[str, typer.Option(help="Who published the weights, where the recipe states none.")] = "",
) -> None:
    """Make an open chest X-ray network safe to use: calibrated, limited, guarded, with a card of its own."""
    from pneumoscope.training.adoption import Network
    from pneumoscope.training.adoption import adopt as make

    adoption = make(
        Network(
            recipe=recipe,
            weights=weights,
            output=answer,
            labels=tuple(part.strip() for part in labels.split(",") if part.strip()),
            input_range=input_range,
            size_px=size,
            name=name,
            licence=licence,
            origin=origin,
        ),
        calibrate=calibrate,
        output=output,
        label=label,
    )
    card = adoption.card
    typer.echo(f"{output}: {card.name}, answers by {adoption.answer}, {output.stat().st_size / 1e6:.1f} MB")
    typer.echo(f"same answers as the network itself to {adoption.largest_difference:.1g}")
    if not adoption.has_map:
        typer.echo("no class activation map: the architecture has none")
    for population, rule in card.rules.items():
        typer.echo(f"{population}: {rule.fitted_on}")
        for point_name, point in rule.operating_points.items():
            typer.echo(f"  {point_name:13} threshold {point.threshold:.3f}  {point.rule}")
    for source, area in card.metrics["validation_auroc"].items():
        typer.echo(f"calibration AUROC {source:8} {area['value']:.3f} [{area['low']:.3f}, {area['high']:.3f}]")
    if adoption.not_used:
        typer.echo(f"not used: {'; '.join(adoption.not_used)}")
    if adoption.overlap:
        typer.echo(
            f"warning: the network was trained on {', '.join(adoption.overlap)}, which calibration images come from: "
            "its numbers there are too good",
            err=True,
        )
