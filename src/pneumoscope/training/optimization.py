"""Optimizer and learning-rate schedule of a configuration, as Lightning takes them."""

from typing import Any

import torch
from torch import nn

from pneumoscope.training.config import RunConfig

# Share of the one-cycle schedule in which the rate rises.
WARM_UP = 0.15
MONITORED = "val_loss"


def optimization(network: nn.Module, config: RunConfig, *, steps: int) -> dict[str, Any]:
    """Return the optimizer of what learns, and its schedule over `steps` (one cycle) or epochs (plateau).

    Source:
        One cycle: Smith and Topin, arXiv 1708.07120. Plateau: Rajpurkar et al., arXiv 1711.05225, section 2.1.
    """
    optimizer = _optimizer(network, config)
    settings = config.optimizer
    if settings.schedule == "one_cycle":
        cycle = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=config.learning_rate, total_steps=steps, pct_start=WARM_UP
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}
    if settings.schedule == "plateau":
        plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, factor=settings.factor, patience=settings.patience
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": plateau, "monitor": MONITORED}}
    return {"optimizer": optimizer}


def _optimizer(network: nn.Module, config: RunConfig) -> torch.optim.Optimizer:
    settings, rate = config.optimizer, config.learning_rate
    learning = [p for p in network.parameters() if p.requires_grad]
    if settings.kind == "sgd":
        return torch.optim.SGD(learning, lr=rate, momentum=settings.betas[0], weight_decay=config.weight_decay)
    if settings.kind == "adam":
        return torch.optim.Adam(learning, lr=rate, betas=settings.betas, weight_decay=config.weight_decay)
    groups = [
        {"params": [p for p in learning if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in learning if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=rate, betas=settings.betas)
