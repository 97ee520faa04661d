"""The network in training: a timm backbone and one linear head for all targets."""

from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pneumoscope.core import ConfigError
from pneumoscope.datasets import FINDINGS
from pneumoscope.training.augmentation import POSES

# Outputs of the linear head, in order. Only the first ships.
OUTPUTS = (
    "Pneumonia",
    *(f"nih_{finding}" for finding in FINDINGS),
    "opacity",
    "airspace",
    "boxes",
    *(f"pose_{i}" for i in range(POSES)),
)
FINDING_OUTPUTS = slice(1, 1 + len(FINDINGS))
OPACITY_OUTPUT = 1 + len(FINDINGS)
AIRSPACE_OUTPUT = OPACITY_OUTPUT + 1
BOX_OUTPUT = OPACITY_OUTPUT + 2
POSE_OUTPUTS = slice(OPACITY_OUTPUT + 3, None)


class Network(nn.Module):
    """Grey image in [-1, 1] to one logit per output; global average pooling, so that the paper's CAM is exact."""

    def __init__(self, backbone: str, *, dropout: float) -> None:
        super().__init__()
        import timm

        try:
            model: Any = timm.create_model(backbone, in_chans=1, num_classes=0, global_pool="")
        except RuntimeError as error:
            raise ConfigError(f"backbone: expected a timm model name, got {backbone!r} ({error})") from error
        features: int = model.num_features
        self.backbone = model
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(features, len(OUTPUTS))

    def features(self, images: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n c y x"]:
        """The last feature maps, before pooling."""
        maps: Tensor = self.backbone.forward_features(images)
        return maps

    def forward(self, images: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n outputs"]:
        """One logit per output."""
        return self.answer(self.features(images))

    def answer(self, maps: Float[Tensor, "n c y x"]) -> Float[Tensor, "n outputs"]:
        """One logit per output, of feature maps."""
        logits: Tensor = self.head(self.dropout(maps.mean(dim=(2, 3))))
        return logits

    def activation(self, maps: Float[Tensor, "n c y x"], output: int) -> Float[Tensor, "n y x"]:
        """One output's logit at each place: its class activation map, whose mean is its logit.

        Source:
            Zhou et al., CVPR 2016, equation 2.
        """
        weight, bias = self.head.weight[output], self.head.bias[output]
        return torch.einsum("ncyx,c->nyx", maps, weight) + bias


def load_imagenet_mobilenet(network: Network, path: Path) -> None:
    """Initialise the backbone from ImageNet weights whose batch normalisation came folded; stem summed over RGB.

    Raises:
        ConfigError: The file is missing or does not fit the backbone.
    """
    from safetensors.torch import load_file

    if not path.is_file():
        raise ConfigError(f"initial weights: expected a safetensors file at {path}, found none")
    state = {key: value for key, value in load_file(path).items() if not key.startswith("classifier")}
    state["conv_stem.weight"] = state["conv_stem.weight"].sum(dim=1, keepdim=True)
    missing, unexpected = network.backbone.load_state_dict(state, strict=False)
    missing = [key for key in missing if not key.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise ConfigError(f"{path} does not fit the backbone: missing {missing[:3]}, unexpected {unexpected[:3]}")


@torch.no_grad()
def unfold_normalisation(network: Network, images: Float[Tensor, "n 1 h w"]) -> None:
    """Give each batch normalisation the statistics of what comes in, and keep the function that it computes.

    Folded weights have scale 1, mean 0 and all of the shift in the bias, so training would start by destroying
    them: here mean and variance are set to the input's, scale to the deviation, bias to bias + mean.
    """

    def measure(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, nn.BatchNorm2d)
        assert layer.running_mean is not None
        assert layer.running_var is not None
        values = inputs[0].transpose(0, 1).flatten(1)
        gain = layer.weight / torch.sqrt(layer.running_var + layer.eps)
        shift = layer.bias - layer.running_mean * gain
        mean, variance = values.mean(dim=1), values.var(dim=1)
        layer.running_mean.copy_(mean)
        layer.running_var.copy_(variance)
        layer.weight.copy_(gain * torch.sqrt(variance + layer.eps))
        layer.bias.copy_(shift + mean * gain)

    layers = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    hooks = [layer.register_forward_pre_hook(measure) for layer in layers]
    network.eval()
    network(images)
    for hook in hooks:
        hook.remove()
    network.train()
