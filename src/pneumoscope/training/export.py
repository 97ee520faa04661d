"""From a finished run to the artefact: one graph, calibrated and limited on validation patients, sealed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from pneumoscope.core import ArtifactError, ConfigError, ModelIdentity
from pneumoscope.datasets import read_nih_labels
from pneumoscope.model import OUTPUTS, Artifact, Card, seal
from pneumoscope.reading import Outputs, open_engine
from pneumoscope.training.card import draft_card, finish_card
from pneumoscope.training.config import TrainingConfig, read_config_record
from pneumoscope.training.guard import Distance, GroupedGaussian, fit_gaussian
from pneumoscope.training.images import load_images, read_manifest, unit
from pneumoscope.training.network import Network
from pneumoscope.training.targets import pneumonia_target

BATCH = 64
# ONNX and PyTorch must agree on every validation image; the issue is rounding, so this is far below any decision.
LARGEST_DIFFERENCE = 1e-4


class Deployed(nn.Module):
    """What ships: the first output of the head, as logit, class activation map, embedding and guard distance."""

    def __init__(self, network: Network, gaussian: GroupedGaussian) -> None:
        super().__init__()
        self.network = network
        self.weight = nn.Parameter(network.head.weight[:1].detach().clone())
        self.bias = nn.Parameter(network.head.bias[:1].detach().clone())
        self.distance = Distance(gaussian)

    def forward(self, images: Float[Tensor, "n 1 h w"]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """`OUTPUTS` in order; the mean of `cam` over the image is `logit`."""
        maps = self.network.features(images)
        embedding = maps.mean(dim=(2, 3))
        cam = nn.functional.conv2d(maps, self.weight[:, :, None, None], self.bias)
        return embedding @ self.weight.T + self.bias, cam, embedding, self.distance(embedding)


def export(run: Path, data: Path, output: Path) -> Card:
    """Seal the run's model into `output` and return its card; everything in it comes from training and validation.

    Raises:
        ConfigError: The run is not finished or does not belong to this data.
        ArtifactError: ONNX and PyTorch disagree.
    """
    config, record = read_run(run)
    manifest = read_manifest(data, split_seed=config.split_seed)
    images = load_images(manifest["path"], config.recipe)
    network = load_network(run, config)

    train = np.flatnonzero(manifest["split"] == "train")
    groups = np.where(manifest["source"].iloc[train] == "kermany", "children", "adults")
    deployed = Deployed(network, fit_gaussian(embed(network, images[train]), groups)).eval()
    graph = to_onnx(deployed, config.recipe.size_px)

    validation = np.flatnonzero(manifest["split"] == "val")
    draft = draft_card(config, record)
    outputs = run_graph(graph, draft, images[validation])
    _require_agreement(deployed, images[validation], outputs)
    targets = pneumonia_target(manifest, read_nih_labels(data / "nih"))[validation]
    card = finish_card(draft, manifest.iloc[validation], outputs, targets)
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_suffix(".partial")
    partial.write_bytes(seal(graph, card))
    partial.replace(output)
    return card


def read_run(run: Path) -> tuple[TrainingConfig, dict[str, Any]]:
    """A run's configuration and its whole record.

    Raises:
        ConfigError: The folder holds no run.
    """
    try:
        record = json.loads((run / "run.json").read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(f"expected a training run with run.json in {run}, found {error}") from error
    return read_config_record(record["config"], where=str(run / "run.json")), record


def load_network(run: Path, config: TrainingConfig) -> Network:
    """The run's network with its averaged weights, ready to read."""
    try:
        checkpoint = torch.load(run / "last.ckpt", map_location="cpu", weights_only=True)
    except (OSError, RuntimeError) as error:
        raise ConfigError(f"expected a finished run's checkpoint at {run / 'last.ckpt'}, found {error}") from error
    network = Network(config.backbone, dropout=config.dropout)
    prefix = "network."
    network.load_state_dict({key.removeprefix(prefix): value for key, value in checkpoint["state_dict"].items()})
    return network.eval()


@torch.no_grad()
def embed(network: Network, images: UInt8[np.ndarray, "n size size"]) -> Float[np.ndarray, "n features"]:
    """Embeddings of prepared images, in float64 for the covariance."""
    parts = [network.features(unit(torch.from_numpy(part)[:, None])).mean(dim=(2, 3)) for part in _batches(images)]
    return torch.cat(parts).double().numpy()


def to_onnx(deployed: Deployed, size_px: int) -> bytes:
    """The graph with weights inside; any batch size."""
    program = torch.onnx.export(
        deployed,
        (torch.zeros(2, 1, size_px, size_px),),
        dynamo=True,
        input_names=["image"],
        output_names=list(OUTPUTS),
        dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1)}},
        verbose=False,
    )
    assert program is not None
    graph: bytes = program.model_proto.SerializeToString()
    return graph


def run_graph(graph: bytes, card: Card, images: UInt8[np.ndarray, "n size size"]) -> Outputs:
    """The exported graph's outputs for prepared images, by the engine that reads in the clinic."""
    identity = ModelIdentity(name=card.name, version=card.version, sha256="")
    engine = open_engine(Artifact(onnx=graph, card=card, identity=identity))
    parts = [engine.run(unit(torch.from_numpy(part)[:, None]).numpy()) for part in _batches(images)]
    return Outputs(*(np.concatenate([getattr(part, name) for part in parts]) for name in OUTPUTS))


@torch.no_grad()
def _require_agreement(deployed: Deployed, images: UInt8[np.ndarray, "n size size"], outputs: Outputs) -> None:
    logits = torch.cat([deployed(unit(torch.from_numpy(part)[:, None]))[0] for part in _batches(images)])
    difference = np.abs(torch.sigmoid(logits).numpy() - 1 / (1 + np.exp(-outputs.logit))).max()
    if not difference <= LARGEST_DIFFERENCE:
        raise ArtifactError(f"ONNX and PyTorch differ by {difference:.2g}, expected at most {LARGEST_DIFFERENCE}")


def _batches(images: UInt8[np.ndarray, "n size size"]) -> list[UInt8[np.ndarray, "b size size"]]:
    return [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
