"""Lightning's trainer as every run has it: checkpoints, curves, resume, one process or several."""

import json
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger

from pneumoscope.core import ConfigError
from pneumoscope.training.config import RunConfig
from pneumoscope.training.curves import Curves
from pneumoscope.training.optimization import MONITORED

LAST, BEST = "last", "best"
RECORD = "run.json"
Say = Callable[[str], None]
# Lightning's remarks on what is meant (a folder that holds the run already, data in memory, short epochs, frozen
# layers, no validation where somebody measures afterwards), and torch's on Lightning.
_KNOWN_WARNINGS = "|".join(
    (
        ".*Checkpoint directory .* exists and is not empty",
        ".*does not have many workers",
        ".*number of training batches .* is smaller than the logging interval",
        r".*module\(s\) in eval mode at the start",
        ".*You defined a .validation_step. but have no .val_dataloader",
        ".*LeafSpec",
    )
)


def checkpoint(folder: Path, keep: str = LAST) -> Path:
    """Return the path of a member's checkpoint: its last epoch's, or the best by validation loss."""
    return folder / f"{keep}.ckpt"


def require_begun(folders: Sequence[Path], *, resume: bool) -> None:
    """Refuse to resume what never began, and to begin what is there.

    Raises:
        ConfigError: `resume` and none of the folders holds a checkpoint; or not, and one does.
    """
    begun = [folder for folder in folders if checkpoint(folder).is_file()]
    if resume and not begun:
        raise ConfigError(f"expected a checkpoint to resume from at {checkpoint(folders[0])}, found none")
    if begun and not resume and int(os.environ.get("RANK", "0")) == 0:
        raise ConfigError(f"{begun[0]} holds a run already: go on with --resume, or choose another folder")


def make_trainer(
    config: RunConfig, folder: Path, *, curves: Sequence[str], more: Sequence[Callback] = ()
) -> lightning.Trainer:
    """Return a trainer for one process, alone or of those that torchrun started; `curves` are logged by epoch."""
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
        callbacks=[*_callbacks(config, folder), Curves(folder / "curves.csv", curves), *more],
        logger=TensorBoardLogger(folder, name="", version="tensorboard"),
        accumulate_grad_batches=settings.accumulate,
        gradient_clip_val=settings.clip or None,
        deterministic=settings.deterministic,
        enable_model_summary=False,
        use_distributed_sampler=False,
        enable_progress_bar=sys.stderr.isatty(),
    )


def run(
    trainer: lightning.Trainer, lesson: lightning.LightningModule, *, batches: Sequence[Any], resume_from: Path | None
) -> None:
    """Train on batches (and validate on the second ones, if there are any), from a checkpoint if there is one.

    Raises:
        ConfigError: Training diverged.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=_KNOWN_WARNINGS)
        train, val = (*batches, None)[:2]
        trainer.fit(lesson, train, val, ckpt_path=resume_from, weights_only=False)


def whole_checkpoint(folder: Path) -> Path | None:
    """Return the path of the last epoch's checkpoint; None where there is none yet.

    Raises:
        ConfigError: It is damaged.
    """
    path = checkpoint(folder)
    if not path.is_file():
        return None
    try:
        torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever the damage suggests to it
        raise ConfigError(
            f"expected a checkpoint to resume from at {path}, found a damaged file ({type(error).__name__}); remove "
            "its folder to train this member anew"
        ) from error
    return path


def write_record(folder: Path, config: RunConfig, *, manifest_sha256: str) -> None:
    """Write what makes a run repeatable: configuration, manifest hash, torch's version."""
    record = {"config": config.as_dict(), "manifest_sha256": manifest_sha256, "torch": torch.__version__}
    (folder / RECORD).write_text(json.dumps(record, indent=1))


def add_to_record(folder: Path, **facts: Any) -> None:
    """Add what is known at the run's end."""
    path = folder / RECORD
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(json.loads(path.read_text()) | facts, indent=1))
    partial.replace(path)


def _callbacks(config: RunConfig, folder: Path) -> list[Callback]:
    settings = config.optimizer

    def keeper(name: str, monitor: str | None = None) -> ModelCheckpoint:
        return ModelCheckpoint(
            folder, name, monitor=monitor, enable_version_counter=False, save_on_train_epoch_end=True
        )

    callbacks: list[Callback] = [keeper(LAST)]
    if settings.keep == BEST:
        callbacks.append(keeper(BEST, MONITORED))
    if settings.ema:
        callbacks.append(EMAWeightAveraging(decay=settings.ema, update_every_n_steps=1))
    if settings.early_stopping:
        callbacks.append(EarlyStopping(MONITORED, patience=settings.early_stopping))
    return callbacks
