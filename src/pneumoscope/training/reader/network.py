"""The reader's network: an EfficientNet-Lite, global average pooling, one linear head; and ImageNet's weights."""

import importlib.util
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pneumoscope.core import ConfigError
from pneumoscope.training.augmentation import POSES
from pneumoscope.training.reader.material import TARGETS

OUTPUTS = (*TARGETS, *(f"pose_{number}" for number in range(POSES)))
POSE = slice(len(TARGETS), len(OUTPUTS))
# The padding that the package's weights were trained with; timm's twin has TensorFlow's by default.
SYMMETRIC = ""
# So small that the head's first answers hardly differ from one half.
_HEAD_DEVIATION = 0.005


class ReaderNetwork(nn.Module):
    """Grey image in [-1, 1] to one logit per output; the mean of an output's activation map is its logit."""

    def __init__(self, backbone: str, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.backbone = _backbone(backbone, in_chans=1, num_classes=0, global_pool="")
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(int(self.backbone.num_features), len(OUTPUTS))
        nn.init.normal_(self.head.weight, std=_HEAD_DEVIATION)
        nn.init.zeros_(self.head.bias)

    def features(self, images: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n c y x"]:
        """Return the last feature maps."""
        maps: Tensor = self.backbone.forward_features(images)
        return maps

    def forward(self, images: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n outputs"]:
        """Return one logit per output."""
        return self.answer(self.features(images))

    def answer(self, maps: Float[Tensor, "n c y x"]) -> Float[Tensor, "n outputs"]:
        """Return one logit per output, of feature maps."""
        logits: Tensor = self.head(self.dropout(maps.mean(dim=(2, 3))))
        return logits

    def activation(self, maps: Float[Tensor, "n c y x"], output: int) -> Float[Tensor, "n y x"]:
        """Return one output's class activation map (Zhou et al., CVPR 2016, equation 2)."""
        return torch.einsum("ncyx,c->nyx", maps, self.head.weight[output]) + self.head.bias[output]


def load_imagenet(network: ReaderNetwork, backbone: str, *, package: str) -> None:
    """Load ImageNet's weights from an installed package of EfficientNet-Lite weights.

    The package's tensors are those of timm's network, in the same order and shapes, under other names. The first
    layer is summed over colours, since the reader's images are grey.

    Raises:
        ConfigError: The package is not installed, or its weights are of another network.
    """
    state = torch.load(_weights_file(package), map_location="cpu", weights_only=True)
    own = _backbone(backbone, num_classes=1000).state_dict()
    shapes = [[tuple(value.shape) for value in one.values()] for one in (own, state)]
    if shapes[0] != shapes[1]:
        raise ConfigError(f"{package}: expected weights of {backbone}, found another architecture's")
    named = {name: value for name, value in zip(own, state.values(), strict=True) if not name.startswith("classifier")}
    named["conv_stem.weight"] = named["conv_stem.weight"].sum(dim=1, keepdim=True)
    network.backbone.load_state_dict(named)


def mean_weights(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of networks that began alike (Wortsman et al., ICML 2022, model soups).

    Raises:
        ConfigError: They are of different architectures.
    """
    first = states[0]
    for other in states[1:]:
        if {name: value.shape for name, value in other.items()} != {name: value.shape for name, value in first.items()}:
            raise ConfigError("expected weights of one architecture, found two")
    return {
        name: torch.stack([state[name] for state in states]).mean(dim=0) if value.is_floating_point() else value
        for name, value in first.items()
    }


def load_weights(path: Path, network: nn.Module) -> None:
    """Load a stage's weights.

    Raises:
        ConfigError: There are none, the file is damaged, or they are of another architecture.
    """
    network.load_state_dict(read_weights(path, network))


def read_weights(path: Path, network: nn.Module) -> dict[str, Tensor]:
    """Return a stage's weights, which must be of the network's architecture.

    Raises:
        ConfigError: There are none, the file is damaged, or they are of another architecture.
    """
    try:
        state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever the damage suggests to it
        raise ConfigError(f"expected a stage's weights at {path}, found {type(error).__name__}") from error
    own = network.state_dict()
    if misfit := sorted(name for name in own.keys() | state.keys() if _shape(own, name) != _shape(state, name)):
        raise ConfigError(f"{path}: expected weights of this architecture, found others, first {misfit[0]}")
    return state


def _shape(state: dict[str, Tensor], name: str) -> tuple[int, ...] | None:
    return tuple(state[name].shape) if name in state else None


def _weights_file(package: str) -> Path:
    found = importlib.util.find_spec(package)
    files = sorted(Path(str(found.origin)).parent.glob("models/*.pth")) if found and found.origin else []
    if not files:
        raise ConfigError(f"expected the package {package.replace('_', '-')} with ImageNet's weights, found none")
    return files[0]


def _backbone(name: str, **settings: Any) -> Any:
    import timm

    try:
        return timm.create_model(name, pad_type=SYMMETRIC, **settings)
    except (RuntimeError, TypeError) as error:
        raise ConfigError(f"backbone: expected an EfficientNet-Lite or MobileNet, got {name!r} ({error})") from error
