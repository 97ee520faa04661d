"""One training run: manifest and configuration in, a folder with checkpoint, log, split and configuration out."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, UInt8
from lightning.pytorch.callbacks import EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler

from pneumoscope.core import ConfigError
from pneumoscope.datasets import FINDINGS, manifest_sha256, read_nih_labels
from pneumoscope.training.augmentation import UPRIGHT, augment, turn
from pneumoscope.training.config import TrainingConfig
from pneumoscope.training.images import load_images, read_manifest, unit
from pneumoscope.training.network import (
    FINDING_OUTPUTS,
    OPACITY_OUTPUT,
    POSE_OUTPUTS,
    Network,
    load_imagenet_mobilenet,
    unfold_normalisation,
)
from pneumoscope.training.targets import pneumonia_target

# Columns of the target matrix: the shipped label, the 14 NIH findings, the radiologists' opacity.
TARGETS = ("Pneumonia", *(f"nih_{finding}" for finding in FINDINGS), "opacity")


@dataclass(frozen=True, slots=True)
class Paths:
    """Where a run finds the data and initial weights, and where it writes."""

    data: Path
    weights: Path
    run: Path


class _Images(Dataset[tuple[Tensor, Tensor]]):
    """Prepared 8-bit images and their targets; memory holds them all."""

    def __init__(self, images: UInt8[np.ndarray, "n size size"], targets: Float[np.ndarray, "n targets"]) -> None:
        self.images, self.targets = images, targets

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(self.images[index])[None], torch.from_numpy(self.targets[index])


class Lesson(lightning.LightningModule):
    """The training step: augmentation, masked losses, one-cycle schedule."""

    def __init__(self, network: Network, config: TrainingConfig) -> None:
        super().__init__()
        self.network, self.config = network, config
        self.scores: list[tuple[Tensor, Tensor]] = []

    def training_step(self, batch: tuple[Tensor, Tensor], _index: int) -> Tensor:
        """Loss of one augmented batch."""
        images, targets = batch
        moved = augment(unit(images), self.config.augmentation, size_px=self.config.train_size_px)
        shown, pose = turn(moved, self.config.augmentation.pose)
        logits = self.network(shown.to(memory_format=torch.channels_last)).float()
        targets = torch.where((pose == UPRIGHT)[:, None], targets, torch.nan)
        loss = self.loss(logits, targets)
        loss = loss + self.config.loss.pose * functional.cross_entropy(logits[:, POSE_OUTPUTS], pose)
        self.log("train_loss", loss, on_epoch=True, on_step=False, prog_bar=True)
        return loss

    def loss(self, logits: Float[Tensor, "n outputs"], targets: Float[Tensor, "n targets"]) -> Tensor:
        """Sum over the heads of the mean binary cross-entropy of the images that are labelled for them."""
        weights = self.config.loss
        heads = (
            (weights.Pneumonia, slice(0, 1)),
            (weights.findings, FINDING_OUTPUTS),
            (weights.opacity, slice(OPACITY_OUTPUT, OPACITY_OUTPUT + 1)),
        )
        return torch.stack([w * _masked_bce(logits[:, head], targets[:, head]) for w, head in heads]).sum()

    def validation_step(self, batch: tuple[Tensor, Tensor], _index: int) -> None:
        """Keep logits and targets for the epoch's numbers."""
        images, targets = batch
        self.scores.append((self.network(unit(images)).float(), targets))

    def on_validation_epoch_end(self) -> None:
        """Loss over validation patients, logged once per epoch."""
        logits, targets = (torch.cat(part) for part in zip(*self.scores, strict=True))
        self.scores.clear()
        self.log("val_loss", self.loss(logits, targets), prog_bar=True)
        self.log("val_pneumonia_loss", _masked_bce(logits[:, :1], targets[:, :1]), prog_bar=True)

    def configure_optimizers(self) -> Any:
        """AdamW; weight decay on weight matrices only; one-cycle rate over the whole run."""
        matrices = [p for p in self.network.parameters() if p.ndim > 1]
        vectors = [p for p in self.network.parameters() if p.ndim <= 1]
        optimizer = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": self.config.weight_decay},
                {"params": vectors, "weight_decay": 0.0},
            ],
            lr=self.config.learning_rate,
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=self.config.learning_rate,
            total_steps=int(self.trainer.estimated_stepping_batches),
            pct_start=0.15,
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def fit(config: TrainingConfig, paths: Paths, *, resume: bool = False) -> Path:
    """Train, and return the path of the final checkpoint; `resume` goes on from the run's last one.

    Raises:
        ConfigError: Data or weights are missing, or there is nothing to resume.
    """
    last = paths.run / "last.ckpt"
    if resume and not last.is_file():
        raise ConfigError(f"expected a checkpoint to resume from at {last}, found none")
    paths.run.mkdir(parents=True, exist_ok=True)
    lightning.seed_everything(config.seed, verbose=False)
    manifest = read_manifest(paths.data, split_seed=config.split_seed)
    targets = target_matrix(manifest, read_nih_labels(paths.data / "nih"))
    images = load_images(manifest["path"], config.recipe)
    _record(config, manifest, paths.run)

    network = Network(config.backbone, dropout=config.dropout)
    train = np.flatnonzero(manifest["split"] == "train")
    if config.initial_weights:
        load_imagenet_mobilenet(network, paths.weights / config.initial_weights)
        sample = np.random.default_rng(config.seed).choice(train, 256, replace=False)
        unfold_normalisation(network, unit(torch.from_numpy(images[sample])[:, None]))
    trainer = lightning.Trainer(
        accelerator="auto",
        max_epochs=config.epochs,
        precision=config.precision,  # type: ignore[arg-type]
        callbacks=[
            ModelCheckpoint(dirpath=paths.run, filename="last", enable_version_counter=False),
            EMAWeightAveraging(decay=0.998, update_every_n_steps=1),
        ],
        logger=CSVLogger(paths.run, name="", version=""),
        gradient_clip_val=1.0,
        enable_model_summary=False,
    )
    loaders = _loaders(config, manifest, images, targets)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # 1.4 times the images per second on CPUs with bf16 units
    trainer.fit(Lesson(network, config), *loaders, ckpt_path=last if resume else None, weights_only=False)
    return last


