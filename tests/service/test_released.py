"""What the node says at start of a configuration that differs from the released device."""

from pathlib import Path

import pytest

from pneumoscope.core import Claim
from pneumoscope.service import ServiceConfig, load_config, warn_of_differences
from pneumoscope.service.config import ReadingConfig
from pneumoscope.service.released import differences


@pytest.mark.req("REQ-CL-02")
def test_a_node_without_a_claim_is_told_which_claim_it_runs_under_and_which_was_released(tmp_path: Path) -> None:
    path = tmp_path / "node.toml"
    path.write_text('[node]\nae_title = "TEST"\n')
    (told,) = warn_of_differences(load_config(path), path)
    assert told.startswith("claim is not set; the released device has triage; the default detection is used")
    assert warn_of_differences(ServiceConfig(), None) == (told,)


def test_a_node_with_the_released_claim_has_nothing_to_be_told(tmp_path: Path) -> None:
    path = tmp_path / "node.toml"
    path.write_text('[reading]\nclaim = "triage"\n')
    assert warn_of_differences(load_config(path), path) == ()


def test_another_operating_point_or_limit_is_told() -> None:
    config = ServiceConfig(reading=ReadingConfig(claim=Claim.TRIAGE, operating_point="screening"))
    assert differences(config) == ("operating_point is screening; the released device has balanced",)
