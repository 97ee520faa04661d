"""The network in training: a timm backbone, added layers, global average pooling, one linear head for all targets."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pneumoscope.core import ConfigError
from pneumoscope.datasets import FINDINGS
from pneumoscope.training.augmentation import POSES
from pneumoscope.training.config import Layers, TrainingConfig

# Outputs of the linear head, in order. One of them ships.
OUTPUTS = (
    "Pneumonia",
    *(f"nih_{finding}" for finding in FINDINGS),
    "opacity",
    "airspace",
    *(f"pose_{i}" for i in range(POSES)),
)
FINDING_OUTPUTS = slice(1, 1 + len(FINDINGS))
OPACITY_OUTPUT = 1 + len(FINDINGS)
AIRSPACE_OUTPUT = OPACITY_OUTPUT + 1
POSE_OUTPUTS = slice(OPACITY_OUTPUT + 2, None)

# Of RGB in [0, 1]. Source: torchvision's reference classification models, as timm has them.
IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_PROBE_PX = 64


class ImagenetInput(nn.Module):
    """Grey in [-1, 1] as three equal channels with ImageNet's mean and deviation."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None], persistent=False)
        self.register_buffer("deviation", torch.tensor(IMAGENET_DEVIATION)[:, None, None], persistent=False)

    def forward(self, images: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 3 h w"]:
        """Return the normalised channels."""
        return ((images + 1) / 2 - self.mean) / self.deviation


class Network(nn.Module):
    """Grey image in [-1, 1] to one logit per output; global average pooling, so that the paper's CAM is exact."""

    def __init__(self, backbone: str, *, dropout: float, layers: Layers = Layers()) -> None:  # noqa: B008 - frozen
        super().__init__()
        self.entry = ImagenetInput() if layers.input == "imagenet" else nn.Identity()
        self.backbone = _backbone(backbone, channels=3 if layers.input == "imagenet" else 1)
        width = _width(self.backbone, backbone, self.entry)
        added: list[nn.Module] = []
        for wider in layers.added:
            added += [nn.Conv2d(width, wider, 1), nn.ReLU(), nn.Dropout(dropout)]
            width = wider
        self.added = nn.Sequential(*added)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, len(OUTPUTS))

    def features(self, images: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n c y x"]:
        """Return the last feature maps, before pooling."""
        maps: Tensor = self.added(self.backbone.forward_features(self.entry(images)))
        return maps

    def forward(self, images: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n outputs"]:
        """Return one logit per output."""
        return self.answer(self.features(images))

    def answer(self, maps: Float[Tensor, "n c y x"]) -> Float[Tensor, "n outputs"]:
        """Return one logit per output, of feature maps."""
        logits: Tensor = self.head(self.dropout(maps.mean(dim=(2, 3))))
        return logits

    def activation(self, maps: Float[Tensor, "n c y x"], output: int) -> Float[Tensor, "n y x"]:
        """Return one output's logit at each place: its class activation map, whose mean is its logit.

        Source:
            Zhou et al., CVPR 2016, equation 2.
        """
        weight, bias = self.head.weight[output], self.head.bias[output]
        return torch.einsum("ncyx,c->nyx", maps, weight) + bias


def build_network(config: TrainingConfig) -> Network:
    """Build the configured network with random weights.

    Raises:
        ConfigError: timm does not know the backbone, or it has no feature map to pool.
    """
    return Network(config.backbone, dropout=config.dropout, layers=config.layers)


def _backbone(name: str, *, channels: int) -> Any:
    import timm

    try:
        return timm.create_model(name, in_chans=channels, num_classes=0, global_pool="")
    except RuntimeError as error:
        raise ConfigError(f"backbone: expected a timm model name, got {name!r} ({error})") from error
    except TypeError as error:  # transformers that cannot be built without pooling
        raise ConfigError(f"backbone: expected a network with a feature map, got {name!r} ({error})") from error


def _width(backbone: Any, name: str, entry: nn.Module) -> int:
    """Return the number of channels of the last feature map, and drop the parts of the backbone that it does not need.

    Those are of a classifier (VGG's dense layers, 119 million weights); processes that train together would wait for
    their gradients.
    """
    training = backbone.training
    try:
        with torch.enable_grad():
            maps = backbone.eval().forward_features(entry(torch.zeros(1, 1, _PROBE_PX, _PROBE_PX)))
            maps.sum().backward()
    except (AssertionError, RuntimeError) as error:
        raise ConfigError(f"backbone: expected a network for any image size, got {name!r} ({error})") from error
    finally:
        backbone.train(training)
    if maps.ndim != 4 or maps.shape[1] <= maps.shape[3]:
        raise ConfigError(
            f"backbone: expected a network whose last features are a map (channels first), got {name!r}, whose "
            f"features have the shape {list(maps.shape)}"
        )
    for part, layer in list(backbone.named_children()):
        parameters = list(layer.parameters())
        if parameters and all(parameter.grad is None for parameter in parameters):
            setattr(backbone, part, nn.Identity())
    backbone.zero_grad()
    return int(maps.shape[1])
