"""Training runs: configuration and data in; a folder a seed with checkpoint, curves, split and configuration out."""

import json
import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger

from pneumoscope.core import ConfigError
from pneumoscope.datasets import manifest_sha256
from pneumoscope.training.config import TrainingConfig
from pneumoscope.training.curves import Curves
from pneumoscope.training.layers import freeze, layer_table, summary
from pneumoscope.training.lesson import Lesson
from pneumoscope.training.loading import Material, gather, loaders
from pneumoscope.training.losses import positive_shares
from pneumoscope.training.network import Network, build_network
from pneumoscope.training.optimization import MONITORED
from pneumoscope.training.weights import initialise

LAST, BEST = "last", "best"
RECORD = "run.json"
# Lightning's remarks on what is meant (a folder that holds the run already, data in memory, short epochs, frozen
# layers), and torch's on Lightning.
_KNOWN_WARNINGS = "|".join(
    (
        ".*Checkpoint directory .* exists and is not empty",
        ".*does not have many workers",
        ".*number of training batches .* is smaller than the logging interval",
        r".*module\(s\) in eval mode at the start",
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


def checkpoint(folder: Path, keep: str = LAST) -> Path:
    """A member's checkpoint: its last epoch's, or the best by validation loss."""
    return folder / f"{keep}.ckpt"


def fit(
    config: TrainingConfig, paths: Paths, *, resume: bool = False, say: Callable[[str], None] = lambda _: None
) -> list[Path]:
    """Train a member for each seed, one after the other, and return their folders.

    `resume` goes on from each member's last checkpoint; finished members stay as they are. `say` is told what a
    person wants to know before a long run: rows by source and side, layers frozen, fine-tuned and added.

    Raises:
        ConfigError: Data or weights are missing, there is nothing to resume or it is damaged, a run is there and not
            to be resumed, or training diverged.
    """
    members = [replace(config, seeds=(seed,)) for seed in config.seeds]
    folders = [member_folder(paths.run, seed) for seed in config.seeds]
    begun = [folder for folder in folders if checkpoint(folder).is_file()]
    if resume and not begun:
        raise ConfigError(f"expected a checkpoint to resume from at {checkpoint(folders[0])}, found none")
    if begun and not resume and int(os.environ.get("RANK", "0")) == 0:
        raise ConfigError(f"{begun[0]} holds a run already: go on with --resume, or choose another folder")
    material = gather(config, paths.data)
    for line in (*material.notes, *_rows(material)):
        say(line)
    for member, folder in zip(members, folders, strict=True):
        fit_member(member, material, weights=paths.weights, folder=folder, say=say)
    return folders


def fit_member(
    config: TrainingConfig,
    material: Material,
    *,
    weights: Path,
    folder: Path,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Train the one member of `config` into `folder`, from its last checkpoint if there is one."""
    (seed,) = config.seeds
    last = checkpoint(folder)
    resumed = last.is_file()
    if resumed:
        _require_whole(last)
    lightning.seed_everything(seed, verbose=False)
    network = build_network(config)
    train = material.rows("train")
    if not resumed:
        initialise(network, config.initial_weights, folder=weights, images=material.images[train])
    freeze(network, config.layers.frozen_to)
    folder.mkdir(parents=True, exist_ok=True)
    trainer = _trainer(config, folder)
    if not resumed and trainer.is_global_zero:
        _record(config, material, network, folder)
    say(f"seed {seed}, {folder}:")
    for line in summary(layer_table(network)):
        say(f"  {line}")
    batches = loaders(config, material, rank=trainer.global_rank, processes=trainer.world_size)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # 1.4 times the images per second on CPUs with bf16 units
    lesson = Lesson(network, config, positives=positive_shares(material.targets[train]))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=_KNOWN_WARNINGS)
        trainer.fit(lesson, *batches, ckpt_path=last if resumed else None, weights_only=False)


def _trainer(config: TrainingConfig, folder: Path) -> lightning.Trainer:
    """A trainer for one process, or for this process of those that torchrun started."""
    settings = config.optimizer
    here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    return lightning.Trainer(
        accelerator="auto",
        devices=here,
        num_nodes=processes // here,
        sync_batchnorm=processes > 1 and torch.cuda.is_available(),
        max_epochs=config.epochs,
        precision=config.precision,  # type: ignore[arg-type]
        callbacks=_callbacks(config, folder),
        logger=TensorBoardLogger(folder, name="", version="tensorboard"),
        accumulate_grad_batches=settings.accumulate,
        gradient_clip_val=settings.clip or None,
        deterministic=settings.deterministic,
        enable_model_summary=False,
        use_distributed_sampler=False,
        enable_progress_bar=sys.stderr.isatty(),
    )


def _callbacks(config: TrainingConfig, folder: Path) -> list[Callback]:
    settings = config.optimizer

    def keeper(name: str, monitor: str | None = None) -> ModelCheckpoint:
        return ModelCheckpoint(
            folder, name, monitor=monitor, enable_version_counter=False, save_on_train_epoch_end=True
        )

    callbacks: list[Callback] = [keeper(LAST), Curves(folder / "curves.csv")]
    if settings.keep == BEST:
        callbacks.append(keeper(BEST, MONITORED))
    if settings.ema:
        callbacks.append(EMAWeightAveraging(decay=settings.ema, update_every_n_steps=1))
    if settings.early_stopping:
        callbacks.append(EarlyStopping(MONITORED, patience=settings.early_stopping))
    return callbacks


def _require_whole(path: Path) -> None:
    try:
        torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever the damage suggests to it
        raise ConfigError(
            f"expected a checkpoint to resume from at {path}, found a damaged file ({type(error).__name__}); remove "
            "its folder to train this member anew"
        ) from error


def _rows(material: Material) -> list[str]:
    """Rows by source and side, a line each."""
    counts = material.manifest.groupby(["source", "split"]).size().unstack(fill_value=0)
    return [
        f"{source:12}  " + "  ".join(f"{split} {int(count):,}" for split, count in row.items())
        for source, row in counts.iterrows()
    ]


def _record(config: TrainingConfig, material: Material, network: Network, folder: Path) -> None:
    """What makes the run repeatable: configuration, manifest hash, split by image id; and the layers' table."""
    record = {
        "config": config.as_dict(),
        "manifest_sha256": manifest_sha256(material.manifest),
        "torch": torch.__version__,
    }
    (folder / RECORD).write_text(json.dumps(record, indent=1))
    material.manifest[["source", "image_id", "split"]].to_csv(folder / "split.csv", index=False)
    layer_table(network).to_csv(folder / "layers.csv", index=False)
