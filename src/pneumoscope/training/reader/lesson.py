"""One training step of the reader: how a batch is changed, and its loss."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor
from torch.nn import functional

from pneumoscope.training.augmentation import UPRIGHT, augment_pair, turn
from pneumoscope.training.config import Augmentation
from pneumoscope.training.images import unit
from pneumoscope.training.lesson import box_loss
from pneumoscope.training.reader.config import Weights
from pneumoscope.training.reader.material import REPORT, TARGETS, Material
from pneumoscope.training.reader.network import POSE, ReaderNetwork

# Outputs that a teacher is asked for: radiologists' classes and findings.
TAUGHT = TARGETS.index("view")
# Half of the batches are mixed.
_MIXED = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Changed images and what is known of them; NaN where nothing is."""

    images: Float[Tensor, "n 1 size size"]
    targets: Float[Tensor, "n targets"]
    soft: Float[Tensor, "n taught"]
    boxes: Float[Tensor, "n y x"]
    pose: Int[Tensor, " n"] | None


def draw_batch(
    material: Material,
    places: Shaped[np.ndarray, " n"],
    *,
    strength: Augmentation,
    size_px: int,
    soft: Float[np.ndarray, "all taught"] | None,
) -> Batch:
    """Return the images at these places, changed as acquisition may change them; a turned one teaches its pose only."""
    images = unit(torch.from_numpy(material.images[places])[:, None])
    boxes = torch.from_numpy(material.boxes[places])[:, None]
    moved, placed = augment_pair(images, boxes, strength, size_px=size_px)
    shown, pose = turn(moved, strength.pose)
    upright = pose == UPRIGHT
    taught = torch.full((len(places), TAUGHT), torch.nan) if soft is None else torch.from_numpy(soft[places])
    return Batch(
        shown,
        _where(upright, torch.from_numpy(material.targets[places])),
        _where(upright, taught),
        torch.where(upright[:, None, None], placed[:, 0], torch.nan),
        pose,
    )


def mix(batch: Batch, alpha: float, rng: np.random.Generator) -> Batch:
    """Return half of the batches with each image mixed with another one (Zhang et al., ICLR 2018, mixup).

    A target that one of both lacks is lacking. A mixed image has no pose.
    """
    if not alpha or rng.random() >= _MIXED:
        return batch
    drawn = float(rng.beta(alpha, alpha))
    share, other = max(drawn, 1 - drawn), torch.from_numpy(rng.permutation(len(batch.images)))
    images, targets, soft, boxes = (
        share * part + (1 - share) * part[other] for part in (batch.images, batch.targets, batch.soft, batch.boxes)
    )
    return Batch(images=images, targets=targets, soft=soft, boxes=boxes, pose=None)


def loss_of(network: ReaderNetwork, batch: Batch, weights: Weights, *, boxes: bool) -> Tensor:
    """Return the loss of one batch: labels, the teachers' answers, boxes on the opacity's activation map, pose.

    Args:
        network: In training.
        batch: From `draw_batch` and `mix`.
        weights: Of the heads; `soft` is the teachers' share where there are any.
        boxes: Whether radiologists drew boxes on such images.
    """
    maps = network.features(batch.images.to(memory_format=torch.channels_last))
    logits, by_head = network.answer(maps), head_weights(weights)
    loss = (by_head * mean_by_target(logits[:, : len(TARGETS)], batch.targets)).sum()
    if not torch.isnan(batch.soft).all():
        taught = (by_head[:TAUGHT] * mean_by_target(logits[:, :TAUGHT], batch.soft)).sum()
        loss = (1 - weights.soft) * loss + weights.soft * taught
    if boxes:
        loss = loss + weights.boxes * box_loss(network.activation(maps, TARGETS.index("opacity")), batch.boxes)
    if batch.pose is not None:
        loss = loss + weights.pose * functional.cross_entropy(logits[:, POSE], batch.pose)
    return loss


def head_weights(weights: Weights) -> Float[Tensor, " targets"]:
    """Return each target's weight; the findings share theirs, and the report's pneumonia has its own."""
    findings = [weights.findings / (TAUGHT - 3)] * (TAUGHT - 2)
    by_head = torch.tensor([weights.opacity, weights.normal, *findings, weights.view, weights.sex, weights.age])
    by_head[REPORT] = weights.report
    return by_head


def mean_by_target(
    logits: Float[Tensor, "n targets"], targets: Float[Tensor, "n targets"]
) -> Float[Tensor, " targets"]:
    """Return the mean cross-entropy of each target over the images that have it, of at least a quarter of them.

    So a target that few images of a batch have does not outweigh the others.
    """
    known: Bool[Tensor, "n targets"] = ~torch.isnan(targets)
    each = functional.binary_cross_entropy_with_logits(logits, torch.nan_to_num(targets), reduction="none")
    return (each * known).sum(dim=0) / known.sum(dim=0).clamp(min=len(logits) / 4)


def _where(upright: Bool[Tensor, " n"], values: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
    return torch.where(upright[:, None], values, torch.nan)
