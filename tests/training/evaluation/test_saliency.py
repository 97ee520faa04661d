import numpy as np
import pytest
import torch

from pneumoscope.training.evaluation.saliency import PATCHES, finer_layer, grad_cam, occlusion
from pneumoscope.training.network import Network


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    return Network("test_resnet", dropout=0.0).eval()


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.rand(3, 1, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_at_the_last_features_grad_cam_is_the_class_activation_map_without_its_bias_up_to_a_constant(
    network: Network, images: torch.Tensor
) -> None:
    with torch.no_grad():
        maps = network.features(images)
        cam = network.activation(maps, 0) - network.head.bias[0]
    found = grad_cam(network, images, output=0, layer=network.added)
    np.testing.assert_allclose(found, cam.clamp(min=0).numpy() / cam[0].numel(), rtol=1e-4, atol=1e-7)
    assert found.max() > 0


def test_an_earlier_layer_gives_a_finer_map(network: Network, images: torch.Tensor) -> None:
    layer = finer_layer(network, images)
    found = grad_cam(network, images, output=0, layer=layer)
    with torch.no_grad():
        last = network.features(images).shape[2]
    assert found.shape[1] > last
    assert (found >= 0).all()


def test_grad_cam_leaves_no_hook_behind(network: Network, images: torch.Tensor) -> None:
    grad_cam(network, images, output=0, layer=network.added)
    assert not network.added._forward_hooks


def test_occlusion_finds_the_patch_that_the_answer_rests_on() -> None:
    images = np.random.default_rng(0).integers(0, 100, (2, 60, 60), dtype=np.uint8)
    images[0, 10:20, 40:50] = 255  # row 1, column 4 of six
    images[1, 50:60, 0:10] = 255  # row 5, column 0

    def brightest(shown: np.ndarray) -> np.ndarray:
        return shown.reshape(len(shown), -1).max(axis=1).astype(float)

    fall = occlusion(brightest, images)
    assert fall.shape == (2, PATCHES, PATCHES)
    assert [np.unravel_index(one.argmax(), one.shape) for one in fall] == [(1, 4), (5, 0)]
    assert np.count_nonzero(fall > 0) == 2
