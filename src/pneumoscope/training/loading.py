"""What a run learns from, in memory: images, targets, boxes; and in which order each epoch sees them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Float32, Shaped, UInt8
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from pneumoscope.core import ConfigError
from pneumoscope.training.config import TrainingConfig
from pneumoscope.training.images import load_cropped, read_manifest
from pneumoscope.training.radiologists import box_maps
from pneumoscope.training.targets import target_matrix


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """All rows of the manifest with images and targets; arrays are in its order."""

    manifest: pd.DataFrame
    images: UInt8[np.ndarray, "n size size"]
    targets: Float[np.ndarray, "n targets"]
    boxes: Float32[np.ndarray, "n y x"]

    def rows(self, split: str) -> Shaped[np.ndarray, " k"]:
        """Positions of one split."""
        return np.flatnonzero(self.manifest["split"] == split)


def gather(config: TrainingConfig, data: Path) -> Material:
    """Read everything that a run needs under `data`.

    Raises:
        ConfigError: Tables or images are missing.
    """
    manifest = read_manifest(data, split_seed=config.split_seed)
    targets = target_matrix(data, manifest, opacity_weight=config.opacity_weight)
    images, crops = load_cropped(manifest["path"], config.recipe)
    return Material(manifest, images, targets, box_maps(data, manifest, crops))


class Rows(Dataset[tuple[Tensor, ...]]):
    """Some rows of the material, fetched a batch at a time."""

    def __init__(self, material: Material, rows: Shaped[np.ndarray, " k"]) -> None:
        self.material, self.index = material, rows

    def __len__(self) -> int:
        return len(self.index)

    def __getitems__(self, places: Sequence[int]) -> tuple[Tensor, ...]:
        """Images, targets and boxes of the rows at these places, as batches."""
        rows, material = self.index[list(places)], self.material
        images, targets, boxes = material.images[rows], material.targets[rows], material.boxes[rows]
        return torch.from_numpy(images)[:, None], torch.from_numpy(targets), torch.from_numpy(boxes)


class EpochSampler(Sampler[int]):
    """Places drawn with replacement by weight: a function of seed and epoch alone; processes share one draw."""

    def __init__(
        self, weights: Float[np.ndarray, " n"], *, count: int, seed: int, rank: int = 0, processes: int = 1
    ) -> None:
        self.weights, self.count, self.seed = weights / weights.sum(), count, seed
        self.rank, self.processes = rank, processes
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before each epoch, also by one that resumes."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.count // self.processes

    def __iter__(self) -> Iterator[int]:
        drawn = np.random.default_rng([self.seed, self.epoch]).choice(
            len(self.weights), len(self) * self.processes, p=self.weights
        )
        return iter(drawn[self.rank :: self.processes].tolist())


def loaders(
    config: TrainingConfig, material: Material, *, rank: int = 0, processes: int = 1
) -> tuple["DataLoader[tuple[Tensor, ...]]", "DataLoader[tuple[Tensor, ...]]"]:
    """Batches of training rows by the configured shares, and of validation rows in order."""
    train, val = material.rows("train"), material.rows("val")
    sampler = EpochSampler(
        sampling_weights(material, train, config.sampling),
        count=config.images_per_epoch,
        seed=config.seeds[0],
        rank=rank,
        processes=processes,
    )
    return (
        DataLoader(Rows(material, train), config.batch_size, sampler=sampler, drop_last=True, collate_fn=_as_it_is),
        DataLoader(Rows(material, val), 2 * config.batch_size, collate_fn=_as_it_is),
    )


def sampling_weights(
    material: Material, rows: Shaped[np.ndarray, " k"], sampling: dict[str, float]
) -> Float[np.ndarray, " k"]:
    """Chance of each row: sources by their configured share; within a source, view and label in even cells.

    So neither the view nor the source says anything of the label.

    Raises:
        ConfigError: Sources and shares are not for the same names.
    """
    table = material.manifest.iloc[rows]
    if unknown := sorted(set(table["source"]) ^ set(sampling)):
        raise ConfigError(f"[sampling]: expected a share for each source, sources and shares differ in {unknown}")
    # Rows without the shipped target count as one label: they do not teach it.
    table = table.assign(label=table["Pneumonia"].where(~np.isnan(material.targets[rows, 0]), 0.0))
    cell = table.groupby(["source", "view", "label"], dropna=False)
    cells = cell.size().groupby("source").size()
    weight: pd.Series[float] = (
        table["source"].map(sampling) / table["source"].map(cells) / cell["image_id"].transform("size")
    )
    chances: Float[np.ndarray, " k"] = weight.to_numpy(dtype=float)
    return chances


def _as_it_is(batch: Any) -> Any:
    """`Rows` fetches batches whole: nothing is left to collate."""
    return batch
