"""Which open networks can be adopted, and what is known of each: architecture, preprocessing, outputs, origin."""

from dataclasses import dataclass, replace
from typing import Any

from pneumoscope.core import ConfigError
from pneumoscope.datasets import FINDINGS
from pneumoscope.image import Recipe

# Outputs that can stand for pneumonia, best first.
PNEUMONIA_LIKE = ("Pneumonia", "Lung Opacity", "Airspace Opacity", "Opacity", "Consolidation", "Infiltration")
TIMM, ONNX = "timm:", "onnx"

# Outputs of torchxrayvision's networks, in order (`torchxrayvision.datasets.default_pathologies`).
XRV_LABELS = (
    "Atelectasis", "Consolidation", "Infiltration", "Pneumothorax", "Edema", "Emphysema", "Fibrosis", "Effusion",
    "Pneumonia", "Pleural_Thickening", "Cardiomegaly", "Nodule", "Mass", "Hernia", "Lung Lesion", "Fracture",
    "Lung Opacity", "Enlarged Cardiomediastinum",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptionRecipe:
    """How one open network is built and fed, and what its card says of its origin.

    Attributes:
        name: What the command calls it.
        title: The network in words.
        backbone: Its architecture by timm's name; empty for an ONNX file, which brings its own.
        channels: Of the network's input.
        gain: What a grey value in [-1, 1] is multiplied by, channel by channel; then `offset` is added.
        labels: Names of its outputs in order; empty if only the user knows.
        preprocessing: How an image becomes the network's input.
        origin: Who published it, with the citation.
        licence: Of the published weights, as their authors state it.
        trained_on: Sources of its training images, as far as its authors name them.
        by_weights: Sources by a part of the weights' file name, where variants share an architecture.
    """

    name: str
    title: str
    backbone: str
    channels: int
    gain: tuple[float, ...]
    offset: tuple[float, ...]
    labels: tuple[str, ...]
    preprocessing: Recipe
    origin: str
    licence: str
    trained_on: tuple[str, ...] = ()
    by_weights: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def sources_of(self, weights_name: str) -> tuple[str, ...]:
        """Return the training sources of these weights, by the file's name where variants are published."""
        for part, sources in self.by_weights:
            if weights_name.startswith(part):
                return sources
        return self.trained_on


_IMAGENET_MEAN, _IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_WHOLE = Recipe(size_px=224, largest_trim=0.0, fit="centre square", resampling="gaussian", grey="full range")
_XRV = "Cohen et al., TorchXRayVision: a library of chest X-ray datasets and models, MIDL 2022"
_XRV_ALL = ("nih", "padchest", "chexpert", "mimic", "google", "openi", "rsna")

RECIPES: dict[str, AdoptionRecipe] = {
    recipe.name: recipe
    for recipe in (
        AdoptionRecipe(
            name="xrv-densenet121",
            title="torchxrayvision DenseNet-121, 224 px",
            backbone="densenet121",
            channels=1,
            gain=(1024.0,),
            offset=(0.0,),
            labels=XRV_LABELS,
            preprocessing=_WHOLE,
            origin=_XRV,
            licence="Apache-2.0 (code); weights as published with torchxrayvision",
            trained_on=_XRV_ALL,
            by_weights=(
                ("nih-pc-chex-mimic", _XRV_ALL),
                ("nih-", ("nih",)),
                ("pc-", ("padchest",)),
                ("chex-", ("chexpert",)),
                ("kaggle-", ("rsna",)),
                ("mimic", ("mimic",)),
            ),
        ),
        AdoptionRecipe(
            name="xrv-resnet50",
            title="torchxrayvision ResNet-50, 512 px",
            backbone="resnet50",
            channels=1,
            gain=(1024.0,),
            offset=(0.0,),
            labels=XRV_LABELS,
            preprocessing=replace(_WHOLE, size_px=512),
            origin=_XRV,
            licence="Apache-2.0 (code); weights as published with torchxrayvision",
            trained_on=("padchest", "nih", "rsna", "siim", "vindr"),
        ),
        AdoptionRecipe(
            name="chexnet",
            title="CheXNet reproduction, torchvision DenseNet-121, 14 outputs, 224 px",
            backbone="densenet121",
            channels=3,
            gain=tuple(0.5 / deviation for deviation in _IMAGENET_DEVIATION),
            offset=tuple(
                (0.5 - mean) / deviation for mean, deviation in zip(_IMAGENET_MEAN, _IMAGENET_DEVIATION, strict=True)
            ),
            # The order of arnoweng/CheXNet and jrzech/reproduce-chexnet, which is that of Wang et al., CVPR 2017.
            labels=(
                "Atelectasis",
                "Cardiomegaly",
                "Effusion",
                "Infiltration",
                "Mass",
                "Nodule",
                "Pneumonia",
                "Pneumothorax",
                "Consolidation",
                "Edema",
                "Emphysema",
                "Fibrosis",
                "Pleural_Thickening",
                "Hernia",
            ),
            preprocessing=replace(_WHOLE, resampling="bilinear"),
            origin="Reproductions of Rajpurkar et al., arXiv 1711.05225: jrzech/reproduce-chexnet, arnoweng/CheXNet",
            licence="as published with the checkpoint",
            trained_on=("nih",),
        ),
    )
}
assert sorted(RECIPES["chexnet"].labels) == sorted(FINDINGS)


def recipe_named(name: str, *, labels: tuple[str, ...] = (), input_range: str = "", size_px: int = 0) -> AdoptionRecipe:
    """Return the recipe of that name; `timm:MODEL` and `onnx` are completed by what the user says.

    Args:
        name: A name in `RECIPES`, `timm:` with the name of a timm model, or `onnx`.
        labels: Names of the outputs in order, where the recipe does not know them.
        input_range: `LOW,HIGH` of the network's grey values, or `imagenet` for ImageNet's mean and deviation; needed
            for ONNX, and instead of the model's own normalisation for timm.
        size_px: Side of the input where the graph leaves it open.

    Raises:
        ConfigError: The name is unknown, or what the recipe needs is missing.
    """
    if name in RECIPES:
        return RECIPES[name]
    if name.startswith(TIMM):
        return _timm(name, labels=labels, input_range=input_range)
    if name == ONNX:
        if not input_range:
            raise ConfigError(
                "onnx: expected --input-range, the grey values that the network was trained on (0,1 or -1,1 or 0,255 "
                "or -1024,1024 or imagenet), found none: a wrong range gives wrong answers silently"
            )
        channels = 3 if input_range == "imagenet" else 1
        gain, offset = _scaling(input_range, channels)
        return AdoptionRecipe(
            name=ONNX,
            title="ONNX network",
            backbone="",
            channels=channels,
            gain=gain,
            offset=offset,
            labels=labels,
            preprocessing=replace(_WHOLE, resampling="bilinear", size_px=size_px or 224),
            origin="not stated",
            licence="not stated",
        )
    raise ConfigError(f"expected a recipe among {', '.join([*RECIPES, TIMM + 'MODEL', ONNX])}, got {name!r}")


def published(model: str) -> dict[str, Any]:
    """Return what timm knows of a model's published weights: input size, normalisation, layers' names."""
    import timm

    known = timm.get_pretrained_cfg(model)
    return known.to_dict() if known is not None else {}  # type: ignore[no-untyped-call]


def _timm(name: str, *, labels: tuple[str, ...], input_range: str) -> AdoptionRecipe:
    import timm
    from timm.data.config import resolve_data_config

    model = name.removeprefix(TIMM)
    if not timm.is_model(model):
        near = timm.list_models(f"*{model.split('_')[0].split('.')[0]}*")[:5]
        raise ConfigError(f"expected a model that timm knows, got {model!r}; near it: {', '.join(near) or 'none'}")
    config: dict[str, Any] = resolve_data_config({}, pretrained_cfg=published(model))  # type: ignore[no-untyped-call]
    channels, size_px, _ = config["input_size"]
    mean, deviation = config["mean"], config["std"]
    gain = tuple(0.5 / one for one in deviation)
    offset = tuple((0.5 - centre) / one for centre, one in zip(mean, deviation, strict=True))
    if input_range:
        gain, offset = _scaling(input_range, channels)
    return AdoptionRecipe(
        name=name,
        title=f"timm {model}",
        backbone=model,
        channels=channels,
        gain=gain,
        offset=offset,
        labels=labels,
        preprocessing=replace(
            _WHOLE,
            size_px=size_px,
            centre_share=float(config["crop_pct"]),
            resampling="bicubic" if config["interpolation"] == "bicubic" else "bilinear",
        ),
        origin="not stated",
        licence="not stated",
    )


def _scaling(input_range: str, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return gain and offset that take [-1, 1] to the range."""
    if input_range == "imagenet":
        chexnet = RECIPES["chexnet"]
        return chexnet.gain, chexnet.offset
    try:
        low, high = (float(part) for part in input_range.split(","))
    except ValueError:
        raise ConfigError(f"--input-range: expected LOW,HIGH or imagenet, got {input_range!r}") from None
    if not low < high:
        raise ConfigError(f"--input-range: expected LOW below HIGH, got {input_range!r}")
    return ((high - low) / 2,) * channels, ((high + low) / 2,) * channels


def choose_output(labels: tuple[str, ...], wanted: str | None, *, outputs: int) -> int:
    """Return the place of the output that answers: by name or number, else the best pneumonia-like name.

    Raises:
        ConfigError: There is none, or the network has another number of outputs than names.
    """
    if wanted is not None and wanted.isdecimal():
        if int(wanted) >= outputs:
            raise ConfigError(f"--output: expected 0 to {outputs - 1}, got {wanted}")
        return int(wanted)
    if labels and len(labels) != outputs:
        raise ConfigError(f"expected {outputs} names of outputs, as the network has, got {len(labels)}")
    plain = [label.lower().replace("_", " ") for label in labels]
    for name in (wanted,) if wanted is not None else PNEUMONIA_LIKE:
        if name.lower().replace("_", " ") in plain:
            return plain.index(name.lower().replace("_", " "))
    if outputs == 1 and wanted is None:
        return 0
    raise ConfigError(
        f"expected an output among {', '.join(PNEUMONIA_LIKE)}, found "
        f"{', '.join(labels) or f'{outputs} outputs without names'}; name one with --output (by name or number)"
    )
