"""The configuration of a training run: readable TOML in, one frozen record out."""

import dataclasses
import tomllib
from dataclasses import MISSING, asdict, dataclass, field, fields
from importlib import resources
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar

from pneumoscope.core import ConfigError, Population
from pneumoscope.image import Recipe

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Where rows come from; empty: the sources at hand in the data folder (`training.images`).

    Attributes:
        manifest: A manifest (Parquet) of `pneumoscope data import`; rows without a split are split by patient.
        cache: An image cache of `pneumoscope data cache` for it; empty reads the files.
        validation_share: Expected share of the patients without a split that validate; `test_share` likewise.
        folds: Above 0, the patients of training and validation are dealt anew into so many parts, of which part
            `fold` validates; who is held out for the test stays.
        fold: From 0; -1: each member its own, the first seed's validates on part 0 and so on.
    """

    manifest: str = ""
    cache: str = ""
    validation_share: float = 0.1
    test_share: float = 0.0
    folds: int = 0
    fold: int = -1

    def __post_init__(self) -> None:
        if self.folds and not -1 <= self.fold < self.folds:
            raise ConfigError(f"[data] fold: expected 0 to {self.folds - 1}, or -1 for each in turn, got {self.fold}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """What of the network is frozen, fine-tuned and added; `layers.csv` of a run is the table.

    Attributes:
        input: `grey` (one channel in [-1, 1]; a first layer trained on colour is summed) or `imagenet` (three equal
            channels with ImageNet's mean and deviation).
        frozen_to: Name of the last backbone layer that keeps its initial weights, with all before it; empty: none.
        added: Widths of dense layers added before the head, each with ReLU and dropout. They act place by place on
            the last feature map, so that pooling and head stay last and the class activation map stays exact.
    """

    input: str = "grey"
    frozen_to: str = ""
    added: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimizer:
    """How weights move.

    Attributes:
        kind: `adamw` (no decay on vectors), `adam` (L2 as in the paper) or `sgd` (momentum `betas[0]`).
        schedule: `one_cycle` over the run, `plateau` of the validation loss, or `constant`.
        patience: Epochs without a better validation loss before the plateau schedule multiplies the rate by `factor`.
        early_stopping: Epochs without a better validation loss before the run ends; 0: never.
        accumulate: Batches whose gradients make one step.
        clip: Largest gradient norm; 0: not clipped.
        ema: Decay per step of the averaged weights that are validated and exported; 0: the weights themselves.
        keep: The epoch that `export` takes: `last`, or `best` by validation loss.
        deterministic: Same machine, same bits; slower on a GPU.
    """

    kind: str = "adamw"
    betas: tuple[float, float] = (0.9, 0.999)
    schedule: str = "one_cycle"
    factor: float = 0.1
    patience: int = 1
    early_stopping: int = 0
    accumulate: int = 1
    clip: float = 1.0
    ema: float = 0.998
    keep: str = "last"
    deterministic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """Which loss a labelled target gives; details in `training.losses`.

    Attributes:
        kind: `bce`, `weighted_bce` (the paper's, by class shares), `focal` or `asymmetric`.
        gamma: Focusing exponent of `focal`, and of positives in `asymmetric`.
        gamma_negative: Focusing exponent of negatives in `asymmetric`.
        margin: Probability below which `asymmetric` ignores negatives.
        false_positives: Estimated share of NIH's positive labels that are wrong; smooths the 14 findings.
        false_negatives: Estimated share of NIH's negative labels that are wrong.
    """

    kind: str = "bce"
    gamma: float = 2.0
    gamma_negative: float = 4.0
    margin: float = 0.05
    false_positives: float = 0.0
    false_negatives: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """Strength of each random change; 0 switches it off. What each models: docs/explanation/augmentation.md."""

    rotation_degrees: float = 0.0
    scale: float = 0.0
    aspect: float = 0.0
    shift: float = 0.0
    tube_angle: float = 0.0
    flip: float = 0.0
    gamma: float = 0.0
    contrast: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    collimation: float = 0.0
    marker: float = 0.0
    erase: float = 0.0
    pose: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LossWeights:
    """Weight of each head in the loss; 0 switches it off."""

    Pneumonia: float
    findings: float
    opacity: float
    airspace: float = 0.0
    boxes: float = 0.0
    pose: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """What decides any run, with labels or without, given the manifest and the initial weights."""

    name: str
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
    precision: str
    augmentation: Augmentation
    recipe: Recipe
    data: Data = field(default_factory=Data)
    layers: Layers = field(default_factory=Layers)
    optimizer: Optimizer = field(default_factory=Optimizer)

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ConfigError(f"seeds: expected at least one, all different, got {list(self.seeds)}")
        for name, value, known in self._choices():
            if value not in known:
                raise ConfigError(f"{name}: expected one of {', '.join(known)}, got {value!r}")
        for name in ("train_size_px", "epochs", "images_per_epoch", "batch_size", "learning_rate"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name}: expected more than 0, got {getattr(self, name)}")
        if self.images_per_epoch < self.batch_size:
            raise ConfigError(
                f"images_per_epoch: expected at least a batch ({self.batch_size}), got {self.images_per_epoch}"
            )

    def _choices(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """Return the keys that take one of several words: name, value, allowed words."""
        return [
            ("precision", self.precision, ("32-true", "bf16-mixed", "16-mixed")),
            ("[layers] input", self.layers.input, ("grey", "imagenet")),
            ("[optimizer] kind", self.optimizer.kind, ("adamw", "adam", "sgd")),
            ("[optimizer] schedule", self.optimizer.schedule, ("one_cycle", "plateau", "constant")),
            ("[optimizer] keep", self.optimizer.keep, ("last", "best")),
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for evidence and the model card."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig(RunConfig):
    """Everything that decides a run with labels.

    Attributes:
        populations: Whom the members answer for.
        sampling: Share of each source in an epoch; a source at 0 is neither learnt from nor validated on. Empty: each
            image at most once an epoch.
    """

    version: str
    ships: str = "Pneumonia"
    dropout: float
    opacity_weight: float
    populations: tuple[str, ...] = ("adults", "children")
    sampling: dict[str, float]
    loss: LossWeights
    criterion: Criterion = field(default_factory=Criterion)

    def _choices(self) -> list[tuple[str, str, tuple[str, ...]]]:
        return [
            *RunConfig._choices(self),
            ("ships", self.ships, ("Pneumonia", "nih_Pneumonia", "opacity")),
            *(("populations", name, tuple(Population)) for name in self.populations or ("none",)),
            ("[criterion] kind", self.criterion.kind, ("bce", "weighted_bce", "focal", "asymmetric")),
        ]


def read_config(path: Path) -> TrainingConfig:
    """Read the configuration in a TOML file; keys without a default are required, unknown keys are refused.

    Raises:
        ConfigError: The file is missing, is not TOML, or has unknown, missing or wrong keys; all are named.
    """
    return read_config_record(read_toml(path), where=str(path))


def read_toml(path: Path) -> dict[str, Any]:
    """Read the table in a TOML file.

    Raises:
        ConfigError: The file is missing or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        found = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path}: expected a training configuration in TOML, found: {found}") from error


def read_config_record(table: dict[str, Any], *, where: str) -> TrainingConfig:
    """Build the configuration from plain data, as TOML or a run's record gives it.

    Raises:
        ConfigError: Keys are unknown, missing or of another type; all are named.
    """
    return build_record(TrainingConfig, table, where=where)


def preset(name: str) -> Path:
    """Return the path of a shipped preset.

    Raises:
        ConfigError: There is no preset of that name.
    """
    folder = Path(str(resources.files("pneumoscope.training") / "presets"))
    known = sorted(path.stem for path in folder.glob("*.toml"))
    if name not in known:
        raise ConfigError(f"expected a preset among {', '.join(known)}, got {name!r}")
    return folder / f"{name}.toml"


def build_record(kind: type[Record], table: dict[str, Any], *, where: str) -> Record:
    """Build a record from plain data: sections become records, lists tuples; whole numbers serve as numbers.

    Raises:
        ConfigError: Keys are unknown, missing or of another type; all are named.
    """
    known = {one.name: one for one in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(table.keys() - known.keys()):
        raise ConfigError(f"{where}: unknown keys {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    needed = [one.name for one in known.values() if one.default is MISSING and one.default_factory is MISSING]
    if missing := [name for name in needed if name not in table]:
        raise ConfigError(f"{where}: missing keys {', '.join(missing)}")
    values = {name: _value(known[name].type, value, f"{where}: {name}") for name, value in table.items()}
    return kind(**values)


def _value(kind: Any, value: Any, where: str) -> Any:
    if kind is Any:
        return value
    if isinstance(kind, UnionType):  # a section that may be left out
        return _value(kind.__args__[0], value, where)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, dict):
            raise ConfigError(f"{where}: expected a section, got {value!r}")
        return build_record(kind, value, where=where)
    origin = getattr(kind, "__origin__", kind)
    if origin is tuple and isinstance(value, list | tuple):
        element = kind.__args__[0]
        return tuple(_value(element, one, where) for one in value)
    if origin is Literal:
        if value not in kind.__args__:
            raise ConfigError(f"{where}: expected one of {', '.join(map(str, kind.__args__))}, got {value!r}")
        return value
    if origin is dict and isinstance(value, dict):
        return {key: _value(kind.__args__[1], one, where) for key, one in value.items()}
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, origin) or (kind is int and isinstance(value, bool)):
        raise ConfigError(f"{where}: expected {_words(kind)}, got {value!r}")
    return value


def _words(kind: Any) -> str:
    names = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    return names.get(kind, str(getattr(kind, "__origin__", kind).__name__))
