"""Finished runs on disk: a member's folder, its configuration and record, and its network."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from pneumoscope.core import ConfigError
from pneumoscope.training.config import TrainingConfig, read_config_record
from pneumoscope.training.network import Network, build_network
from pneumoscope.training.trainer import RECORD, checkpoint


@dataclass(frozen=True, slots=True)
class Run:
    """One trained member on disk: its folder, configuration and whole record."""

    folder: Path
    config: TrainingConfig
    record: dict[str, Any]


def member_folders(run: Path) -> list[Path]:
    """Return the folders of a run's members, or the folder itself if it is one."""
    if (run / RECORD).is_file():
        return [run]
    found = sorted(path.parent for path in run.glob(f"seed-*/{RECORD}"))
    if not found:
        raise ConfigError(f"expected a training run with {RECORD} or seed-*/{RECORD} in {run}, found none")
    return found


def read_run(folder: Path) -> Run:
    """Read a member's configuration and record.

    Raises:
        ConfigError: The folder holds no run, or its record was damaged.
    """
    path = folder / RECORD
    try:
        record = json.loads(path.read_text())
        table = record["config"]
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(f"expected a training run's record at {path}, found {error}") from error
    return Run(folder, read_config_record(table, where=str(path)), record)


def load_network(run: Run) -> Network:
    """Load the member's network with its averaged weights, ready to read.

    Raises:
        ConfigError: There is no checkpoint, it is damaged, or it is of another network.
    """
    path = checkpoint(run.folder, run.config.optimizer.keep)
    prefix = "network."
    network = build_network(run.config)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
        network.load_state_dict({key.removeprefix(prefix): value for key, value in state.items()})
    except Exception as error:  # torch raises whatever the damage suggests to it
        raise ConfigError(f"expected a run's checkpoint at {path}, found {type(error).__name__}: {error}") from error
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # faster on a CPU
    return network.eval()
