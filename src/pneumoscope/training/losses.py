"""Losses over partly labelled targets: what is not labelled (NaN) does not count."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, distributed
from torch.nn import functional


def masked_bce(logits: Float[Tensor, "*shape"], targets: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """Mean binary cross-entropy over the labelled targets of all processes; zero where there are none."""
    known = ~torch.isnan(targets)
    losses = functional.binary_cross_entropy_with_logits(logits, torch.nan_to_num(targets), reduction="none")
    return masked_mean(losses, known)


def masked_mean(losses: Float[Tensor, "*shape"], known: Bool[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """Mean of the known losses of all processes.

    Each process's part is scaled so that the average of the gradients over processes, which is what data-parallel
    training takes, is the gradient of the mean over all: processes hold different numbers of labelled targets.
    """
    count, processes = known.sum().to(losses.dtype), 1
    if distributed.is_available() and distributed.is_initialized():
        processes = distributed.get_world_size()
        distributed.all_reduce(count)
    return torch.where(known, losses, 0).sum() * processes / count.clamp(min=1)
