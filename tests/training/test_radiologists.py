from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pneumoscope.core import ConfigError
from pneumoscope.training.radiologists import BOX_GRID, airspace_opacity, box_maps

WHOLE = np.array([[0.0, 0.0, 1.0, 1.0]])


def one(image_id: str, opacity: float) -> pd.DataFrame:
    return pd.DataFrame({"image_id": [image_id], "rsna_opacity": [opacity]})


def test_a_box_covers_its_share_of_each_place(tiny_data: Path) -> None:
    (found,) = box_maps(tiny_data, one("00000001_000.png", 1.0), WHOLE)
    # x 184 to 388 and y 512 to 716 of 1024 pixels, on a grid of 28 places of 36.57 pixels.
    assert found.sum() == pytest.approx(204 * 204 / (1024 / BOX_GRID) ** 2, rel=1e-5)
    assert found[14:19, 6:10].min() == 1
    assert found[14, 5] == pytest.approx(1 - (184 / (1024 / BOX_GRID) - 5), abs=1e-5)
    assert found[13].max() == 0


def test_the_crop_moves_and_magnifies_the_box(tiny_data: Path) -> None:
    # What is seen is the box itself: it fills the model's input. What lies beside it holds nothing.
    box = np.array([[512, 184, 716, 388]]) / 1024
    np.testing.assert_allclose(box_maps(tiny_data, one("00000001_000.png", 1.0), box)[0], 1, atol=1e-5)
    beside = np.array([[0.0, 0.5, 1.0, 1.0]])
    assert box_maps(tiny_data, one("00000001_000.png", 1.0), beside).max() == 0


def test_images_read_as_free_of_opacity_are_zero_and_unread_ones_unknown(tiny_data: Path) -> None:
    assert box_maps(tiny_data, one("00000000_000.png", 0.0), WHOLE).max() == 0
    assert np.isnan(box_maps(tiny_data, one("00000002_000.png", np.nan), WHOLE)).all()


def test_opacity_without_a_box_is_an_error_that_names_the_image(tiny_data: Path) -> None:
    with pytest.raises(ConfigError, match="00000000_000"):
        box_maps(tiny_data, one("00000000_000.png", 1.0), WHOLE)


def test_airspace_opacity_is_unknown_where_google_did_not_read(tiny_data: Path) -> None:
    rows = pd.DataFrame({"image_id": ["00000003_000.png", "00000004_000.png", "00000005_000.png"]})
    np.testing.assert_array_equal(airspace_opacity(tiny_data, rows), [1, 0, np.nan])


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="google_expert_labels"):
        airspace_opacity(tmp_path, one("a", 1.0))


def test_real_boxes_lie_in_the_lungs_more_than_outside(data_root: Path) -> None:
    from pneumoscope.datasets import read_nih

    rows = read_nih(data_root / "nih", data_root / "nih" / "images-256")
    rows = rows[rows["rsna_opacity"] == 1].reset_index(drop=True)
    maps = box_maps(data_root, rows, np.repeat(WHOLE, len(rows), axis=0))
    mean = maps.mean(axis=0)
    centre, edge = mean[8:22, 4:24].mean(), np.concatenate([mean[:2].ravel(), mean[-2:].ravel()]).mean()
    assert centre > 10 * edge
