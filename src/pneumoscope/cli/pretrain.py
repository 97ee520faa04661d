"""`pneumoscope pretrain`: initial weights from films without labels."""

import logging
from pathlib import Path
from typing import Annotated

import typer


def pretrain(
    config: Annotated[
        Path | None, typer.Argument(help="Configuration (TOML); the shipped one by default.", show_default=False)
    ] = None,
    data: Annotated[Path, typer.Option(envvar="PNEUMOSCOPE_DATA", help="Folder of the data sets.")] = Path("data"),
    weights: Annotated[Path, typer.Option(envvar="PNEUMOSCOPE_WEIGHTS", help="Initial weights.")] = Path("weights"),
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the run.")] = Path("runs/pretraining"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run's last checkpoint.")] = False,
) -> None:
    """Train a backbone without labels, for `initial_weights` of a training configuration."""
    from pneumoscope.training.fit import Paths
    from pneumoscope.training.pretraining import DEFAULT, read_pretraining
    from pneumoscope.training.pretraining import pretrain as learn

    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    paths = Paths(data=data, weights=weights, run=output)
    written = learn(read_pretraining(config or DEFAULT), paths, resume=resume, say=typer.echo)
    typer.echo(f'pretrained; next: initial_weights = "{written}" in a configuration for pneumoscope train')
