import json
import re
from pathlib import Path

import pytest

from pneumoscope.core import ArtifactError, ConfigError
from pneumoscope.training.config import Augmentation, preset, read_config, read_config_record


@pytest.mark.parametrize("name", ["default", "chexnet", "chexnet14", "vgg16"])
def test_each_preset_reads_and_survives_the_runs_record(name: str) -> None:
    config = read_config(preset(name))
    assert read_config_record(json.loads(json.dumps(config.as_dict())), where="run.json") == config


def test_chexnet_is_the_papers_recipe() -> None:
    config = read_config(preset("chexnet"))
    assert (config.backbone, config.train_size_px, config.recipe.size_px) == ("densenet121", 224, 224)
    assert (config.batch_size, config.learning_rate) == (16, 1e-3)
    assert (config.optimizer.kind, config.optimizer.betas, config.optimizer.factor) == ("adam", (0.9, 0.999), 0.1)
    assert (config.optimizer.schedule, config.criterion.kind) == ("plateau", "weighted_bce")
    assert config.layers.input == "imagenet"
    assert config.augmentation == Augmentation(flip=0.5)
    assert read_config(preset("chexnet14")).ships == "nih_Pneumonia"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("epochs = 2 ", 'epochs = "many"', "epochs: expected a whole number, got 'many'"),
        ("flip = 0.5", "flip = true", "flip: expected a number, got True"),
        ("seeds = [1, 2, 3, 4, 5]", "seeds = []", "seeds: expected at least one"),
        ("seeds = [1, 2, 3, 4, 5]", "seeds = [2, 2]", "seeds: expected at least one, all different"),
        ("batch_size = 32", "batch_size = 0", "batch_size: expected more than 0"),
        ("images_per_epoch = 2400", "images_per_epoch = 8", "at least a batch"),
        ('"bf16-mixed"', '"fp8"', "precision: expected one of 32-true"),
        ("[optimizer]", "[optimizer]\nkind = 'lion'", "kind: expected one of adamw, adam, sgd"),
        ("frozen_to =", "frozen =", "layers: unknown keys frozen"),
        ('populations = ["adults"]', 'populations = ["cats"]', "populations: expected one of adults, children"),
        ('populations = ["adults"]', "populations = []", "populations: expected one of adults, children"),
    ],
)
def test_a_value_that_cannot_be_is_named_with_what_was_expected(old: str, new: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    text = preset("default").read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(ConfigError, match=re.escape(said)):
        read_config(path)


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


def test_a_recipe_takes_one_of_its_words_only(tmp_path: Path) -> None:
    text = preset("default").read_text()
    (tmp_path / "good.toml").write_text(text + '\nfit = "centre square"\n')
    assert read_config(tmp_path / "good.toml").recipe.fit == "centre square"
    (tmp_path / "bad.toml").write_text(text + '\nfit = "squeeze"\n')
    with pytest.raises(ConfigError, match="expected one of stretch, centre square, got 'squeeze'"):
        read_config(tmp_path / "bad.toml")
