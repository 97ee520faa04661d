import pytest
import torch

from pneumoscope.core import ConfigError
from pneumoscope.training.config import Layers
from pneumoscope.training.layers import freeze, frozen_layers, layer_table, summary
from pneumoscope.training.network import Network


def network(**layers: object) -> Network:
    return Network("test_resnet", dropout=0.0, layers=Layers(**layers))


def test_everything_up_to_the_named_block_is_frozen_and_the_rest_learns() -> None:
    one = network(added=(8,))
    freeze(one, "layer2")
    table = layer_table(one).set_index("layer")
    states = {name: set(table.filter(like=f"backbone.{name}.", axis=0)["state"]) for name in ("layer2", "layer3")}
    assert states == {"layer2": {"frozen"}, "layer3": {"fine-tuned"}}
    assert table.loc["head", "state"] == table.loc["added.0", "state"] == "added"
    assert table["parameters"].sum() == sum(parameter.numel() for parameter in one.parameters())


def test_normalisation_with_its_activation_inside_is_frozen_too() -> None:
    one = Network("test_efficientnet", dropout=0.0)
    freeze(one, "blocks.0")
    table = layer_table(one)
    states = table["state"].tolist()
    assert "BatchNormAct2d" in set(table.loc[table["state"] == "frozen", "kind"])
    assert states == sorted(states, key=["frozen", "fine-tuned", "added"].index)


def test_the_summary_counts_each_state() -> None:
    one = network()
    freeze(one, "layer2")
    frozen, tuned, added = summary(layer_table(one))
    assert frozen.startswith("frozen")
    assert "layer3" in tuned
    assert "head" in added


def test_an_unknown_layer_is_answered_with_those_that_are_there() -> None:
    with pytest.raises(ConfigError, match=r"'block9'; it has .*layer1"):
        frozen_layers(network(), "block9")


def test_added_layers_keep_the_activation_map_exact() -> None:
    torch.manual_seed(0)
    one = network(added=(16, 8), input="imagenet").eval()
    maps = one.features(torch.rand(2, 1, 64, 64) * 2 - 1)
    torch.testing.assert_close(one.activation(maps, 0).mean(dim=(1, 2)), one.answer(maps)[:, 0], atol=1e-5, rtol=1e-5)


def test_imagenet_input_has_imagenets_mean_and_deviation() -> None:
    # Mid-grey of 0.5 in red: (0.5 - 0.485) / 0.229.
    channels = network(input="imagenet").entry(torch.zeros(1, 1, 2, 2))
    assert float(channels[0, 0, 0, 0]) == pytest.approx((0.5 - 0.485) / 0.229, rel=1e-5)
    assert channels.shape == (1, 3, 2, 2)


@pytest.mark.parametrize("backbone", ["test_convnext", "test_efficientnet"])
def test_every_weight_of_the_backbone_learns(backbone: str) -> None:
    one = Network(backbone, dropout=0.0).eval()
    one(torch.zeros(1, 1, 64, 64)).sum().backward()
    assert [name for name, parameter in one.named_parameters() if parameter.grad is None] == []


def test_a_network_without_a_feature_map_is_refused() -> None:
    with pytest.raises(ConfigError, match="test_vit"):
        Network("test_vit", dropout=0.0)
