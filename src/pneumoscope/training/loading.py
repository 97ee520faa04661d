"""What a run learns from, in memory: images, targets, boxes; and in which order each epoch sees them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Float32, Shaped, UInt8
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from pneumoscope.core import ConfigError
from pneumoscope.datasets import (
    ImageCache,
    boxes_of,
    folds_by_patient,
    manifest_sha256,
    read_nih_labels,
    split_by_patient,
)
from pneumoscope.datasets import read_manifest as read_parquet
from pneumoscope.image import Recipe
from pneumoscope.training.config import RunConfig, TrainingConfig
from pneumoscope.training.images import crop_grey, load_cropped, read_manifest
from pneumoscope.training.radiologists import Boxes, airspace_opacity, box_maps, boxes_seen, rsna_boxes
from pneumoscope.training.targets import TARGETS, target_matrix


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """All rows of the manifest with images and targets; arrays are in its order.

    `boxes` are drawn on a grid for the loss, `drawn` are their corners. `sha256` is the manifest's before its patients
    were dealt into folds, and so the same for all members.
    """

    manifest: pd.DataFrame
    images: UInt8[np.ndarray, "n size size"]
    targets: Float[np.ndarray, "n targets"]
    boxes: Float32[np.ndarray, "n y x"]
    drawn: Boxes
    sha256: str = ""
    notes: tuple[str, ...] = ()

    def rows(self, split: str) -> Shaped[np.ndarray, " k"]:
        """Return the positions of one split."""
        return np.flatnonzero(self.manifest["split"] == split)


class Films:
    """Reads prepared images once for all members and variants of one recipe; only the last recipe's are held."""

    def __init__(self) -> None:
        self._key: Any = None
        self._held: tuple[UInt8[np.ndarray, "n size size"], Float[np.ndarray, "n 4"]]

    def __call__(
        self, config: RunConfig, data: Path, rows: pd.DataFrame
    ) -> tuple[UInt8[np.ndarray, "n size size"], Float[np.ndarray, "n 4"]]:
        """Return what `read_images` does; read once for all folds, whose rows differ in their side alone."""
        key = (config.recipe, config.data.manifest, config.data.cache, config.split_seed)
        if key != self._key:
            self._held = read_images(config, data, rows)
            self._key = key
        return self._held


def gather(config: TrainingConfig, data: Path, *, films: Films | None = None) -> Material:
    """Read everything that a member needs; paths in the configuration are relative to `data`.

    Args:
        config: Of the member.
        data: Folder of the data sets.
        films: Images in memory, if others need them too.

    Raises:
        ConfigError: Tables or images are missing, one class is absent in training or validation, or the configuration
            is of several members with a part each (`fit.members_of` tells them apart).
        InputError: The manifest was edited, or the cache does not hold its images.
    """
    if config.data.folds and config.data.fold < 0:
        raise ConfigError("[data] fold: expected the part that one member validates on, got -1, each its own")
    rows, notes = read_rows(config, data)
    manifest = deal(rows, config)
    if config.data.manifest:
        labels, boxes = manifest, boxes_of(manifest)
        boxes = boxes[boxes["by"] == "rsna"]
        airspace = manifest["google_airspace_opacity"].to_numpy(dtype=np.float32)
    else:
        labels, boxes = read_nih_labels(data / "nih"), rsna_boxes(data)
        airspace = airspace_opacity(data, manifest)
    targets = target_matrix(manifest, labels, airspace=airspace, opacity_weight=config.opacity_weight)
    taught = taught_rows(manifest, config.sampling)
    _require_classes(manifest[taught], targets[taught, TARGETS.index(config.ships)])
    images, crops = (films or Films())(config, data, manifest)
    read = manifest if len(boxes) else manifest.assign(rsna_opacity=np.nan)  # without boxes nothing says where
    drawn = boxes_seen(boxes, manifest["image_id"], crops)
    return Material(manifest, images, targets, box_maps(boxes, read, crops), drawn, manifest_sha256(rows), notes)


