import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from pneumoscope.core import ConfigError
from pneumoscope.training.config import build_record, preset, read_toml
from pneumoscope.training.images import read_manifest
from pneumoscope.training.lungs import (
    GRID,
    LungNetwork,
    LungsConfig,
    Masked,
    dice,
    dice_of_each,
    fit_lungs,
    load_lungs,
    mask_seen,
    masked_films,
    segment,
)

SQUARE = np.zeros((4, 4), dtype=bool)
SQUARE[:2, :2] = True


@pytest.fixture(scope="module")
def preset_config() -> LungsConfig:
    return build_record(LungsConfig, read_toml(preset("lungs")), where="preset")


def test_the_network_that_ships_answers_on_the_grid_of_heat_and_weighs_less_than_a_megabyte(
    preset_config: LungsConfig,
) -> None:
    network = LungNetwork(preset_config.widths)
    assert network(torch.zeros(2, 1, 224, 224)).shape == (2, 1, GRID, GRID)
    assert 4 * sum(weights.numel() for weights in network.parameters()) < 1e6


def test_a_run_learns_where_the_lungs_are_and_can_be_loaded_again(tiny_data: Path, lungs_run: Path) -> None:
    network, config, record = load_lungs(lungs_run)
    assert record["validation_dice"]["value"] > 0.85
    films = masked_films(read_manifest(tiny_data, split_seed=20), tiny_data, config.recipe).of("val")
    assert dice(segment(network, films.images), films).value == pytest.approx(record["validation_dice"]["value"])


def test_a_masks_part_that_the_model_sees_is_cut_and_stretched_as_the_image_is(tmp_path: Path) -> None:
    whole = np.zeros((40, 40), dtype=np.uint8)
    whole[10:20, 20:40] = 255
    Image.fromarray(whole).save(tmp_path / "mask.png")
    seen = mask_seen(tmp_path / "mask.png", np.array([0.25, 0.0, 0.75, 1.0]), size_px=40)
    assert seen[:19, 20:].all()
    assert not seen[21:].any()
    assert not seen[:, :19].any()


def test_dice_by_hand() -> None:
    # Found four, true four, two of them the same: 2 * 2 / (4 + 4).
    found = np.zeros((4, 4), dtype=np.float32)
    found[:2, 1:3] = 1.0
    assert dice_of_each(found[None], SQUARE[None])[0] == pytest.approx(0.5)
    assert dice_of_each(SQUARE[None].astype(np.float32), SQUARE[None])[0] == 1.0
    assert dice_of_each(np.zeros((1, 4, 4), dtype=np.float32), SQUARE[None])[0] == 0.0


def test_the_interval_of_dice_knows_that_a_patients_films_are_alike() -> None:
    found = np.stack([SQUARE, SQUARE, ~SQUARE, ~SQUARE]).astype(np.float32)
    masks = np.stack([SQUARE] * 4)

    def width(patients: list[str]) -> float:
        films = Masked(pd.DataFrame({"patient_id": patients}), np.zeros((4, 4, 4), dtype=np.uint8), masks)
        number = dice(found, films)
        return number.high - number.low

    assert width(["a", "a", "b", "b"]) > width(["a", "b", "c", "d"])


def test_films_without_a_mask_are_left_out_and_no_mask_at_all_is_named(tiny_data: Path, tmp_path: Path) -> None:
    manifest = read_manifest(tiny_data, split_seed=20)
    found = masked_films(manifest, tiny_data, read_recipe())
    assert set(found.rows["source"]) == {"nih", "rsna_normal"}
    assert len(found.rows) == len(found.images) == len(found.masks) == 72
    with pytest.raises(ConfigError, match="lung masks"):
        masked_films(manifest, tmp_path, read_recipe())


def read_recipe() -> object:
    from pneumoscope.image import Recipe

    return Recipe(size_px=64)


def test_a_finished_run_is_not_written_over(tiny_data: Path, lungs_run: Path, preset_config: LungsConfig) -> None:
    with pytest.raises(ConfigError, match="holds a run already"):
        fit_lungs(preset_config, tiny_data, lungs_run)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"widths": [8]}, "three or more"), ({"epochs": 0}, "more than 0"), ({"depth": 3}, "unknown keys depth")],
)
def test_a_configuration_that_makes_no_sense_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build_record(LungsConfig, read_toml(preset("lungs")) | change, where="test")


def test_a_folder_without_a_run_and_damaged_weights_are_named(lungs_run: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="train --preset lungs"):
        load_lungs(tmp_path)
    (tmp_path / "run.json").write_text((lungs_run / "run.json").read_text())
    (tmp_path / "lungs.pt").write_bytes((lungs_run / "lungs.pt").read_bytes()[:1000])
    with pytest.raises(ConfigError, match="train --preset lungs"):
        load_lungs(tmp_path)


def test_the_record_repeats_the_run(lungs_run: Path) -> None:
    record = json.loads((lungs_run / "run.json").read_text())
    assert build_record(LungsConfig, record["config"], where="run.json").widths == (4, 8, 8)
    assert len(record["manifest_sha256"]) == 64
