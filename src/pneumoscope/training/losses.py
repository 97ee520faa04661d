"""Losses over partly labelled targets: what is not labelled (NaN) does not count."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, distributed
from torch.nn import functional

from pneumoscope.training.config import Criterion


@dataclass(frozen=True, slots=True, eq=False)
class Loss:
    """The loss of each target: its kind, and for `weighted_bce` the share of positives in training.

    Attributes:
        criterion: From the configuration.
        positives: Share of positives among the training images labelled for each target; [0.5, ...] elsewhere.
    """

    criterion: Criterion
    positives: Float[Tensor, " targets"]

    def __call__(self, logits: Float[Tensor, "n targets"], targets: Float[Tensor, "n targets"]) -> Float[Tensor, ""]:
        """Return the mean loss over the labelled targets of all processes; targets may be soft, in [0, 1]."""
        known, soft = ~torch.isnan(targets), torch.nan_to_num(targets)
        positives = self.positives.to(logits.device)
        return masked_mean(element_loss(logits, soft, self.criterion, positives=positives), known)

    def part(self, columns: slice) -> "Loss":
        """Return the loss for some of the targets."""
        return Loss(self.criterion, self.positives[columns])


def element_loss(
    logits: Float[Tensor, "n targets"],
    targets: Float[Tensor, "n targets"],
    criterion: Criterion,
    *,
    positives: Float[Tensor, " targets"],
) -> Float[Tensor, "n targets"]:
    """Return the loss of each target, none of them NaN: a positive's part by `target`, a negative's by the rest.

    Source:
        Weighted: Rajpurkar et al., arXiv 1711.05225, equation 1. Focal: Lin et al., ICCV 2017, equation 4 (without
        alpha). Asymmetric: Ridnik et al., ICCV 2021, equations 5 to 7.
    """
    positive, negative = -functional.logsigmoid(logits), -functional.logsigmoid(-logits)
    probability = torch.sigmoid(logits)
    if criterion.kind == "weighted_bce":
        positive, negative = positive * (1 - positives), negative * positives
    elif criterion.kind == "focal":
        positive = positive * (1 - probability) ** criterion.gamma
        negative = negative * probability**criterion.gamma
    elif criterion.kind == "asymmetric":
        shifted = (probability - criterion.margin).clamp(min=0)
        positive = positive * (1 - probability) ** criterion.gamma
        negative = -torch.log1p(-shifted.clamp(max=1 - 1e-6)) * shifted**criterion.gamma_negative
    return targets * positive + (1 - targets) * negative


def smooth(labels: Float[Tensor, "*shape"], criterion: Criterion) -> Float[Tensor, "*shape"]:
    """Return text-mined labels as the chance of the finding: 1 - false positives, or false negatives; NaN stays.

    Source:
        Szegedy et al., CVPR 2016, section 7 (label smoothing); here by the labels' estimated errors.
    """
    return labels * (1 - criterion.false_positives) + (1 - labels) * criterion.false_negatives


def positive_shares(targets: Float[np.ndarray, "n targets"]) -> Float[Tensor, " targets"]:
    """Return the share of positives among the rows labelled for each target; one half where there are none."""
    known = ~np.isnan(targets)
    counts = known.sum(axis=0)
    shares = np.where(counts > 0, np.nansum(targets, axis=0) / np.maximum(counts, 1), 0.5)
    return torch.tensor(shares, dtype=torch.float32)


def masked_bce(logits: Float[Tensor, "*shape"], targets: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """Return the mean binary cross-entropy over the labelled targets of all processes; zero where there are none."""
    known = ~torch.isnan(targets)
    losses = functional.binary_cross_entropy_with_logits(logits, torch.nan_to_num(targets), reduction="none")
    return masked_mean(losses, known)


def masked_mean(losses: Float[Tensor, "*shape"], known: Bool[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """Return the mean of the known losses of all processes.

    Each process's part is scaled so that the average of the gradients over processes, which is what data-parallel
    training takes, is the gradient of the mean over all: processes hold different numbers of labelled targets.
    """
    count, processes = known.sum().to(losses.dtype), 1
    if distributed.is_available() and distributed.is_initialized():
        processes = distributed.get_world_size()
        distributed.all_reduce(count)
    return torch.where(known, losses, 0).sum() * processes / count.clamp(min=1)