def target_matrix(manifest: pd.DataFrame, labels: pd.DataFrame) -> Float[np.ndarray, "n targets"]:
    """Targets in the order of `TARGETS`; NaN where an image is not labelled for one."""
    opacity = manifest["rsna_opacity"].to_numpy(dtype=np.float32)
    findings = manifest[list(FINDINGS)].to_numpy(dtype=np.float32, copy=True)
    findings[(manifest["source"] == "kermany").to_numpy()] = np.nan
    return np.column_stack([pneumonia_target(manifest, labels), findings, opacity]).astype(np.float32)


def _loaders(
    config: TrainingConfig, manifest: pd.DataFrame, images: np.ndarray, targets: np.ndarray
) -> tuple[DataLoader[Any], DataLoader[Any]]:
    train, val = (np.flatnonzero(manifest["split"] == split) for split in ("train", "val"))
    rows = manifest.iloc[train].assign(label=manifest["Pneumonia"].where(~np.isnan(targets[:, 0]), 0.0))
    sampler = WeightedRandomSampler(_sampling_weights(rows, config.sampling).tolist(), config.images_per_epoch)
    return (
        DataLoader(_Images(images[train], targets[train]), config.batch_size, sampler=sampler, drop_last=True),
        DataLoader(_Images(images[val], targets[val]), 2 * config.batch_size),
    )


def _sampling_weights(rows: pd.DataFrame, sampling: dict[str, float]) -> Float[np.ndarray, " n"]:
    """Chance of each image: sources by their configured share; within a source, view and label in even cells.

    So neither the view nor the source says anything of the label.
    """
    if unknown := sorted(set(rows["source"]) ^ set(sampling)):
        raise ConfigError(f"[sampling]: expected a share for each source, sources and shares differ in {unknown}")
    cell = rows.groupby(["source", "view", "label"])
    cells = cell.size().groupby("source").size()
    weight: pd.Series[float] = (
        rows["source"].map(sampling) / rows["source"].map(cells) / cell["image_id"].transform("size")
    )
    chances: Float[np.ndarray, " n"] = weight.to_numpy(dtype=float)
    return chances


def _record(config: TrainingConfig, manifest: pd.DataFrame, run: Path) -> None:
    """What makes the run repeatable: configuration, manifest hash, split by image id."""
    record = {
        "config": config.as_dict(),
        "manifest_sha256": manifest_sha256(manifest),
        "torch": torch.__version__,
    }
    (run / "run.json").write_text(json.dumps(record, indent=1))
    manifest[["source", "image_id", "split"]].to_csv(run / "split.csv", index=False)


def _masked_bce(logits: Tensor, targets: Tensor) -> Tensor:
    known = ~torch.isnan(targets)
    if not known.any():
        return logits.sum() * 0
    return functional.binary_cross_entropy_with_logits(logits[known], targets[known])
