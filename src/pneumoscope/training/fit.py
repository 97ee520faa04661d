"""Training runs: configuration and data in; a folder a seed with checkpoint, curves, split and configuration out."""

from dataclasses import dataclass, replace
from pathlib import Path

import lightning
import torch

from pneumoscope.training.config import TrainingConfig
from pneumoscope.training.cost import cost_of
from pneumoscope.training.layers import freeze, layer_table, summary
from pneumoscope.training.lesson import Lesson
from pneumoscope.training.loading import Films, Material, gather, loaders
from pneumoscope.training.losses import positive_shares
from pneumoscope.training.network import Network, build_network
from pneumoscope.training.trainer import (
    Say,
    add_to_record,
    make_trainer,
    require_begun,
    run,
    whole_checkpoint,
    write_record,
)
from pneumoscope.training.weights import initialise

CURVES = ("train_loss", "val_loss", "val_pneumonia_loss")


@dataclass(frozen=True, slots=True)
class Paths:
    """Where a run finds the data and initial weights, and where it writes."""

    data: Path
    weights: Path
    run: Path


def member_folder(run: Path, seed: int) -> Path:
    """Return the folder where a run keeps the member trained with this seed."""
    return run / f"seed-{seed}"


def fit(config: TrainingConfig, paths: Paths, *, resume: bool = False, say: Say = lambda _: None) -> list[Path]:
    """Train a member for each seed, one after the other, and return their folders.

    `resume` goes on from each member's last checkpoint; finished members stay as they are. `say` is told what a
    person wants to know before a long run: rows by source and side, layers frozen, fine-tuned and added.

    Raises:
        ConfigError: Data or weights are missing, there is nothing to resume or it is damaged, a run is there and not
            to be resumed, or training diverged.
    """
    folders = [member_folder(paths.run, seed) for seed in config.seeds]
    require_begun(folders, resume=resume)
    films = Films()
    for member, folder in zip(members_of(config), folders, strict=True):
        material = gather(member, paths.data, films=films)
        for line in (*material.notes, *_rows(material)):
            say(line)
        fit_member(member, material, weights=paths.weights, folder=folder, say=say)
    return folders


def members_of(config: TrainingConfig) -> list[TrainingConfig]:
    """Return the configuration of each member: one seed, and with folds the part that it validates on."""
    data, folds = config.data, config.data.folds
    turns = [place % folds if folds and data.fold < 0 else data.fold for place in range(len(config.seeds))]
    return [
        replace(config, seeds=(seed,), data=replace(data, fold=turn))
        for seed, turn in zip(config.seeds, turns, strict=True)
    ]


def fit_member(
    config: TrainingConfig,
    material: Material,
    *,
    weights: Path,
    folder: Path,
    validate: bool = True,
    say: Say = lambda _: None,
) -> None:
    """Train the one member of `config` into `folder`, from its last checkpoint if there is one.

    Without `validate` no epoch ends with the validation loss: for who measures afterwards.
    """
    (seed,) = config.seeds
    last = whole_checkpoint(folder)
    lightning.seed_everything(seed, verbose=False)
    network = build_network(config)
    train = material.rows("train")
    if last is None:
        initialise(network, config, folder=weights, images=material.images[train])
    freeze(network, config.layers.frozen_to)
    folder.mkdir(parents=True, exist_ok=True)
    trainer = make_trainer(config, folder, curves=CURVES)
    if last is None and trainer.is_global_zero:
        _record(config, material, network, folder)
    say(f"seed {seed}, {folder}:")
    for line in summary(layer_table(network)):
        say(f"  {line}")
    batches = loaders(config, material, rank=trainer.global_rank, processes=trainer.world_size)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # 1.4 times the images per second on CPUs with bf16 units
    lesson = Lesson(network, config, positives=positive_shares(material.targets[train]))
    run(trainer, lesson, batches=batches if validate else batches[:1], resume_from=last)
    if trainer.is_global_zero:
        add_to_record(folder, cost=cost_of(folder / "curves.csv"))


def _rows(material: Material) -> list[str]:
    """Return the number of rows by source and side, a line for each source."""
    counts = material.manifest.groupby(["source", "split"]).size().unstack(fill_value=0)
    return [
        f"{source:12}  " + "  ".join(f"{split} {int(count):,}" for split, count in row.items())
        for source, row in counts.iterrows()
    ]


def _record(config: TrainingConfig, material: Material, network: Network, folder: Path) -> None:
    """Write what makes the run repeatable: configuration, manifest hash, split by image id; and the layers' table."""
    write_record(folder, config, manifest_sha256=material.sha256)
    material.manifest[["source", "image_id", "split"]].to_csv(folder / "split.csv", index=False)
    layer_table(network).to_csv(folder / "layers.csv", index=False)
