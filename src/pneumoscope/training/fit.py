"""Training runs: configuration and data in; a folder a seed with checkpoint, log, split and configuration out."""

import json
import sys
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger

from pneumoscope.core import ConfigError
from pneumoscope.datasets import manifest_sha256
from pneumoscope.training.config import TrainingConfig
from pneumoscope.training.curves import Curves
from pneumoscope.training.images import unit
from pneumoscope.training.lesson import Lesson
from pneumoscope.training.loading import Material, gather, loaders
from pneumoscope.training.network import Network, load_imagenet_mobilenet, unfold_normalisation

CHECKPOINT = "last.ckpt"
RECORD = "run.json"
# Lightning's remarks on what is meant (a folder that holds the run already, data in memory, short epochs), and
# torch's on Lightning.
_KNOWN_WARNINGS = "|".join(
    (
        ".*Checkpoint directory .* exists and is not empty",
        ".*does not have many workers",
        ".*number of training batches .* is smaller than the logging interval",
        ".*LeafSpec",
    )
)


@dataclass(frozen=True, slots=True)
class Paths:
    """Where a run finds the data and initial weights, and where it writes."""

    data: Path
    weights: Path
    run: Path


def member_folder(run: Path, seed: int) -> Path:
    """Where a run keeps the member trained with this seed."""
    return run / f"seed-{seed}"


def fit(config: TrainingConfig, paths: Paths, *, resume: bool = False) -> list[Path]:
    """Train a member for each seed, one after the other, and return their folders.

    `resume` goes on from each member's last checkpoint; finished members stay as they are.

    Raises:
        ConfigError: Data or weights are missing, there is nothing to resume, or a run is there and not to be resumed.
    """
    members = [replace(config, seeds=(seed,)) for seed in config.seeds]
    folders = [member_folder(paths.run, seed) for seed in config.seeds]
    begun = [folder for folder in folders if (folder / CHECKPOINT).is_file()]
    if resume and not begun:
        raise ConfigError(f"expected a checkpoint to resume from at {folders[0] / CHECKPOINT}, found none")
    if begun and not resume:
        raise ConfigError(f"{begun[0]} holds a run already: go on with --resume, or choose another folder")
    material = gather(config, paths.data)
    for member, folder in zip(members, folders, strict=True):
        fit_member(member, material, weights=paths.weights, folder=folder)
    return folders


def fit_member(config: TrainingConfig, material: Material, *, weights: Path, folder: Path) -> None:
    """Train the one member of `config` into `folder`, from its last checkpoint if there is one."""
    (seed,) = config.seeds
    last = folder / CHECKPOINT
    resumed = last.is_file()
    folder.mkdir(parents=True, exist_ok=True)
    if not resumed:
        _record(config, material, folder)
    lightning.seed_everything(seed, verbose=False)
    network = Network(config.backbone, dropout=config.dropout)
    if config.initial_weights and not resumed:
        load_imagenet_mobilenet(network, weights / config.initial_weights)
        train = material.rows("train")
        sample = np.random.default_rng(seed).choice(train, min(256, len(train)), replace=False)
        unfold_normalisation(network, unit(torch.from_numpy(material.images[sample])[:, None]))
    trainer = _trainer(config, folder)
    batches = loaders(config, material, rank=trainer.global_rank, processes=trainer.world_size)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # 1.4 times the images per second on CPUs with bf16 units
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=_KNOWN_WARNINGS)
        trainer.fit(Lesson(network, config), *batches, ckpt_path=last if resumed else None, weights_only=False)


def _trainer(config: TrainingConfig, folder: Path) -> lightning.Trainer:
    return lightning.Trainer(
        accelerator="auto",
        max_epochs=config.epochs,
        precision=config.precision,  # type: ignore[arg-type]
        callbacks=[
            ModelCheckpoint(
                dirpath=folder, filename="last", enable_version_counter=False, save_on_train_epoch_end=True
            ),
            EMAWeightAveraging(decay=0.998, update_every_n_steps=1),
            Curves(folder / "curves.csv"),
        ],
        logger=TensorBoardLogger(folder, name="", version="tensorboard"),
        gradient_clip_val=1.0,
        enable_model_summary=False,
        use_distributed_sampler=False,
        enable_progress_bar=sys.stderr.isatty(),
    )


def _record(config: TrainingConfig, material: Material, folder: Path) -> None:
    """What makes the run repeatable: configuration, manifest hash, split by image id."""
    record = {
        "config": config.as_dict(),
        "manifest_sha256": manifest_sha256(material.manifest),
        "torch": torch.__version__,
    }
    (folder / RECORD).write_text(json.dumps(record, indent=1))
    material.manifest[["source", "image_id", "split"]].to_csv(folder / "split.csv", index=False)
