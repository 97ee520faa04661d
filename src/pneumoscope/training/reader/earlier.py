"""Members of an earlier release as networks to go on from, read from the graph of its artefact.

The graph holds each member's layers with batch normalisation folded in, and layers that members share once, under the
first one's name. Its weights are rounded as they shipped.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from jaxtyping import Float32
from onnx import numpy_helper
from torch import Tensor

from pneumoscope.core import ArtifactError, ConfigError
from pneumoscope.model import load
from pneumoscope.training.fused import pairs
from pneumoscope.training.reader.config import Continues
from pneumoscope.training.reader.material import TARGETS
from pneumoscope.training.reader.network import ReaderNetwork

# The head's weights were transposed once in that release's export, and named so, in the members' order.
_HEAD = re.compile(r"unsqueeze_(\d+)(?:\.half)?$")


def load_member(network: ReaderNetwork, artefact: Path, *, continues: Continues, population: str) -> None:
    """Give the network the weights of a population's member; of its head, the first output's.

    Raises:
        ConfigError: The artefact is not the release's, or its member is of another architecture.
    """
    wanted = f"{artefact}: expected the artefact of release {continues.release}, which the history has"
    try:
        found = load(artefact)
    except ArtifactError as error:
        raise ConfigError(f"{wanted}: {error}") from error
    if found.identity.sha256 != continues.sha256:
        raise ConfigError(f"{wanted}, SHA-256 {continues.sha256}, found {found.identity.sha256}")
    network.load_state_dict(member_weights(found.onnx, continues.members[population], network))


def member_weights(graph: bytes, member: int, network: ReaderNetwork) -> dict[str, Tensor]:
    """Return the weights of the graph's member, under the network's names.

    Raises:
        ConfigError: The graph has no such member, or it is of another architecture.
    """
    stored = {one.name: numpy_helper.to_array(one) for one in onnx.load_model_from_string(graph).graph.initializer}
    state = {name: value.clone() for name, value in network.state_dict().items()}
    layers = dict(network.backbone.named_modules())
    for _, (where, convolution, normalisation) in pairs(network.backbone):
        own, shared = (f"ensemble.members.{one}.seen.network.backbone.{where}{convolution}" for one in (member, 0))
        weight, bias = (
            _first(stored, f"{own}{part}", f"{shared}{part}", member=member) for part in (".weight", ".weight_bias")
        )
        folded = f"backbone.{where}{normalisation}"
        state[f"backbone.{where}{convolution}.weight"] = torch.from_numpy(weight)
        state[f"{folded}.running_mean"] = torch.zeros_like(state[f"{folded}.running_mean"])
        variance = torch.ones_like(state[f"{folded}.running_var"])
        state[f"{folded}.running_var"] = variance - layers[f"{where}{normalisation}"].eps
        state[f"{folded}.weight"] = variance
        state[f"{folded}.bias"] = torch.from_numpy(bias)
    heads = sorted((name for name in stored if _HEAD.match(name)), key=_place)
    opacity = TARGETS.index("opacity")
    state |= {name: torch.zeros_like(state[name]) for name in ("head.weight", "head.bias")}
    state["head.weight"][opacity] = torch.from_numpy(stored[heads[member]].astype(np.float32)).flatten()
    state["head.bias"][opacity] = float(stored[f"ensemble.members.{member}.bias"].item())
    return state


def _first(stored: Mapping[str, np.ndarray], *names: str, member: int) -> Float32[np.ndarray, "..."]:
    """Return the first of these weights that is stored, in full precision."""
    for name in names:
        for suffix in ("", ".half", ".byte"):
            if f"{name}{suffix}" in stored:
                found = stored[f"{name}{suffix}"].astype(np.float32)
                return found * stored[f"{name}.scale"] if suffix == ".byte" else found
    raise ConfigError(f"expected member {member} of this architecture in the graph, found no {names[0]}")


def _place(name: str) -> int:
    found = _HEAD.match(name)
    return int(found[1]) if found else 0
