"""Scores of known images on a cluster, for `predict`; in order, so that the table is written as in one process."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from pneumoscope.core import Population, Status, View
from pneumoscope.model import load, shipped_path
from pneumoscope.reading.cluster import Cluster, check_workers, connected, mapped, open_model
from pneumoscope.reading.pipeline import Settings
from pneumoscope.reading.scores import KnownImage, Score, score_images

_CHUNK = 64


def score_on_cluster(
    images: Iterable[KnownImage], *, model: Path | None, population: Population | None, cluster: Cluster
) -> Iterator[Score]:
    """Yield the score of each image, in order.

    Raises:
        ConfigError: A worker has another version of this software.
        ArtifactError: A worker has no model, or another one.
        RemoteError: The cluster does not answer.
    """
    waiting = iter(images)
    chunks = [
        json.dumps([_absolute(one) for one in chunk]) for chunk in iter(lambda: list(islice(waiting, _CHUNK)), [])
    ]
    if not chunks:
        return
    sha256 = load(model or shipped_path()).identity.sha256
    with connected(cluster):
        check_workers(model, sha256)
        for row in mapped(chunks, ScoreWorker, (model, sha256, population), cluster=cluster):
            yield from (Score(**{**one, "status": Status(one["status"])}) for one in json.loads(row["scores"]))


class ScoreWorker:
    """Score chunks of images in a process of its own; the model is loaded once."""

    def __init__(self, model: Path | None, sha256: str, population: Population | None) -> None:
        self._model = open_model(model, sha256)
        self._settings = Settings(population=population, keep_pixels=False)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return one JSON list of scores for each chunk."""
        chunks = [[_known(one) for one in json.loads(text)] for text in batch["item"]]
        scores = [[asdict(one) for one in score_images(chunk, self._model, self._settings)] for chunk in chunks]
        return {"scores": np.array([json.dumps(one) for one in scores])}


def _absolute(image: KnownImage) -> dict[str, Any]:
    path = None if image.path is None else str(Path(image.path).absolute())
    return asdict(image) | {"path": path}


def _known(values: dict[str, Any]) -> KnownImage:
    view = values["view"]
    return KnownImage(**{**values, "view": None if view is None else View(view)})
