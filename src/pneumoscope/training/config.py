"""The configuration of a training run: readable TOML in, one frozen record out."""

import tomllib
from dataclasses import asdict, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from pneumoscope.core import ConfigError
from pneumoscope.image import Recipe

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """Strength of each random change; 0 switches it off. What each models: docs/explanation/augmentation.md."""

    rotation_degrees: float
    scale: float
    aspect: float
    shift: float
    flip: float
    gamma: float
    contrast: float
    blur: float
    noise: float
    erase: float
    pose: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LossWeights:
    """Weight of each head in the loss; 0 switches it off."""

    Pneumonia: float
    findings: float
    opacity: float
    airspace: float
    boxes: float
    pose: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """Everything that decides a run, given the manifest and the initial weights."""

    name: str
    version: str
    seeds: tuple[int, ...]
    split_seed: int
    backbone: str
    initial_weights: str
    train_size_px: int
    epochs: int
    images_per_epoch: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    dropout: float
    precision: str
    opacity_weight: float
    sampling: dict[str, float]
    loss: LossWeights
    augmentation: Augmentation
    recipe: Recipe

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ConfigError(f"seeds: expected at least one, all different, got {list(self.seeds)}")

    def as_dict(self) -> dict[str, Any]:
        """Plain data for evidence and the model card."""
        return asdict(self)


def read_config(path: Path) -> TrainingConfig:
    """The configuration in a TOML file; every key is needed, none may be unknown.

    Raises:
        ConfigError: The file is missing, is not TOML, or has unknown, missing or wrong keys; all are named.
    """
    try:
        table = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: expected a training configuration in TOML, found {error}") from error
    return read_config_record(table, where=str(path))


def read_config_record(table: dict[str, Any], *, where: str) -> TrainingConfig:
    """The configuration in plain data, as TOML or a run's record gives it.

    Raises:
        ConfigError: Keys are unknown, missing or wrong; all are named.
    """
    sections = {"loss": LossWeights, "augmentation": Augmentation, "recipe": Recipe}
    built: dict[str, Any] = {
        key: _build(kind, table.get(key, {}), f"{where} [{key}]") for key, kind in sections.items()
    }
    seeds = table.get("seeds")
    if isinstance(seeds, list):
        built["seeds"] = tuple(seeds)
    return _build(TrainingConfig, table | built, where)


def preset(name: str) -> Path:
    """Path of a shipped preset.

    Raises:
        ConfigError: There is no preset of that name.
    """
    folder = Path(str(resources.files("pneumoscope.training") / "presets"))
    known = sorted(path.stem for path in folder.glob("*.toml"))
    if name not in known:
        raise ConfigError(f"expected a preset among {', '.join(known)}, got {name!r}")
    return folder / f"{name}.toml"


def _build(kind: type[Record], table: dict[str, Any], where: str) -> Record:
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(table.keys() - known):
        raise ConfigError(f"{where}: unknown keys {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    try:
        return kind(**table)
    except TypeError as error:
        raise ConfigError(f"{where}: {error}") from error
