"""`pneumoscope ablate`: what each part of a preset gives."""

import logging
from pathlib import Path
from typing import Annotated

import typer


def ablate(
    plan: Annotated[
        Path | None, typer.Argument(help="Variants (TOML); the shipped plan by default.", show_default=False)
    ] = None,
    data: Annotated[Path, typer.Option(envvar="PNEUMOSCOPE_DATA", help="Folder of the data sets.")] = Path("data"),
    weights: Annotated[Path, typer.Option(envvar="PNEUMOSCOPE_WEIGHTS", help="Initial weights.")] = Path("weights"),
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of scores and table.")] = Path(
        "evidence/ablations"
    ),
    runs: Annotated[Path, typer.Option(help="Where networks lie while a variant is made.")] = Path("runs/ablations"),
    images: Annotated[int | None, typer.Option(help="Images an epoch, instead of the plan's.", min=1)] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only this variant.", show_default=False)] = None,
) -> None:
    """Train variants of a preset on the same patients, and compare them on patients that they have not seen.

    Variants that the output has already, made alike, are left as they are: an interrupted plan goes on.
    """
    from dataclasses import replace

    from pneumoscope.training.ablations import DEFAULT, read_plan
    from pneumoscope.training.ablations import ablate as make
    from pneumoscope.training.comparison import TABLE, compare
    from pneumoscope.training.fit import Paths

    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    wanted = read_plan(plan or DEFAULT)
    if images is not None:
        wanted = replace(wanted, base=wanted.base | {"images_per_epoch": images})
    paths = Paths(data=data, weights=weights, run=runs)
    make(wanted, paths, output, only=set(only) if only else None, say=typer.echo)
    compare(output, wanted.references)
    typer.echo(f"compared: {output / TABLE}")
