"""The reader's layers and graph."""

import pytest
import timm
import torch

from pneumoscope.core import ConfigError
from pneumoscope.training.fused import FusedConvolution, fuse, measure_statistics
from pneumoscope.training.reader.config import read_reader_config
from pneumoscope.training.reader.network import OUTPUTS, ReaderNetwork, mean_weights, read_weights

BACKBONE = "tf_efficientnet_lite0"


@pytest.fixture(scope="module")
def network() -> ReaderNetwork:
    torch.manual_seed(0)
    made = ReaderNetwork(BACKBONE)
    measure_statistics(made, [torch.randn(8, 1, 64, 64)])
    return made.eval()


def test_fused_layers_give_the_same_answers_and_all_weights_keep_a_name(network: ReaderNetwork) -> None:
    images, other = torch.randn(2, 1, 64, 64), ReaderNetwork(BACKBONE).eval()
    other.load_state_dict(network.state_dict())
    names = fuse(other.backbone)
    with torch.no_grad():
        torch.testing.assert_close(other(images), network(images), atol=1e-4, rtol=1e-3)
    assert {f"backbone.{name}" for name in names} == {key for key in network.state_dict() if "backbone" in key}
    assert set(names.values()) == set(other.backbone.state_dict())


def test_a_wide_depthwise_kernel_stays_and_its_shift_learns() -> None:
    convolution = torch.nn.Conv2d(8, 8, 5, padding=2, groups=8, bias=False)
    layer = FusedConvolution(convolution, torch.nn.BatchNorm2d(8))
    learning = {name for name, value in layer.named_parameters() if value.requires_grad}
    assert learning == {"normalisation.bias"}


def test_another_kind_of_backbone_cannot_be_fused() -> None:
    with pytest.raises(ConfigError, match="expected an EfficientNet-Lite"):
        fuse(timm.create_model("resnet18", num_classes=0))


def test_a_backbone_that_pads_by_itself_cannot_be_fused_since_it_would_lose_its_padding() -> None:
    with pytest.raises(ConfigError, match="expected symmetric padding, got Conv2dSame"):
        fuse(timm.create_model(BACKBONE, num_classes=0, in_chans=1))


def test_weights_of_another_architecture_are_refused(
    network: ReaderNetwork, tmp_path: "pytest.TempPathFactory"
) -> None:
    path = tmp_path / "weights.pt"  # type: ignore[operator]
    state = network.state_dict()
    state["head.weight"] = state["head.weight"][:3]
    torch.save(state, path)
    with pytest.raises(ConfigError, match=r"first head\.weight"):
        read_weights(path, network)


def test_the_mean_of_equal_weights_is_the_same(network: ReaderNetwork) -> None:
    state = network.state_dict()
    mean = mean_weights([state, state])
    assert all(torch.equal(mean[name], value) for name, value in state.items())


def test_the_shipped_configuration_is_read_and_ships_stages_that_it_trains() -> None:
    config = read_reader_config()
    assert set(config.ships) == {"adults", "children"}
    assert len(OUTPUTS) == 24
