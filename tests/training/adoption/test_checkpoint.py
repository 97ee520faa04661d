import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from pneumoscope.core import ConfigError
from pneumoscope.training.adoption.checkpoint import read_weights


class Runs:
    """Its pickle runs a command when it is loaded by pickle."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.marker,))


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))


@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize(
    "wrap", [lambda one: one, lambda one: one.state_dict(), lambda one: {"model": one, "epoch": 3}]
)
def test_weights_are_found_in_modules_and_dictionaries(tmp_path: Path, wrap: object, new: bool) -> None:
    torch.save(wrap(network()), tmp_path / "w.pth", _use_new_zipfile_serialization=new)  # type: ignore[operator]
    found = read_weights(tmp_path / "w.pth")
    expected = network().state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_nothing_in_a_checkpoint_is_run(tmp_path: Path) -> None:
    marker = tmp_path / "was-run"
    torch.save({"state_dict": network().state_dict(), "hook": Runs(marker)}, tmp_path / "w.pth")
    assert read_weights(tmp_path / "w.pth").keys() == network().state_dict().keys()
    assert not marker.exists()
    pickle.loads(pickle.dumps(Runs(marker)))  # the trap works
    assert marker.exists()


def test_wrappers_and_old_names_of_densenet_are_undone(tmp_path: Path) -> None:
    old = {"module.densenet121.features.denseblock1.denselayer1.norm.1.weight": torch.ones(2)}
    torch.save({"state_dict": old}, tmp_path / "w.pth.tar")
    assert list(read_weights(tmp_path / "w.pth.tar")) == ["features.denseblock1.denselayer1.norm1.weight"]


def test_a_file_without_weights_is_named(tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(b"not weights")
    torch.save({"epoch": 3}, tmp_path / "empty.pth")
    for name in ("w.pth", "absent.pth", "empty.pth"):
        with pytest.raises(ConfigError, match=name):
            read_weights(tmp_path / name)
