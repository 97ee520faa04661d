"""`pneumoscope train`: fit a model."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.core import ConfigError


def train(
    config: Annotated[Path | None, typer.Argument(help="Training configuration (TOML).", show_default=False)] = None,
    preset: Annotated[str | None, typer.Option(help="A shipped configuration, such as default.")] = None,
    data: Annotated[Path, typer.Option(envvar="PNEUMOSCOPE_DATA", help="Folder of the data sets.")] = Path("data"),
    weights: Annotated[Path, typer.Option(envvar="PNEUMOSCOPE_WEIGHTS", help="Initial weights.")] = Path("weights"),
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the run.")] = Path("runs/default"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run's last checkpoint.")] = False,
) -> None:
    """Train a model: checkpoint, log, split and configuration go into the run's folder."""
    from pneumoscope.training.config import preset as preset_path
    from pneumoscope.training.config import read_config
    from pneumoscope.training.fit import Paths, fit

    if (config is None) == (preset is None):
        raise ConfigError("train: expected either a configuration file or --preset NAME")
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    folders = fit(
        read_config(config or preset_path(preset or "")), Paths(data=data, weights=weights, run=output), resume=resume
    )
    typer.echo(f"trained: {', '.join(map(str, folders))}; next: pneumoscope export {output} -o model.onnx")
