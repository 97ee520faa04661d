"""Initial weights: a local file, or a download where the user asks for one; never by default."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from pneumoscope.core import ConfigError
from pneumoscope.training.config import RunConfig
from pneumoscope.training.images import unit
from pneumoscope.training.network import Network

DOWNLOAD = "timm:"
# Of a classifier that the network does not have, under the names that timm and torchvision use.
_HEADS = ("classifier", "head", "fc", "pre_logits")
_SAMPLE = 256
# Key of a file's metadata.
_SPLIT = "pneumoscope_split"


def initialise(network: Network, config: RunConfig, *, folder: Path, images: UInt8[np.ndarray, "n size size"]) -> None:
    """Give the backbone `initial_weights`: empty none, `timm:MODEL` a download, else a file in `folder` or at a path.

    Args:
        network: Changed in place.
        config: Whose `initial_weights` they are.
        folder: Where files lie; safetensors, or a state dictionary of torch.
        images: Training images, of which some give folded batch normalisations their statistics.

    Raises:
        ConfigError: The weights are not there, cannot be read, do not fit, or have seen patients that are held out.
    """
    name = config.initial_weights
    if not name:
        return
    if name.startswith(DOWNLOAD):
        state = _download(name.removeprefix(DOWNLOAD))
    else:
        path = locate(name, folder)
        state = read_state(path)
        _require_same_split(path, config)
    load_backbone(network, state, where=name)
    if _is_folded(network):
        unfold_normalisation(network, unit(torch.from_numpy(images[:_SAMPLE])[:, None]))


def locate(name: str, folder: Path) -> Path:
    """Return where a file of initial weights lies: in `folder`, or where the name says.

    Raises:
        ConfigError: In neither place.
    """
    for path in (folder / name, Path(name)):
        if path.is_file():
            return path
    raise ConfigError(f"initial weights: expected a file at {folder / name} or {name}, found none")


def write_backbone(path: Path, network: Network, config: RunConfig) -> None:
    """Write the backbone's weights as a file for `initial_weights`; it says whose split they were learnt on."""
    from safetensors.torch import save_file

    state = {name: weight.detach().cpu().contiguous() for name, weight in network.backbone.state_dict().items()}
    partial = path.with_suffix(".partial")
    save_file(state, partial, metadata={_SPLIT: json.dumps(_split_of(config))})
    partial.replace(path)


def _split_of(config: RunConfig) -> dict[str, Any]:
    """Return what decides who is held out for the test."""
    return {"split_seed": config.split_seed, "manifest": config.data.manifest}


def _require_same_split(path: Path, config: RunConfig) -> None:
    if path.suffix != ".safetensors":
        return
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        learnt_on = (file.metadata() or {}).get(_SPLIT)
    if learnt_on is not None and json.loads(learnt_on) != _split_of(config):
        raise ConfigError(
            f"{path}: expected weights learnt on this run's training patients ({_split_of(config)}), found weights "
            f"that may have seen patients held out here ({learnt_on}); pretrain again with this split"
        )


def read_state(path: Path) -> dict[str, Tensor]:
    """Read weights by name from a safetensors or torch file; torch's are read without running code in them.

    Raises:
        ConfigError: It is no such file.
    """
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
    """Return whether batch normalisation came folded into the convolutions: scale 1 and mean 0 everywhere."""
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
