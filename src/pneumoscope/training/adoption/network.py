"""A classifier of timm with one answer: logit, class activation map where the architecture has one, embedding."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from pneumoscope.core import ConfigError
from pneumoscope.training.adoption.recipes import AdoptionRecipe, choose_output, published

# Largest difference, relative to the logit, at which pooling and head count as the architecture's own.
_SAME = 1e-4
_PROBE_SEED = 0


class OneAnswer(nn.Module):
    """One output of a classifier, for grey images in [-1, 1]."""

    gain: Tensor
    offset: Tensor

    def __init__(self, model: nn.Module, recipe: AdoptionRecipe, *, output: int) -> None:
        super().__init__()
        self.model, self.output = model, output
        self.register_buffer("gain", torch.tensor(recipe.gain)[:, None, None])
        self.register_buffer("offset", torch.tensor(recipe.offset)[:, None, None])
        head = linear_head(model)
        self.weight = nn.Parameter(head.weight[output : output + 1].detach().clone())
        self.bias = nn.Parameter(head.bias[output : output + 1].detach().clone())
        self.has_map = self._pools_last(recipe.preprocessing.size_px, recipe.channels)

    def forward(self, images: Float[Tensor, "n 1 h w"]) -> tuple[Tensor, Tensor, Tensor]:
        """Return logit, class activation map and embedding; without a map, the logit stands in one place."""
        maps = self.model.forward_features(images * self.gain + self.offset)  # type: ignore[operator]
        if self.has_map:
            embedding = maps.mean(dim=(2, 3))
            cam = functional.conv2d(maps, self.weight[:, :, None, None], self.bias)
            return embedding @ self.weight.T + self.bias, cam, embedding
        embedding = self.model.forward_head(maps, pre_logits=True)  # type: ignore[operator]
        logit = embedding @ self.weight.T + self.bias
        return logit, logit[:, :, None, None], embedding

    @torch.no_grad()
    def _pools_last(self, size_px: int, channels: int) -> bool:
        """Return whether mean pooling and the linear head alone stand behind the last feature maps, by trying."""
        generator = torch.Generator().manual_seed(_PROBE_SEED)
        image = torch.randn(1, channels, size_px, size_px, generator=generator)
        maps = self.model.forward_features(image)  # type: ignore[operator]
        if maps.ndim != 4 or maps.shape[1] != self.weight.shape[1]:
            return False
        pooled = maps.mean(dim=(2, 3)) @ self.weight.T + self.bias
        whole = self.model(image)[:, self.output : self.output + 1]
        return bool((pooled - whole).abs().max() <= _SAME * (1 + whole.abs().max()))


def linear_head(model: Any) -> nn.Linear:
    """Return the last linear layer of a timm classifier.

    Raises:
        ConfigError: It has none.
    """
    head = model.get_classifier()
    if not isinstance(head, nn.Linear):
        raise ConfigError(f"expected a network that ends in a linear layer, found {type(head).__name__}")
    return head


def build(recipe: AdoptionRecipe, weights: dict[str, Tensor], *, output: str | None) -> tuple[OneAnswer, int, int]:
    """Return the network with these weights, the place of its answer, and its number of outputs.

    Raises:
        ConfigError: The weights are of another architecture, or no output can stand for pneumonia.
    """
    import timm

    weights = dict(weights)
    channels, outputs = _shape_of(recipe, weights)
    model = timm.create_model(recipe.backbone, pretrained=False, num_classes=outputs, in_chans=channels).eval()
    _load(model, weights, recipe)
    place = choose_output(recipe.labels, output, outputs=outputs)
    return OneAnswer(model, recipe, output=place).eval(), place, outputs


def _shape_of(recipe: AdoptionRecipe, weights: dict[str, Tensor]) -> tuple[int, int]:
    """Return channels and number of outputs by the weights; a head in a `Sequential` gets its plain name."""
    pretrained = published(recipe.backbone)
    head = pretrained.get("classifier") or "classifier"
    for suffix in ("weight", "bias"):
        if f"{head}.0.{suffix}" in weights:
            weights[f"{head}.{suffix}"] = weights.pop(f"{head}.0.{suffix}")
    if f"{head}.weight" not in weights:
        raise ConfigError(
            f"{recipe.name}: expected weights of {recipe.backbone} with {head}.weight, found "
            f"{', '.join(list(weights)[:3])} and others"
        )
    first = pretrained.get("first_conv") or ""
    channels = int(weights[f"{first}.weight"].shape[1]) if f"{first}.weight" in weights else recipe.channels
    if channels != recipe.channels:
        raise ConfigError(f"{recipe.name}: expected weights for {recipe.channels} channels, found {channels}")
    return channels, int(weights[f"{head}.weight"].shape[0])


def _load(model: nn.Module, weights: dict[str, Tensor], recipe: AdoptionRecipe) -> None:
    ours = model.state_dict()
    missing = sorted(name for name in ours if name not in weights and not name.endswith("num_batches_tracked"))
    misfit = sorted(name for name in ours.keys() & weights.keys() if ours[name].shape != weights[name].shape)
    if missing or misfit:
        raise ConfigError(
            f"{recipe.name}: the weights do not fit {recipe.backbone}: missing {missing[:3]}, of another shape "
            f"{misfit[:3]}"
        )
    model.load_state_dict({name: value for name, value in weights.items() if name in ours}, strict=False)
