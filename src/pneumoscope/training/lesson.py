"""What one training step does: augmentation, heads, losses, optimizer and schedule; the same after any resume."""

from typing import Any

import lightning
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from pneumoscope.core import ConfigError
from pneumoscope.training.augmentation import UPRIGHT, augment_pair, turn
from pneumoscope.training.config import TrainingConfig
from pneumoscope.training.images import unit
from pneumoscope.training.losses import masked_bce
from pneumoscope.training.network import (
    AIRSPACE_OUTPUT,
    BOX_OUTPUT,
    FINDING_OUTPUTS,
    OPACITY_OUTPUT,
    POSE_OUTPUTS,
    Network,
)

Batch = tuple[Tensor, Tensor, Tensor]


class Lesson(lightning.LightningModule):
    """One member's training: each step's randomness is a function of seed, step and process, so it can be repeated."""

    def __init__(self, network: Network, config: TrainingConfig) -> None:
        super().__init__()
        self.network, self.config = network, config
        self.scores: list[tuple[Tensor, Tensor]] = []

    def on_train_batch_start(self, _batch: Batch, _index: int) -> None:
        """Seed augmentation and dropout, so that a resumed run draws what the interrupted one would have."""
        sequence = np.random.SeedSequence([self.config.seeds[0], self.trainer.global_step, self.global_rank])
        torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0]))

    def training_step(self, batch: Batch, _index: int) -> Tensor:
        """Loss of one augmented batch."""
        images, targets, boxes = batch
        strength, weights = self.config.augmentation, self.config.loss
        moved, placed = augment_pair(unit(images), boxes[:, None], strength, size_px=self.config.train_size_px)
        shown, pose = turn(moved, strength.pose)
        upright = pose == UPRIGHT
        maps = self.network.features(shown.to(memory_format=torch.channels_last))
        logits = self.network.answer(maps).float()
        loss = self.loss(logits, torch.where(upright[:, None], targets, torch.nan))
        if weights.boxes:
            placed = torch.where(upright[:, None, None], placed[:, 0], torch.nan)
            loss = loss + weights.boxes * box_loss(self.network.activation(maps, BOX_OUTPUT).float(), placed)
        loss = loss + weights.pose * functional.cross_entropy(logits[:, POSE_OUTPUTS], pose)
        if not torch.isfinite(loss):
            raise ConfigError(
                f"training diverged: expected a finite loss, found {loss.item()} in epoch {self.current_epoch}, step "
                f"{self.trainer.global_step}; lower learning_rate, or raise precision, and start again; the last good "
                "checkpoint is kept, and --resume goes on from it"
            )
        self.log("train_loss", loss, on_epoch=True, on_step=False, prog_bar=True)
        return loss

    def loss(self, logits: Float[Tensor, "n outputs"], targets: Float[Tensor, "n targets"]) -> Tensor:
        """Sum over the heads of the mean binary cross-entropy of the images that are labelled for them."""
        weights = self.config.loss
        heads = (
            (weights.Pneumonia, slice(0, 1)),
            (weights.findings, FINDING_OUTPUTS),
            (weights.opacity, slice(OPACITY_OUTPUT, OPACITY_OUTPUT + 1)),
            (weights.airspace, slice(AIRSPACE_OUTPUT, AIRSPACE_OUTPUT + 1)),
        )
        return torch.stack([w * masked_bce(logits[:, head], targets[:, head]) for w, head in heads]).sum()

    def validation_step(self, batch: Batch, _index: int) -> None:
        """Keep logits and targets for the epoch's numbers."""
        images, targets, _ = batch
        self.scores.append((self.network(unit(images)).float(), targets))

    def on_validation_epoch_end(self) -> None:
        """Loss over validation patients, logged once per epoch."""
        logits, targets = (torch.cat(part) for part in zip(*self.scores, strict=True))
        self.scores.clear()
        self.log("val_loss", self.loss(logits, targets), prog_bar=True)
        self.log("val_pneumonia_loss", masked_bce(logits[:, :1], targets[:, :1]), prog_bar=True)

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


def box_loss(activation: Float[Tensor, "n y x"], boxes: Float[Tensor, "n h w"]) -> Float[Tensor, ""]:
    """Mean binary cross-entropy of each place of the feature map against its share that lies in a box; NaN masked."""
    target = functional.adaptive_avg_pool2d(boxes[:, None], (activation.shape[1], activation.shape[2]))[:, 0]
    return masked_bce(activation, target)
