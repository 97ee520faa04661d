"""A verified model with the engine that runs it."""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32

from pneumoscope.core import ConfigError, EngineName, InputError, ModelIdentity, Population, View
from pneumoscope.image import prepare
from pneumoscope.intake import read_array
from pneumoscope.model import Artifact, Card, load, shipped_path
from pneumoscope.reading.engine import Outputs, open_engine
from pneumoscope.results import ModelSummary

_BATCH = 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prediction:
    """What the model says of a batch of images, before any decision.

    Attributes:
        probability: Calibrated probability of pneumonia in [0, 1].
        map: Local probability in [0, 1] on the model's own coarse grid over the part of the image that it saw.
        embedding: Features before the last layer.
        distance: Of the embedding from the training images; above `card.guard.limit` the image is unlike them, and
            `read` refuses it.
    """

    probability: Float[np.ndarray, " n"]
    map: Float[np.ndarray, "n y x"]
    embedding: Float32[np.ndarray, "n features"]
    distance: Float32[np.ndarray, " n"]


class Model:
    """A verified artefact, loaded. Safe to share between threads; picklable, and loaded again where it arrives.

    The network runs one batch at a time on all cores; other threads wait for it.
    """

    def __init__(self, artifact: Artifact, *, engine: EngineName = EngineName.AUTO) -> None:
        """Load the network.

        Raises:
            ConfigError: The engine is not installed.
            ArtifactError: The graph cannot be run.
        """
        self.artifact = artifact
        self.engine = engine
        self._engine = open_engine(artifact, engine)
        self._lock = threading.Lock()

    @property
    def card(self) -> Card:
        """The model card: labels, preprocessing, calibration, operating points, intended use, licence."""
        return self.artifact.card

    @property
    def identity(self) -> ModelIdentity:
        """Name, version and checksum, as every result carries them."""
        return self.artifact.identity

    def __repr__(self) -> str:
        return f"Model({self.identity.name} {self.identity.version}, {self.engine})"

    def __reduce__(self) -> tuple[object, ...]:
        return _loaded, (type(self), self.artifact, self.engine)

    def predict(
        self,
        images: np.ndarray | Sequence[np.ndarray],
        *,
        population: Population | str | None = None,
        view: View | str | None = None,
    ) -> Prediction:
        """Return the model's outputs for images, in batches.

        Args:
            images: Prepared images `[n, 1, size, size]` in [-1, 1], or raw grey images of any size and range: a
                sequence of arrays `[h, w]`, or one array `[n, h, w]`.
            population: Whose calibration applies; the adults' where it is left out.
            view: Of all the images (`PA`, `AP`), where it is known: a model may have a calibration for each.

        Raises:
            InputError: The images have another shape, or values that no image has.
            ConfigError: The model has no rule for this population.
        """
        rule = self.card.rules[self.population(population)].for_view(None if view is None else View(view))
        outputs = [self.run(batch) for batch in _batches(images, self)]
        if not outputs:
            raise InputError("predict: expected at least one image, found none")
        logit, cam, embedding, distance = (
            np.concatenate([getattr(one, name) for one in outputs])
            for name in ("logit", "cam", "embedding", "distance")
        )
        return Prediction(
            probability=rule.calibration.probability(logit[:, rule.output]),
            map=rule.calibration.probability(cam[:, rule.output]),
            embedding=embedding,
            distance=distance,
        )

    def population(self, name: Population | str | None, *, age_years: float | None = None) -> Population:
        """Return whose rule decides: by age; else as named; else the adults'.

        Raises:
            ConfigError: The model has no rule for the population that was named.
        """
        if name is not None and name not in self.card.rules:
            raise ConfigError(f"population: expected one of {', '.join(self.card.rules)}, got {name}")
        return self.card.population_of(age_years, unknown=None if name is None else Population(name))

    def require_operating_point(self, name: str) -> None:
        """Check that every population has this operating point.

        Raises:
            ConfigError: One has not.
        """
        for rule in self.card.rules.values():
            if name not in rule.operating_points:
                raise ConfigError(f"operating point: expected one of {', '.join(rule.operating_points)}, got {name!r}")

    def summary(self) -> ModelSummary:
        """Return what a result must say of the model beyond its identity."""
        return ModelSummary(
            intended_use=self.card.intended_use_statement,
            licence=self.card.licence,
            preprocessing=self.card.recipe.describe(),
        )

    def run(self, images: Float32[np.ndarray, "n 1 size size"]) -> Outputs:
        """Return the network's outputs for prepared images."""
        return self.run_timed(images)[0]

    def run_timed(self, images: Float32[np.ndarray, "n 1 size size"]) -> tuple[Outputs, float]:
        """Return the network's outputs, and its time in milliseconds without the wait for other threads."""
        with self._lock:
            started = time.perf_counter()
            return self._engine.run(images), (time.perf_counter() - started) * 1000


def load_model(path: Path | str | None = None, *, engine: EngineName | str = EngineName.AUTO) -> Model:
    """Return the model in an artefact file, its checksum and card verified; without a path the one that ships.

    Raises:
        ArtifactError: The file is missing, no artefact, damaged, or its graph cannot be run.
        ConfigError: The engine is not known or not installed.
    """
    if engine not in tuple(EngineName):
        raise ConfigError(f"engine: expected one of {', '.join(EngineName)}, got {engine}")
    return Model(load(Path(path) if path is not None else shipped_path()), engine=EngineName(engine))


@cache
def shipped_model() -> Model:
    """Return the model that ships, loaded once in a process."""
    return load_model()


def _loaded(kind: type[Model], artifact: Artifact, engine: EngineName) -> Model:
    return kind(artifact, engine=engine)


def _batches(images: np.ndarray | Sequence[np.ndarray], model: Model) -> Iterator[Float32[np.ndarray, "n 1 size size"]]:
    size = model.card.recipe.size_px
    shape = images.shape if isinstance(images, np.ndarray) else ()
    prepared = len(shape) == 4
    if prepared and shape[1:] != (1, size, size):
        raise InputError(f"predict: expected prepared images [n, 1, {size}, {size}], found {list(shape)}")
    if isinstance(images, np.ndarray) and len(shape) not in (3, 4):
        raise InputError(f"predict: expected [n, h, w] or [n, 1, {size}, {size}], found {list(shape)}")
    for start in range(0, len(images), _BATCH):
        batch = images[start : start + _BATCH]
        if prepared:
            yield np.ascontiguousarray(batch, dtype=np.float32)
        else:
            yield np.stack([_prepared(array, model) for array in batch])


def _prepared(array: np.ndarray, model: Model) -> Float32[np.ndarray, "1 size size"]:
    pixels = read_array(np.asarray(array)).pixels
    assert pixels is not None, "an array that was read has pixels"
    return prepare(pixels, model.card.recipe).array
