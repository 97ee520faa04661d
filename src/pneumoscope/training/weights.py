"""Initial weights: a local file, or a download where the user asks for one; never by default."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from pneumoscope.core import ConfigError
from pneumoscope.training.images import unit
from pneumoscope.training.network import Network

DOWNLOAD = "timm:"
# Of a classifier that the network does not have, under the names that timm and torchvision use.
_HEADS = ("classifier", "head", "fc", "pre_logits")
_SAMPLE = 256


def initialise(network: Network, name: str, *, folder: Path, images: UInt8[np.ndarray, "n size size"]) -> None:
    """Give the backbone the weights of that name: empty none, `timm:MODEL` a download, else a file in `folder`.

    Args:
        network: Changed in place.
        name: From the configuration.
        folder: Where files lie; safetensors, or a state dictionary of torch.
        images: Training images, of which some give folded batch normalisations their statistics.

    Raises:
        ConfigError: The weights are not there, cannot be read or do not fit.
    """
    if not name:
        return
    state = _download(name.removeprefix(DOWNLOAD)) if name.startswith(DOWNLOAD) else read_state(folder / name)
    load_backbone(network, state, where=name)
    if _is_folded(network):
        unfold_normalisation(network, unit(torch.from_numpy(images[:_SAMPLE])[:, None]))


def read_state(path: Path) -> dict[str, Tensor]:
    """Weights by name in a safetensors or torch file; torch's are read without running code in them.

    Raises:
        ConfigError: There is no file, or it is no such file.
    """
    if not path.is_file():
        raise ConfigError(f"initial weights: expected a file at {path}, found none")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # each library has its own for damage
        raise ConfigError(f"{path}: expected weights (safetensors or torch), found {error}") from error
    return dict(state.get("state_dict", state))


def load_backbone(network: Network, state: dict[str, Tensor], *, where: str) -> None:
    """Load weights into the backbone; a first layer for colour is summed where ours takes grey.

    Raises:
        ConfigError: Names or shapes do not fit; the first that do not are named.
    """
    ours = network.backbone.state_dict()
    state = {key: value for key, value in state.items() if key.split(".")[0] not in _HEADS}
    for key, value in state.items():
        if value.ndim == 4 and key in ours and value.shape[1] == 3 and ours[key].shape[1] == 1:
            state[key] = value.sum(dim=1, keepdim=True)
    needed = {key for key in ours if not key.endswith("num_batches_tracked") and key.split(".")[0] not in _HEADS}
    missing, unexpected = sorted(needed - state.keys()), sorted(state.keys() - ours.keys())
    misfit = [key for key in state.keys() & ours.keys() if state[key].shape != ours[key].shape]
    if missing or unexpected or misfit:
        raise ConfigError(
            f"{where} does not fit the backbone: missing {missing[:3]}, unexpected {unexpected[:3]}, of another shape "
            f"{sorted(misfit)[:3]}"
        )
    network.backbone.load_state_dict(state, strict=False)


def _download(model: str) -> dict[str, Tensor]:
    import timm

    try:
        return dict(timm.create_model(model, pretrained=True).state_dict())
    except Exception as error:  # whatever the hub's client raises
        raise ConfigError(f"initial weights: expected to download {model!r}, found {error}") from error


def _is_folded(network: Network) -> bool:
    """Whether batch normalisation came folded into the convolutions: scale 1 and mean 0 everywhere."""
    layers = [layer for layer in network.backbone.modules() if isinstance(layer, nn.BatchNorm2d)]
    return bool(layers) and all(
        bool((layer.weight == 1).all()) and layer.running_mean is not None and bool((layer.running_mean == 0).all())
        for layer in layers
    )


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
