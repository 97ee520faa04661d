"""Scores of every image of a manifest, as a table for `evaluate --predictions`; a run that breaks is gone on with.

    done = predict_manifest(read_manifest(path), Path("predictions.parquet"), model=load_model())

Finished parts lie in a folder beside the table until all are there; then the table is written whole and they go.
"""

import fcntl
import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from pneumoscope.core import ConfigError, Population, View, atomic_path, write_atomically, writing
from pneumoscope.datasets import Stored
from pneumoscope.evaluation.predictions import PREFIX

if TYPE_CHECKING:
    from pneumoscope.reading import KnownImage, Model, Score

SUFFIXES = (".parquet", ".csv")
PART_ROWS = 256
_RUN_FILE = "run.json"


class Scorer(Protocol):
    """Scores images in order: in this process, or on a cluster."""

    def __call__(self, images: "Iterable[KnownImage]") -> "Iterator[Score]":
        """Yield one score an image, in the images' order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """What a finished run wrote: images by status, and how many of them an earlier, broken run had done."""

    path: Path
    counts: Counter[str]
    resumed: int

    @property
    def images(self) -> int:
        """Rows of the table; those of the manifest."""
        return self.counts.total()


def predict_manifest(
    stored: Stored,
    target: Path,
    *,
    model: "Model",
    population: Population | None = None,
    score: Scorer | None = None,
    watch: Callable[[Iterable[Any]], Iterable[Any]] = iter,
) -> Predicted:
    """Score every image of the manifest and write one row for each, in the manifest's order.

    Columns: `image_id`, `source`, `prob_LABEL` (null unless analysed), `status` (analysed, refused or failed),
    `reason`, `population`, `model_sha256`.

    Args:
        stored: The manifest and its hash.
        target: A `.parquet` or `.csv` file; replaced when all is done.
        model: The loaded model.
        population: Whose calibration counts where neither file nor manifest says the age.
        score: What scores the images that are left to do; by default this process.
        watch: Sees the scores pass, for progress.

    Raises:
        ConfigError: The target's suffix is unknown, its place cannot be written, another run is writing there, or
            parts of another model or manifest lie there.
    """
    if target.suffix not in SUFFIXES:
        raise ConfigError(f"predict: expected an output that ends in {' or '.join(SUFFIXES)}, found {target.name}")
    images = list(_known(stored.manifest))
    run = {
        "manifest_sha256": stored.sha256,
        "paths_sha256": hashlib.sha256("\n".join(str(one.path) for one in images).encode()).hexdigest(),
        "model_sha256": model.identity.sha256,
        "population": None if population is None else population.value,
        "images": len(images),
    }
    parts = target.with_name(f".{target.name}.parts")
    with _owned(parts, run):
        names = {start: parts / f"{start // PART_ROWS:06}.parquet" for start in range(0, len(images), PART_ROWS)}
        todo = [start for start, path in names.items() if not path.is_file()]
        left = (image for start in todo for image in images[start : start + PART_ROWS])
        scores = iter(watch((score or _in_this_process(model, population))(left)))
        for start in todo:
            rows = list(islice(scores, min(PART_ROWS, len(images) - start)))
            with atomic_path(names[start]) as path:
                _table(rows, model).to_parquet(path, index=False)
        table = pd.concat([pd.read_parquet(path) for path in names.values()], ignore_index=True)
        with atomic_path(target) as path:
            table.to_csv(path, index=False) if target.suffix == ".csv" else table.to_parquet(path, index=False)
        shutil.rmtree(parts, ignore_errors=True)
    done_before = len(images) - sum(min(PART_ROWS, len(images) - start) for start in todo)
    return Predicted(path=target, counts=Counter(table["status"]), resumed=done_before)


def _known(manifest: pd.DataFrame) -> "Iterator[KnownImage]":
    from pneumoscope.reading import KnownImage

    columns = ("image_id", "source", "path", "age_years", "view")
    for image_id, source, path, age, view in zip(*(manifest[name] for name in columns), strict=True):
        yield KnownImage(
            image_id=str(image_id),
            source=str(source),
            path=path if isinstance(path, str) else None,
            age_years=None if pd.isna(age) else float(age),
            view=View(view) if isinstance(view, str) else None,
        )


def _in_this_process(model: "Model", population: Population | None) -> Scorer:
    from pneumoscope.reading import Settings, score_images

    settings = Settings(population=None if population is None else model.population(population))
    return lambda images: score_images(images, model, settings)


def _table(scores: "list[Score]", model: "Model") -> pd.DataFrame:
    label = model.card.labels[0]
    return pd.DataFrame(
        {
            "image_id": pd.Series([one.image_id for one in scores], dtype="str"),
            "source": pd.Series([one.source for one in scores], dtype="str"),
            f"{PREFIX}{label}": pd.Series([one.probability for one in scores], dtype="float64"),
            "status": pd.Series([one.status.value for one in scores], dtype="str"),
            "reason": pd.Series([one.reason for one in scores], dtype="str"),
            "population": pd.Series([one.population for one in scores], dtype="str"),
            "model_sha256": model.identity.sha256,
        }
    )


@contextmanager
def _owned(parts: Path, run: dict[str, Any]) -> Iterator[None]:
    """Hold the folder of parts for this run alone.

    Raises:
        ConfigError: Another process holds it, or it has parts of another run.
    """
    with writing(parts):
        parts.mkdir(parents=True, exist_ok=True)
        lock = (parts / "lock").open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(f"predict: expected to write {parts} alone, found another run writing there") from None
        known = parts / _RUN_FILE
        if known.is_file() and (found := json.loads(known.read_text(encoding="utf-8"))) != run:
            other = ", ".join(sorted(name for name in run if found.get(name) != run[name]))
            raise ConfigError(
                f"predict: expected parts of this run in {parts}, found those of another ({other} differ); "
                "remove the folder or choose another output"
            )
        write_atomically(known, json.dumps(run))
        yield
