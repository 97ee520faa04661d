import numpy as np
import pytest

from pneumoscope.reading import heat_outside_lungs, lung_field
from pneumoscope.reading.lungs import HOT_SHARE, MARGIN

# Two lungs of a third of the width each, over the middle half of the height.
LUNGS = np.zeros((56, 56))
LUNGS[14:42, 6:24] = LUNGS[14:42, 32:50] = 1.0


def hot_at(row: int, column: int) -> np.ndarray:
    cam = np.zeros((14, 14))
    cam[row, column] = 5.0
    return cam


def test_heat_in_a_lung_is_all_inside_and_heat_in_a_corner_all_outside() -> None:
    assert heat_outside_lungs(hot_at(7, 3), LUNGS) < 0.05
    assert heat_outside_lungs(hot_at(0, 13), LUNGS) > 0.95


def test_half_of_the_heat_outside_is_one_half() -> None:
    assert heat_outside_lungs(hot_at(7, 3) + hot_at(0, 13), LUNGS) == pytest.approx(0.5, abs=0.03)


def test_neither_scale_nor_offset_of_the_map_matters() -> None:
    cam = np.random.default_rng(0).normal(size=(7, 7))
    assert heat_outside_lungs(50 * cam - 7, LUNGS) == pytest.approx(heat_outside_lungs(cam, LUNGS), abs=1e-6)


def test_a_flat_map_has_its_heat_everywhere() -> None:
    assert heat_outside_lungs(np.full((7, 7), -3.0), LUNGS) == pytest.approx(1 - lung_field(LUNGS).mean())


def test_only_the_hottest_places_count() -> None:
    # A tenth of a warm hand's breadth in the lung, and a faint glow over most of what is outside: the glow is warmer
    # than the median nowhere else, yet beyond the hottest fifth it weighs nothing.
    cam = np.zeros((56, 56))
    cam[:10] = 0.1
    cam[14:42, 6:24] = 10.0
    assert LUNGS[14:42, 6:24].size / LUNGS.size < HOT_SHARE
    assert heat_outside_lungs(cam, LUNGS) < 0.01


def test_the_pleura_belongs_to_the_lungs_and_what_is_farther_does_not() -> None:
    field = lung_field(LUNGS)
    assert field[14 - MARGIN, 10]
    assert not field[14 - MARGIN - 1, 10]


def test_without_lungs_all_heat_is_outside() -> None:
    assert heat_outside_lungs(hot_at(7, 3), np.zeros((56, 56))) == 1.0
