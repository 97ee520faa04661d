from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from pneumoscope.core import ConfigError
from pneumoscope.training.config import TrainingConfig
from pneumoscope.training.network import OUTPUTS, Network
from pneumoscope.training.weights import initialise, unfold_normalisation


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    return Network("mobilenetv2_050", dropout=0.0)


def test_one_logit_an_output(network: Network) -> None:
    assert network(torch.zeros(2, 1, 64, 64)).shape == (2, len(OUTPUTS))


def test_unfolding_keeps_the_function_and_takes_the_inputs_statistics() -> None:
    torch.manual_seed(1)
    network = Network("mobilenetv2_050", dropout=0.0).eval()
    images = torch.rand(4, 1, 64, 64) * 2 - 1
    before = network(images)
    unfold_normalisation(network, images)
    network.eval()
    torch.testing.assert_close(network(images), before, atol=1e-4, rtol=1e-4)
    first = next(layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d))
    seen = network.backbone.conv_stem(images).transpose(0, 1).flatten(1)
    torch.testing.assert_close(first.running_mean, seen.mean(dim=1), atol=1e-5, rtol=1e-4)


def test_missing_weights_are_named(network: Network, config: TrainingConfig, tmp_path: Path) -> None:
    absent = replace(config, initial_weights="absent.safetensors")
    with pytest.raises(ConfigError, match="absent"):
        initialise(network, absent, folder=tmp_path, images=np.zeros((4, 64, 64), dtype=np.uint8))


def test_an_unknown_backbone_is_named() -> None:
    with pytest.raises(ConfigError, match="mobilenet9000"):
        Network("mobilenet9000", dropout=0.0)
