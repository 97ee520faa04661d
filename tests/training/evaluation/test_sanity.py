"""On the shipped artefact: shuffling is of the exported graph."""

import numpy as np
import pytest

from pneumoscope.model import Artifact, load, shipped_path
from pneumoscope.training.evaluation.sanity import rank_correlation, shuffled_graph
from pneumoscope.training.export.export import run_graph


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    return load(shipped_path())


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, 224, 224), dtype=np.uint8)


def test_shuffled_weights_draw_another_map(artifact: Artifact, images: np.ndarray) -> None:
    def maps(graph: bytes) -> np.ndarray:
        return run_graph(graph, artifact.card, images).cam[:, 0]

    for share in (0.0, 1.0):
        assert rank_correlation(maps(artifact.onnx), maps(shuffled_graph(artifact.onnx, share=share))).max() < 0.9
    assert shuffled_graph(artifact.onnx, share=0.0) == shuffled_graph(artifact.onnx, share=0.0)


def test_shuffling_takes_the_layers_from_the_head_downwards_and_keeps_their_values(artifact: Artifact) -> None:
    onnx = pytest.importorskip("onnx")
    from onnx import numpy_helper

    def weights(graph: bytes) -> dict[str, np.ndarray]:
        model = onnx.load_from_string(graph)
        used = [node.input[1] for node in model.graph.node if node.op_type == "Conv"]
        widened = {one.output[0]: one.input[0] for one in model.graph.node if one.op_type in ("Cast", "Mul")}
        known = {one.name: one for one in model.graph.initializer}

        def stored(name: str) -> np.ndarray:
            """As float32: NumPy's sort of float16 is not to be relied on."""
            return stored(widened[name]) if name in widened else numpy_helper.to_array(known[name]).astype(np.float32)

        return {name: stored(name) for name in used}

    before = weights(artifact.onnx)
    members = sum(one.shape[0] == 1 for one in before.values())

    def changed(share: float) -> list[str]:
        after = weights(shuffled_graph(artifact.onnx, share=share))
        for name, values in before.items():
            np.testing.assert_array_equal(np.sort(values, axis=None), np.sort(after[name], axis=None))
        return [name for name, values in before.items() if (values != after[name]).any()]

    assert [before[name].shape[0] for name in changed(0.0)] == [1] * members
    assert len(changed(0.5)) == pytest.approx(len(before) / 2, abs=members)
    assert len(changed(1.0)) == len(before)


def test_rank_correlation_by_hand() -> None:
    one = np.array([[[1.0, 2.0], [3.0, 4.0]]], dtype=np.float32)
    assert rank_correlation(one, 10 * one - 3)[0] == pytest.approx(1.0)
    assert rank_correlation(one, -one)[0] == pytest.approx(-1.0)
    # Ranks 1 2 3 4 against 2 1 4 3: 1 - 6 * 4 / (4 * 15) = 0.6.
    other = np.array([[[2.0, 1.0], [4.0, 3.0]]], dtype=np.float32)
    assert rank_correlation(one, other)[0] == pytest.approx(0.6)
    assert rank_correlation(one, np.zeros_like(one))[0] == 0.0
