from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from tests.training.adoption.conftest import Small, to_file
from torch import nn

from pneumoscope.core import ConfigError
from pneumoscope.training.adoption import graph as graphs
from pneumoscope.training.adoption.recipes import recipe_named
from pneumoscope.training.export.guard import Distance, fit_gaussian

IMAGES = [(np.random.default_rng(n).random((1, 64, 64)) * 2 - 1).astype(np.float32) for n in range(3)]


def own(path: Path) -> np.ndarray:
    """What the file itself answers to the images, scaled to [0, 1] by hand."""
    session = onnxruntime.InferenceSession(path)
    return np.concatenate([session.run(None, {"pixels": (image[None] + 1) / 2})[0] for image in IMAGES])


def adapted(path: Path, output: int) -> list[np.ndarray]:
    graph = graphs.adapt(
        graphs.read_graph(path), path, recipe_named("onnx", input_range="0,1", size_px=64), output=output
    )
    onnx.checker.check_model(graph)
    return graphs.run(graph, IMAGES, [graphs.LOGIT, graphs.CAM, graphs.EMBEDDING])


@pytest.mark.parametrize("head", [nn.Identity(), nn.Sigmoid()])
def test_logit_and_map_of_a_pooled_network_are_exact(tmp_path: Path, head: nn.Module) -> None:
    path = to_file(Small(outputs=3, head=head), tmp_path / "n.onnx")
    logit, cam, embedding = adapted(path, 1)
    expected = own(path)[:, 1]
    said = 1 / (1 + np.exp(-logit[:, 0])) if isinstance(head, nn.Sigmoid) else logit[:, 0]
    np.testing.assert_allclose(said, expected, atol=1e-5)
    np.testing.assert_allclose(cam.mean(axis=(2, 3)), logit, atol=1e-5)
    assert cam.shape == (3, 1, 16, 16)
    assert embedding.shape == (3, 8)


@pytest.mark.parametrize(("outputs", "places"), [(2, 16), (3, 1)])
def test_softmax_answers_as_one_class_against_the_rest(tmp_path: Path, outputs: int, places: int) -> None:
    path = to_file(Small(outputs=outputs, head=nn.Softmax(dim=1)), tmp_path / "n.onnx")
    logit, cam, _ = adapted(path, 1)
    np.testing.assert_allclose(1 / (1 + np.exp(-logit[:, 0])), own(path)[:, 1], atol=1e-5)
    assert cam.shape[2] == places


def test_without_pooling_the_logit_stands_in_one_place(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 8, stride=8), nn.ReLU(), nn.Flatten(), nn.Linear(128, 2))
    logit, cam, embedding = adapted(to_file(network, tmp_path / "n.onnx"), 0)
    assert cam.shape == (3, 1, 1, 1)
    np.testing.assert_array_equal(cam[:, :, 0, 0], logit)
    assert embedding.shape == (3, 128)


def test_a_network_for_colour_gets_three_equal_channels(tmp_path: Path) -> None:
    path = to_file(Small(channels=3), tmp_path / "n.onnx", channels=3)
    recipe = recipe_named("onnx", input_range="imagenet", size_px=64)
    graph = graphs.adapt(graphs.read_graph(path), path, recipe, output=0)
    scale, shift = (np.array(one, np.float32)[:, None, None] for one in (recipe.gain, recipe.offset))
    session = onnxruntime.InferenceSession(path)
    expected = np.concatenate([session.run(None, {"pixels": (image * scale + shift)[None]})[0] for image in IMAGES])
    np.testing.assert_allclose(graphs.run(graph, IMAGES, [graphs.LOGIT])[0][:, 0], expected[:, 0], atol=1e-5)


def test_the_distance_in_the_graph_is_the_one_of_export(tmp_path: Path) -> None:
    path = to_file(Small(), tmp_path / "n.onnx")
    base = graphs.adapt(graphs.read_graph(path), path, recipe_named("onnx", input_range="0,1", size_px=64), output=0)
    rng = np.random.default_rng(0)
    gaussian = fit_gaussian(rng.normal(0.1, 0.05, (80, 8)), np.repeat(["adults", "children"], 40))
    distance, embedding = graphs.run(
        graphs.append_distance(base, gaussian), IMAGES, [graphs.DISTANCE, graphs.EMBEDDING]
    )
    np.testing.assert_allclose(distance, Distance(gaussian)(torch.from_numpy(embedding)).numpy(), rtol=1e-4)


def test_an_input_that_is_no_image_is_refused(tmp_path: Path) -> None:
    path = to_file(Small(channels=2), tmp_path / "n.onnx", channels=2)
    with pytest.raises(ConfigError, match="1 or 3 channels"):
        graphs.input_of(graphs.read_graph(path), path)
    (tmp_path / "text.onnx").write_text("nothing")
    with pytest.raises(ConfigError, match="expected an ONNX file"):
        graphs.read_graph(tmp_path / "text.onnx")
