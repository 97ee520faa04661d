"""What decides the reader: its stages, the share of each kind of image, and how images are changed."""

from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from pneumoscope.core import ConfigError, Population
from pneumoscope.image import Recipe
from pneumoscope.training.config import Augmentation, build_record, read_toml

IMAGENET, RELEASE = "imagenet", "release"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One training of one network, which begins where another ended or with ImageNet's weights.

    Attributes:
        name: Of the folder of what it leaves.
        population: Whose images it learns from.
        starts_from: `imagenet`, `release` (`ReaderConfig.continues`), or the stage whose weights it begins with.
        taught_by: Stages whose mean answer is its soft target beside the labels.
        size_px: Side of the training images; reading uses `recipe.size_px`.
        images: How many images it is shown.
        lungs_only: Share of images of the lungs alone, until `lungs_only_until` of all images were shown.
        lungs_only_later: The share after that.
    """

    name: str
    population: str = "adults"
    starts_from: str = IMAGENET
    taught_by: tuple[str, ...] = ()
    seed: int = 1
    size_px: int
    images: int
    learning_rate: float
    lungs_only: float = 0.0
    lungs_only_until: float = 1.0
    lungs_only_later: float = 0.0

    def __post_init__(self) -> None:
        if self.population not in tuple(Population):
            raise ConfigError(f"{self.name}: population: expected adults or children, got {self.population!r}")
        if not (self.size_px > 0 and self.images > 0 and self.learning_rate > 0):
            raise ConfigError(f"{self.name}: size_px, images and learning_rate: expected more than 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Continues:
    """Members of an earlier release that training goes on from. Patients who taught one do not validate here.

    Attributes:
        release: Its version.
        sha256: Of its artefact.
        folds: Into how many parts its patients were dealt.
        members: Place of each population's member in its graph, from 0.
        held_out: The part that each of them did not learn.
    """

    release: str
    sha256: str
    folds: int
    members: dict[str, int]
    held_out: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Weight of each head in the loss."""

    opacity: float
    normal: float
    findings: float
    report: float
    view: float
    sex: float
    age: float
    pose: float
    boxes: float
    soft: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderConfig:
    """Everything that decides the reader, given the data.

    Attributes:
        initial_weights: What the networks began with, whose, and the licence, in words.
        frozen_blocks: Of the backbone's blocks, counted from the input; they keep ImageNet's weights.
        mixup: Of the beta distribution by which half of the batches are mixed; 0 mixes none.
        classes: Share of each of RSNA's classes in a view, the same in both views.
        one_class_share: How much an image of a route with one class counts beside the others.
        ships: The stages whose mean weights are each population's network; `release` is where they began.
    """

    name: str
    version: str
    split_seed: int
    backbone: str
    initial_weights: str
    frozen_blocks: int
    dropout: float
    batch_size: int
    accumulate: int
    weight_decay: float
    ema: float
    mixup: float
    one_class_share: float
    classes: dict[str, float]
    ships: dict[str, list[str]]
    loss: Weights
    stage: tuple[Stage, ...]
    adults: Augmentation
    children: Augmentation
    weights_package: str = ""
    continues: Continues | None = None
    recipe: Recipe = field(default_factory=Recipe)

    def __post_init__(self) -> None:
        names = [stage.name for stage in self.stage]
        if len(set(names)) != len(names):
            raise ConfigError(f"stages: expected different names, got {', '.join(names)}")
        for place, stage in enumerate(self.stage):
            needed = {stage.starts_from, *stage.taught_by} - {IMAGENET, RELEASE}
            if late := sorted(needed - set(names[:place])):
                raise ConfigError(f"{stage.name}: expected stages before it, got {', '.join(late)}")
        if unknown := sorted({name for ships in self.ships.values() for name in ships} - {RELEASE, *names}):
            raise ConfigError(f"ships: expected names of stages, got {', '.join(unknown)}")

    def augmentation(self, population: str) -> Augmentation:
        """Return how a population's images are changed."""
        return self.children if population == Population.CHILDREN else self.adults


def read_reader_config(path: Path | None = None) -> ReaderConfig:
    """Return the configuration in a TOML file, by default the shipped reader's.

    Raises:
        ConfigError: The file is missing, is not TOML, or has unknown, missing or wrong keys; all are named.
    """
    place = path or Path(str(resources.files("pneumoscope.training.reader") / "reader.toml"))
    return build_record(ReaderConfig, read_toml(place), where=str(place))
