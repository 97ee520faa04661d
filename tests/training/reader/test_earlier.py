"""Members of an earlier release, read from its artefact."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper

from pneumoscope.core import ConfigError
from pneumoscope.model import shipped_path
from pneumoscope.training.fused import measure_statistics, pairs
from pneumoscope.training.reader.config import Continues
from pneumoscope.training.reader.earlier import load_member, member_weights
from pneumoscope.training.reader.material import TARGETS
from pneumoscope.training.reader.network import ReaderNetwork

BACKBONE, OPACITY = "mobilenetv2_050", TARGETS.index("opacity")


@pytest.fixture(scope="module")
def network() -> ReaderNetwork:
    torch.manual_seed(0)
    made = ReaderNetwork(BACKBONE)
    measure_statistics(made, [torch.randn(8, 1, 64, 64)])
    return made.eval()


def graph_of(network: ReaderNetwork, *, member: int) -> bytes:
    """A graph that holds the network as that release's export wrote it: folded, the first layer under member 0."""
    stored, modules = {}, dict(network.backbone.named_modules())
    for _, (where, convolution, normalisation) in pairs(network.backbone):
        layer, after = modules[where + convolution], modules[where + normalisation]
        gain = (after.weight / torch.sqrt(after.running_var + after.eps)).detach()
        owner = 0 if convolution == "conv_stem" else member
        name = f"ensemble.members.{owner}.seen.network.backbone.{where}{convolution}.weight"
        stored[name] = (layer.weight.detach() * gain[:, None, None, None]).numpy()
        stored[f"{name}_bias"] = (after.bias - after.running_mean * gain).detach().numpy()
    for place in range(member + 1):
        head = network.head.weight[OPACITY].detach().numpy() * (place == member)
        stored[f"unsqueeze_{3 * place + 1}"] = head[None, :, None, None]
        stored[f"ensemble.members.{place}.bias"] = network.head.bias[OPACITY].detach().numpy()[None]
    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in stored.items()]
    return helper.make_model(helper.make_graph([], "graph", [], [], initializers)).SerializeToString()


def test_a_member_answers_as_it_did(network: ReaderNetwork) -> None:
    found = ReaderNetwork(BACKBONE).eval()
    found.load_state_dict(member_weights(graph_of(network, member=2), 2, found))
    images = torch.randn(2, 1, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(found(images)[:, OPACITY], network(images)[:, OPACITY], atol=1e-4, rtol=1e-3)


def test_a_graph_without_such_a_member_is_refused(network: ReaderNetwork) -> None:
    empty = helper.make_model(helper.make_graph([], "graph", [], [])).SerializeToString()
    with pytest.raises(ConfigError, match="expected member 2 of this architecture"):
        member_weights(empty, 2, network)
    assert onnx.load_model_from_string(empty)


def test_the_artefact_of_another_release_is_refused(network: ReaderNetwork, tmp_path: Path) -> None:
    continues = Continues(release="0.0.1", sha256="0" * 64, folds=2, members={"adults": 0}, held_out={"adults": 0})
    with pytest.raises(ConfigError, match="SHA-256 0000"):
        load_member(network, shipped_path(), continues=continues, population="adults")
    with pytest.raises(ConfigError, match="which the history has"):
        load_member(network, tmp_path / "absent.onnx", continues=continues, population="adults")
