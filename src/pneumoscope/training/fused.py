"""Convolution and batch normalisation as one layer with fixed statistics, which a processor trains three times faster.

Statistics are measured once, before training, on images of the task. After that a normalisation is a scale and a shift
by channel, which go into the convolution's weights: no pass over the activations is spent on it.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from pneumoscope.core import ConfigError

_WIDEST = 3


class FusedConvolution(nn.Module):
    """A convolution and the batch normalisation after it; weights, scale and shift learn, statistics do not.

    A 1 x 1 convolution is a matrix product over the places of a channels-last map: on one thread PyTorch's own
    convolution takes a slower path. The gradient of a wide depthwise kernel takes ten times its forward pass on a
    processor, so these kernels and their scales stay as they are, and only their shifts learn.
    """

    def __init__(self, convolution: nn.Conv2d, normalisation: nn.BatchNorm2d) -> None:
        super().__init__()
        if type(convolution) is not nn.Conv2d:  # timm's other kinds pad by themselves, which the layer would leave out
            raise ConfigError(f"backbone: expected symmetric padding, got {type(convolution).__name__}")
        self.convolution, self.normalisation = convolution, normalisation
        self.clipped = isinstance(getattr(normalisation, "act", None), nn.ReLU6)
        if convolution.groups > 1 and convolution.kernel_size[0] > _WIDEST:
            convolution.weight.requires_grad_(False)
            normalisation.weight.requires_grad_(False)

    def forward(self, maps: Float[Tensor, "n c y x"]) -> Float[Tensor, "n d v u"]:
        """Return the maps after convolution, normalisation and activation."""
        normalisation, convolution = self.normalisation, self.convolution
        assert normalisation.running_var is not None
        assert normalisation.running_mean is not None
        gain = normalisation.weight * torch.rsqrt(normalisation.running_var + normalisation.eps)
        shift = normalisation.bias - normalisation.running_mean * gain
        weight = convolution.weight * gain[:, None, None, None]
        if convolution.kernel_size == (1, 1):
            out = functional.linear(maps.permute(0, 2, 3, 1), weight[:, :, 0, 0], shift).permute(0, 3, 1, 2)
        else:
            size = (convolution.stride, convolution.padding, convolution.dilation, convolution.groups)
            out = functional.conv2d(maps, weight, None, *size) + shift[:, None, None]  # type: ignore[arg-type]
        return functional.relu6(out) if self.clipped else out


def fuse(backbone: Any) -> dict[str, str]:
    """Replace each pair of an EfficientNet-Lite by a fused layer; return each new weight's name by its old one's.

    Args:
        backbone: Of timm; changed in place.

    Raises:
        ConfigError: It is no EfficientNet-Lite.
    """
    names = {}
    for owner, (where, convolution, normalisation) in pairs(backbone):
        fused = FusedConvolution(getattr(owner, convolution), getattr(owner, normalisation))
        setattr(owner, convolution, fused)
        setattr(owner, normalisation, nn.Identity())
        for part, name in (("convolution", convolution), ("normalisation", normalisation)):
            for weight in getattr(fused, part).state_dict():
                names[f"{where}{name}.{weight}"] = f"{where}{convolution}.{part}.{weight}"
    return names


def pairs(backbone: Any) -> list[tuple[Any, tuple[str, str, str]]]:
    """Return each convolution with the normalisation after it: their owner, its path, and their two names.

    Raises:
        ConfigError: It is no EfficientNet-Lite or MobileNet.
    """
    from timm.models._efficientnet_blocks import DepthwiseSeparableConv, InvertedResidual

    if not all(hasattr(backbone, name) for name in ("conv_stem", "bn1", "conv_head", "bn2")):
        raise ConfigError(f"backbone: expected an EfficientNet-Lite or MobileNet, got {type(backbone).__name__}")
    found: list[tuple[Any, tuple[str, str, str]]] = [
        (backbone, ("", "conv_stem", "bn1")),
        (backbone, ("", "conv_head", "bn2")),
    ]
    for name, layer in list(backbone.named_modules()):
        pairs: tuple[tuple[str, str], ...] = ()
        if isinstance(layer, InvertedResidual):
            pairs = (("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3"))
        elif isinstance(layer, DepthwiseSeparableConv):
            pairs = (("conv_dw", "bn1"), ("conv_pw", "bn2"))
        found += [(layer, (f"{name}.", *pair)) for pair in pairs]
    return found


@torch.no_grad()
def measure_statistics(network: nn.Module, batches: list[Float[Tensor, "n 1 h w"]]) -> None:
    """Give each batch normalisation the mean and variance of what comes in, over all batches."""
    layers = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # a plain average
    training = network.training
    network.train()
    for batch in batches:
        network(batch)
    network.train(training)
