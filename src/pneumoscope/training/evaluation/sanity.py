"""Whether the map depends on what the model has learnt: its weights are shuffled, and the map must change."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float, Float32
from scipy.stats import rankdata

# Share of each member's layers whose weights are shuffled, from the head downwards.
CASCADE = {"head": 0.0, "upper_half": 0.5, "all": 1.0}
_SEED = 0


def rank_correlation(
    maps: Float32[np.ndarray, "n y x"], others: Float32[np.ndarray, "n y x"]
) -> Float[np.ndarray, " n"]:
    """Return Spearman's correlation of each map's places with the other map's; 0 where one is flat.

    Source:
        Spearman, American Journal of Psychology 15(1), 1904, p. 72.
    """
    ranks = [rankdata(one.reshape(len(one), -1), axis=1) for one in (maps, others)]
    first, second = (one - one.mean(axis=1, keepdims=True) for one in ranks)
    scale = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    return np.asarray((first * second).sum(axis=1) / np.where(scale > 0, scale, 1))


def shuffled_graph(graph: bytes, *, share: float) -> bytes:
    """Return an artefact's graph with the weights of its upper layers shuffled within each layer; the head's always.

    Shuffling keeps each layer's scale, so that what changes is only what was learnt.

    Args:
        graph: ONNX, as `seal` and `export` write it.
        share: Part of each member's convolutions, counted from its activation map downwards.

    Source:
        Adebayo et al., NeurIPS 2018, section 3.1 (cascading randomisation).
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(graph)
    stored = {one.name: one for one in model.graph.initializer}
    weights = stored.copy()
    for node in model.graph.node:  # weights are widened, and scaled by channel, before they are used
        if node.op_type in ("Cast", "Mul") and node.input[0] in weights:
            weights[node.output[0]] = weights[node.input[0]]
    rng = np.random.default_rng(_SEED)
    for layers in _members(model.graph.node, weights):
        for name in layers[-max(1, round(share * len(layers))) :]:
            values = numpy_helper.to_array(weights[name])
            shuffled = rng.permutation(values.ravel()).reshape(values.shape)
            weights[name].CopyFrom(numpy_helper.from_array(shuffled, weights[name].name))
    data: bytes = model.SerializeToString()
    return data


def _members(nodes: Iterable[Any], weights: Mapping[str, Any]) -> list[list[str]]:
    """Return the names of each member's convolution weights, from the image to the activation map."""
    members: list[list[str]] = [[]]
    for name in (node.input[1] for node in nodes if node.op_type == "Conv"):
        if name not in members[-1]:  # a member that reads the mirror image too uses each twice
            members[-1].append(name)
        if weights[name].dims[0] == 1:
            members.append([])
    return [layers for layers in members if layers]
