"""`pneumoscope train`: fit a model."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from pneumoscope.core import ConfigError

PRESETS = sorted(file.stem for file in (Path(__file__).parents[1] / "training" / "presets").glob("*.toml"))


def train(
    config: Annotated[Path | None, typer.Argument(help="Training configuration (TOML).", show_default=False)] = None,
    preset: Annotated[str | None, typer.Option(help=f"A shipped configuration: {', '.join(PRESETS)}.")] = None,
    data: Annotated[Path, typer.Option(envvar="PNEUMOSCOPE_DATA", help="Folder of the data sets.")] = Path("data"),
    weights: Annotated[Path, typer.Option(envvar="PNEUMOSCOPE_WEIGHTS", help="Initial weights.")] = Path("weights"),
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the run.")] = Path("runs/default"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run's last checkpoint.")] = False,
) -> None:
    """Train a model: checkpoint, log, split and configuration go into the run's folder."""
    from pneumoscope.training.config import preset as preset_path
    from pneumoscope.training.config import read_config, read_toml
    from pneumoscope.training.fit import Paths, fit
    from pneumoscope.training.lungs import TASK

    if (config is None) == (preset is None):
        raise ConfigError("train: expected either a configuration file or --preset NAME")
    file = config or preset_path(preset or "")
    if read_toml(file).get("task") == TASK:
        _lungs(file, data, output)
        return
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    folders = fit(
        read_config(file),
        Paths(data=data, weights=weights, run=output),
        resume=resume,
        say=typer.echo,
    )
    typer.echo(f"trained: {', '.join(map(str, folders))}; next: pneumoscope export {output} -o model.onnx")


def _lungs(file: Path, data: Path, output: Path) -> None:
    from pneumoscope.training.config import build_record, read_toml
    from pneumoscope.training.lungs import LungsConfig, fit_lungs

    config = build_record(LungsConfig, read_toml(file), where=str(file))
    found = fit_lungs(config, data, output, say=typer.echo)["validation_dice"]
    typer.echo(f"validation Dice {found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}], {found['n']} films")
    typer.echo(f"trained: {output}; next: pneumoscope export RUN --lungs {output} -o model.onnx")
