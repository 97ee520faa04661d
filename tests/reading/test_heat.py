import numpy as np
import pytest

from pneumoscope.image import Crop
from pneumoscope.model import Calibration
from pneumoscope.reading.heat import heat_map

PLAIN = Calibration(slope=1.0, intercept=0.0, prevalence=0.5)


def test_the_heat_lies_on_the_radiographs_own_grid_and_is_zero_outside_the_crop() -> None:
    heat = heat_map(np.zeros((7, 7)), PLAIN, crop=Crop(10, 20, 90, 70), shape=(100, 80))
    assert heat.shape == (100, 80)
    assert np.allclose(heat[10:90, 20:70], 0.5)
    assert heat[:10].max() == heat[90:].max() == heat[:, :20].max() == heat[:, 70:].max() == 0


@pytest.mark.req("REQ-RD-06")
def test_a_hot_cell_is_hot_where_the_model_saw_it() -> None:
    cam = np.full((7, 7), -4.0)
    cam[5, 1] = 4.0  # lower left of the input
    heat = heat_map(cam, PLAIN, crop=Crop(0, 0, 140, 70), shape=(140, 70))
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert (row // 20, column // 10) == (5, 1)
    assert heat.max() == pytest.approx(1 / (1 + np.exp(-4)), abs=0.05)


def test_a_calm_map_stays_calm() -> None:
    rng = np.random.default_rng(0)
    heat = heat_map(rng.normal(-6, 0.5, (7, 7)), PLAIN, crop=Crop(0, 0, 64, 64), shape=(64, 64))
    assert heat.max() < 0.05
