"""What a run leaves to look at: one CSV row an epoch, which a resumed run carries on."""

import csv
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback


class Curves(Callback):
    """Writes `curves.csv`: what is logged as `logged`, the learning rate at the epoch's end, training's speed."""

    def __init__(self, path: Path, logged: Sequence[str]) -> None:
        self.path = path
        self.columns = ("epoch", "step", *logged, "learning_rate", "images_per_s", "seconds")
        self._started, self._images, self._seconds = 0.0, 0, 0.0

    def on_train_epoch_start(self, _trainer: lightning.Trainer, _module: lightning.LightningModule) -> None:
        """Start the epoch's clock."""
        self._started, self._images = time.perf_counter(), 0

    def on_train_batch_end(
        self, trainer: lightning.Trainer, _module: lightning.LightningModule, _outputs: Any, batch: Any, _index: int
    ) -> None:
        """Count the batch's images, of all processes, and the time until now: validation is no training."""
        self._images += len(batch[0]) * trainer.world_size
        self._seconds = time.perf_counter() - self._started

    def on_train_epoch_end(self, trainer: lightning.Trainer, _module: lightning.LightningModule) -> None:
        """Add the epoch's row, after those of earlier epochs: an epoch that a crash cut short is written anew."""
        if not trainer.is_global_zero:
            return
        row: dict[str, Any] = {
            "epoch": trainer.current_epoch,
            "step": trainer.global_step,
            "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
            "images_per_s": round(self._images / self._seconds, 1),
            "seconds": round(time.perf_counter() - self._started, 3),
        } | {name: float(value) for name, value in trainer.callback_metrics.items() if name in self.columns}
        rows = [old for old in read_curves(self.path) if int(old["epoch"]) < trainer.current_epoch]
        with self.path.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.columns)
            writer.writeheader()
            writer.writerows([*rows, row])


def read_curves(path: Path) -> list[dict[str, str]]:
    """Return the rows of a run's `curves.csv`; none where there is no file yet."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