def read_rows(config: RunConfig, data: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the rows that a run is about, each with its side before `deal`, and what a person should know of them.

    Raises:
        ConfigError: Tables are missing, or no row has an image.
        InputError: The manifest was edited.
    """
    if config.data.manifest:
        return _from_manifest(config, data)
    return read_manifest(data, split_seed=config.split_seed), ()


def deal(rows: pd.DataFrame, config: RunConfig) -> pd.DataFrame:
    """Deal the patients of training and validation anew into the configured folds; the test stays.

    Without folds the rows stay as they are.
    """
    if not config.data.folds:
        return rows
    fold = folds_by_patient(rows, folds=config.data.folds, seed=config.split_seed)
    side = np.where(fold == config.data.fold, "val", "train")
    return rows.assign(split=np.where(fold.isna(), "test", side))


def read_images(
    config: RunConfig, data: Path, rows: pd.DataFrame
) -> tuple[UInt8[np.ndarray, "n size size"], Float[np.ndarray, "n 4"]]:
    """Return the rows' prepared images and crops, as `load_cropped` gives them, from the cache or their files.

    Raises:
        ConfigError: Images are missing or cannot be decoded.
        InputError: The cache does not hold them.
    """
    if config.data.cache:
        return _from_cache(data / config.data.cache, rows, config.recipe)
    return load_cropped(rows["path"], config.recipe)


def _from_manifest(config: RunConfig, data: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the manifest's rows that have a file (or are in the cache), each with its side; and what was left out."""
    manifest = read_parquet(data / config.data.manifest).manifest
    without = manifest["path"].isna() & (not config.data.cache)
    rows = manifest[~without].reset_index(drop=True)
    if rows.empty:
        raise ConfigError(f"{config.data.manifest}: expected rows with an image, all {len(manifest)} are without")
    absent = [name for name in ("rsna_opacity", "google_airspace_opacity") if name not in rows]
    rows = rows.assign(**dict.fromkeys(absent, np.nan))
    if rows["split"].isna().any():
        drawn = split_by_patient(
            rows,
            test_share=config.data.test_share,
            validation_share=config.data.validation_share,
            seed=config.split_seed,
        )
        # A patient that has a side already keeps it, with all of the images.
        sides = rows.dropna(subset="split").groupby("patient_id")["split"].first().to_dict()
        rows["split"] = [sides.get(patient, draw) for patient, draw in zip(rows["patient_id"], drawn, strict=True)]
    left_out = f"{int(without.sum())} of {len(manifest)} rows have no image and are left out"
    return rows, (left_out,) if without.any() else ()


def _from_cache(
    folder: Path, manifest: pd.DataFrame, recipe: Recipe
) -> tuple[UInt8[np.ndarray, "n size size"], Float[np.ndarray, "n 4"]]:
    cache = ImageCache(folder)
    images, crops = zip(
        *(crop_grey(cache[place].astype(np.float32) / 255, recipe) for place in cache.positions(manifest)), strict=True
    )
    return np.stack(images), np.stack(crops)


def _require_classes(manifest: pd.DataFrame, target: Float[np.ndarray, " n"]) -> None:
    for split in ("train", "val"):
        found = target[(manifest["split"] == split).to_numpy() & ~np.isnan(target)]
        positives = int((found >= 0.5).sum())
        if positives in (0, len(found)):
            raise ConfigError(
                f"expected {split} images with and without pneumonia, found {positives} positive of {len(found)}"
            )


class Rows(Dataset[tuple[Tensor, ...]]):
    """Some rows of the material, fetched a batch at a time."""

    def __init__(self, material: Material, rows: Shaped[np.ndarray, " k"]) -> None:
        self.material, self.index = material, rows

    def __len__(self) -> int:
        return len(self.index)

    def __getitems__(self, places: Sequence[int]) -> tuple[Tensor, ...]:
        """Return images, targets and boxes of the rows at these places, as batches."""
        rows, material = self.index[list(places)], self.material
        images, targets, boxes = material.images[rows], material.targets[rows], material.boxes[rows]
        return torch.from_numpy(images)[:, None], torch.from_numpy(targets), torch.from_numpy(boxes)


class EpochSampler(Sampler[int]):
    """Places drawn with replacement by weight: a function of seed and epoch alone; processes share one draw.

    Without weights each place comes at most once an epoch.
    """

    def __init__(
        self,
        places: int,
        weights: Float[np.ndarray, " n"] | None,
        *,
        count: int,
        seed: int,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        self.places, self.seed = places, seed
        self.weights = None if weights is None else weights / weights.sum()
        self.count = min(count, places) if weights is None else count
        self.rank, self.processes = rank, processes
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch; the trainer calls this before each epoch, also one that resumes."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.count // self.processes

    def __iter__(self) -> Iterator[int]:
        rng, count = np.random.default_rng([self.seed, self.epoch]), len(self) * self.processes
        drawn = rng.choice(self.places, count, p=self.weights, replace=self.weights is not None)
        return iter(drawn[self.rank :: self.processes].tolist())


def loaders(
    config: TrainingConfig, material: Material, *, rank: int = 0, processes: int = 1
) -> tuple["DataLoader[tuple[Tensor, ...]]", "DataLoader[tuple[Tensor, ...]]"]:
    """Return loaders for training rows by the configured shares, and for validation rows in order.

    `batch_size` is that of all processes together, so their number changes the speed and not the run.

    Raises:
        ConfigError: Processes do not divide the batch, or sources and shares are not for the same names.
    """
    if config.batch_size % processes:
        raise ConfigError(f"batch_size: expected a multiple of {processes} processes, got {config.batch_size}")
    taught = taught_rows(material.manifest, config.sampling)
    train, val = (rows[taught[rows]] for rows in (material.rows("train"), material.rows("val")))
    batch = config.batch_size // processes
    sampler = EpochSampler(
        len(train),
        sampling_weights(material, train, config.sampling) if config.sampling else None,
        count=config.images_per_epoch,
        seed=config.seeds[0],
        rank=rank,
        processes=processes,
    )
    return (
        DataLoader(Rows(material, train), batch, sampler=sampler, drop_last=True, collate_fn=as_it_is),
        DataLoader(Rows(material, val), 2 * batch, collate_fn=as_it_is),
    )


def taught_rows(manifest: pd.DataFrame, sampling: dict[str, float]) -> Bool[np.ndarray, " n"]:
    """Return which rows a member learns from and is validated on: of sources with a share, or all without shares.

    Raises:
        ConfigError: Sources and shares are not for the same names.
    """
    if not sampling:
        return np.ones(len(manifest), dtype=bool)
    if unknown := sorted(set(manifest["source"]) ^ set(sampling)):
        raise ConfigError(f"[sampling]: expected a share for each source, sources and shares differ in {unknown}")
    taught: Bool[np.ndarray, " n"] = (manifest["source"].map(sampling) > 0).to_numpy()
    return taught


def sampling_weights(
    material: Material, rows: Shaped[np.ndarray, " k"], sampling: dict[str, float]
) -> Float[np.ndarray, " k"]:
    """Return each row's chance: sources by their configured share; within a source, view and label in even cells.

    So neither the view nor the source says anything of the label.

    Raises:
        ConfigError: Sources and shares are not for the same names.
    """
    table = material.manifest.iloc[rows]
    # Rows without the shipped target count as one label: they do not teach it.
    table = table.assign(label=table["Pneumonia"].where(~np.isnan(material.targets[rows, 0]), 0.0))
    cell = table.groupby(["source", "view", "label"], dropna=False)
    cells = cell.size().groupby("source").size()
    weight: pd.Series[float] = (
        table["source"].map(sampling) / table["source"].map(cells) / cell["image_id"].transform("size")
    )
    chances: Float[np.ndarray, " k"] = weight.to_numpy(dtype=float)
    return chances


def as_it_is(batch: Any) -> Any:
    """Return the batch unchanged: `Rows` fetches batches whole, and nothing is left to collate."""
    return batch
