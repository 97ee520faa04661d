from pathlib import Path

import pytest

from pneumoscope.core import ArtifactError, ConfigError
from pneumoscope.training.config import preset, read_config, read_config_record


def test_the_default_preset_reads_and_survives_the_runs_record() -> None:
    config = read_config(preset("default"))
    assert read_config_record(config.as_dict(), where="run.json") == config


def test_an_unknown_key_is_named_with_those_that_are_known(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(preset("default").read_text().replace("epochs =", "epochen ="))
    with pytest.raises(ConfigError, match=r"unknown keys epochen; known: .*epochs"):
        read_config(path)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("\n".join(line for line in preset("default").read_text().splitlines() if "dropout" not in line))
    with pytest.raises(ConfigError, match="dropout"):
        read_config(path)


def test_a_recipe_that_cannot_be_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(preset("default").read_text().replace("size_px = 224", "size_px = 2"))
    with pytest.raises(ArtifactError, match="size_px"):
        read_config(path)


def test_text_that_is_not_toml_and_a_missing_file_are_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("epochs: 3")
    with pytest.raises(ConfigError, match="TOML"):
        read_config(path)
    with pytest.raises(ConfigError, match="absent"):
        read_config(tmp_path / "absent.toml")


def test_an_unknown_preset_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="default"):
        preset("resnet")
