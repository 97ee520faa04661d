"""Other ways to ask where an answer comes from, for comparison with the class activation map that ships."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from pneumoscope.training.network import Network

Images = UInt8[np.ndarray, "n size size"]

# Occluding patches a side. More would say more, at its square's price in passes of the model.
PATCHES = 6


def grad_cam(
    network: Network, images: Float[Tensor, "n 1 h w"], *, output: int, layer: nn.Module
) -> Float[np.ndarray, "n y x"]:
    """Return Grad-CAM for one output: a layer's maps, each weighted by its mean gradient, summed and never below 0.

    At `network.added`, whose maps are the last, this is the class activation map without its bias, divided by the
    number of places, where that is above 0: nothing new (Selvaraju et al., section 3.1). An earlier layer is finer.

    Source:
        Selvaraju et al., ICCV 2017, equations 1 and 2.
    """
    kept: list[Tensor] = []
    hook = layer.register_forward_hook(lambda _module, _inputs, maps: kept.append(maps))
    try:
        with torch.enable_grad():
            logits = network(images)[:, output].sum()
    finally:
        hook.remove()
    (gradient,) = torch.autograd.grad(logits, kept)
    weighed = (gradient.mean(dim=(2, 3), keepdim=True) * kept[0]).sum(dim=1)
    found: Float[np.ndarray, "n y x"] = weighed.clamp(min=0).detach().numpy()
    return found


@torch.no_grad()
def finer_layer(network: Network, images: Float[Tensor, "n 1 h w"]) -> nn.Module:
    """Return the last layer whose maps are finer than those that the class activation map is made of."""
    seen: list[tuple[nn.Module, int]] = []

    def note(module: nn.Module, _inputs: object, maps: object) -> None:
        if isinstance(maps, Tensor) and maps.ndim == 4:
            seen.append((module, maps.shape[2]))

    layers = [module for module in network.backbone.modules() if not list(module.children())]
    hooks = [module.register_forward_hook(note) for module in layers]
    coarsest = network.features(images).shape[2]
    for hook in hooks:
        hook.remove()
    return [module for module, rows in seen if rows > coarsest][-1]


def occlusion(
    logit: Callable[[Images], Float[np.ndarray, " n"]], images: Images
) -> Float[np.ndarray, "n patches patches"]:
    """Return how far each image's logit falls when a patch is set to the image's mean grey; this needs no gradient.

    Source:
        Zeiler and Fergus, ECCV 2014, section 4.2.
    """
    edges = np.linspace(0, images.shape[1], PATCHES + 1).round().astype(int)
    grey = images.mean(axis=(1, 2)).round().astype(np.uint8)[:, None, None]
    whole, fall = logit(images), np.empty((len(images), PATCHES, PATCHES))
    for row in range(PATCHES):
        for column in range(PATCHES):
            hidden = images.copy()
            hidden[:, edges[row] : edges[row + 1], edges[column] : edges[column + 1]] = grey
            fall[:, row, column] = whole - logit(hidden)
    return fall
