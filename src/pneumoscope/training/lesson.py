"""What one training step does: augmentation, heads, losses; the same after any resume."""

from collections.abc import Iterator
from typing import Any

import lightning
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from pneumoscope.core import ConfigError
from pneumoscope.training.augmentation import UPRIGHT, augment_pair, turn
from pneumoscope.training.config import RunConfig, TrainingConfig
from pneumoscope.training.images import unit
from pneumoscope.training.losses import Loss, masked_bce, smooth
from pneumoscope.training.network import (
    AIRSPACE_OUTPUT,
    FINDING_OUTPUTS,
    OPACITY_OUTPUT,
    OUTPUTS,
    POSE_OUTPUTS,
    Network,
)
from pneumoscope.training.optimization import optimization

Batch = tuple[Tensor, Tensor, Tensor]
# How often the loss is looked at, steps: each look waits for a GPU.
CHECK_EVERY = 20
# Of the activation map, where a place is as likely in a radiologist's box as not.
PLACE_LOGIT = 2.0


class Repeatable(lightning.LightningModule):
    """What every run's module does: each step's randomness is a function of seed, epoch, step and process.

    So a resumed run draws what the interrupted one would have. A loss that is not finite ends the run.

    Args:
        network: Changed by training.
        config: Of one member.
    """

    def __init__(self, network: Network, config: RunConfig) -> None:
        super().__init__()
        self.network, self.config = network, config

    def on_train_batch_start(self, _batch: Batch, index: int) -> None:
        """Seed augmentation and dropout."""
        place = (self.config.seeds[0], self.current_epoch, index, self.global_rank)
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0]))

    def on_train_epoch_end(self) -> None:
        """Raise `ConfigError` if the network diverged, before its checkpoint replaces that of a finite one."""
        self.require_finite(self.trainer.callback_metrics["train_loss"])

    def configure_optimizers(self) -> Any:
        """Return optimizer and schedule by the configuration's section [optimizer]."""
        return optimization(self, self.config, steps=int(self.trainer.estimated_stepping_batches))

    def log_mean(self, name: str, value: Tensor) -> None:
        """Log a step's number; the epoch's row has its mean."""
        several = self.trainer.world_size > 1
        self.log(name, value, on_epoch=True, on_step=False, prog_bar=name == "train_loss", sync_dist=several)

    def require_finite(self, loss: Tensor) -> None:
        """Raise `ConfigError` where the loss is no number any more."""
        if not torch.isfinite(loss):
            raise ConfigError(
                f"training diverged: expected a finite loss, found {loss.item()} in epoch {self.current_epoch}, step "
                f"{self.trainer.global_step}; the last good epoch's checkpoint is kept and --resume goes on from it; "
                "if it comes back, lower learning_rate or take precision 32-true"
            )


class Lesson(Repeatable):
    """One member's training with labels.

    Args:
        network: Changed by training.
        config: Of one member.
        positives: Share of positives in training for each target, for the weighted loss.
    """

    config: TrainingConfig

    def __init__(self, network: Network, config: TrainingConfig, *, positives: Float[Tensor, " targets"]) -> None:
        super().__init__(network, config)
        self.criterion = Loss(config.criterion, positives)
        self.scores: list[tuple[Tensor, Tensor]] = []

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Return the loss of one augmented batch."""
        images, targets, boxes = batch
        strength, weights = self.config.augmentation, self.config.loss
        moved, placed = augment_pair(unit(images), boxes[:, None], strength, size_px=self.config.train_size_px)
        shown, pose = turn(moved, strength.pose)
        upright = pose == UPRIGHT
        maps = self.network.features(shown.to(memory_format=torch.channels_last))
        logits = self.network.answer(maps).float()
        targets = targets.clone()
        targets[:, FINDING_OUTPUTS] = smooth(targets[:, FINDING_OUTPUTS], self.config.criterion)
        loss = self.loss(logits, torch.where(upright[:, None], targets, torch.nan))
        if weights.boxes:
            placed = torch.where(upright[:, None, None], placed[:, 0], torch.nan)
            shipped = OUTPUTS.index(self.config.ships)
            loss = loss + weights.boxes * box_loss(self.network.activation(maps, shipped).float(), placed)
        loss = loss + weights.pose * functional.cross_entropy(logits[:, POSE_OUTPUTS], pose)
        if index % CHECK_EVERY == 0:
            self.require_finite(loss)
        self.log_mean("train_loss", loss)
        return loss

    def loss(self, logits: Float[Tensor, "n outputs"], targets: Float[Tensor, "n targets"]) -> Tensor:
        """Return the weighted sum over the heads of the mean loss of the images that are labelled for them."""
        return torch.stack([weight * part for weight, part in self._losses(logits, targets)]).sum()

    def _losses(self, logits: Tensor, targets: Tensor) -> Iterator[tuple[float, Tensor]]:
        weights = self.config.loss
        for weight, head in (
            (weights.Pneumonia, slice(0, 1)),
            (weights.findings, FINDING_OUTPUTS),
            (weights.opacity, slice(OPACITY_OUTPUT, OPACITY_OUTPUT + 1)),
            (weights.airspace, slice(AIRSPACE_OUTPUT, AIRSPACE_OUTPUT + 1)),
        ):
            yield weight, self.criterion.part(head)(logits[:, head], targets[:, head])

    def validation_step(self, batch: Batch, _index: int) -> None:
        """Keep logits and targets for the epoch's numbers."""
        images, targets, _ = batch
        self.scores.append((self.network(unit(images)).float(), targets))

    def on_validation_epoch_end(self) -> None:
        """Log the loss over validation patients, once per epoch: of all heads, and of the output that ships."""
        logits, targets = (torch.cat(part) for part in zip(*self.scores, strict=True))
        self.scores.clear()
        ships = OUTPUTS.index(self.config.ships)
        several = self.trainer.world_size > 1
        shipped = masked_bce(logits[:, ships], targets[:, ships])
        self.log("val_loss", self.loss(logits, targets), prog_bar=True, sync_dist=several)
        self.log("val_pneumonia_loss", shipped, prog_bar=True, sync_dist=several)


def box_loss(activation: Float[Tensor, "n y x"], boxes: Float[Tensor, "n h w"]) -> Float[Tensor, ""]:
    """Return the mean binary cross-entropy of each place of an activation map against its share in a box; NaN masked.

    The map's mean is the image's logit, so a box that covers a tenth of a suspicious film must lie far above it: a
    place is as likely in a box as not at the logit `PLACE_LOGIT`.
    """
    target = functional.adaptive_avg_pool2d(boxes[:, None], (activation.shape[1], activation.shape[2]))[:, 0]
    return masked_bce(activation - PLACE_LOGIT, target)
