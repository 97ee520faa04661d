import numpy as np
import pytest

from synthetic_studies import axial_slice, hand_phantom, lateral_phantom


@pytest.mark.parametrize("draw", [hand_phantom, lateral_phantom])
def test_other_films_are_deterministic_and_in_range(draw):
    pixels = draw(seed=2, size_px=200)
    assert pixels.shape == (200, 200)
    assert 0 <= pixels.min() < 0.1
    assert 0.8 < pixels.max() <= 1
    assert np.array_equal(pixels, draw(seed=2, size_px=200))
    assert not np.array_equal(pixels, draw(seed=3, size_px=200))


def test_a_lateral_film_has_the_heart_in_front_and_the_spine_behind():
    pixels = lateral_phantom(seed=2, size_px=380)
    heart, behind_heart, spine = pixels[225:245, 130:160], pixels[225:245, 215:230], pixels[150:220, 255:270]
    assert heart.mean() > behind_heart.mean() + 0.05
    assert spine.mean() > behind_heart.mean() + 0.05


def test_a_slice_has_the_hounsfield_units_of_air_lung_and_heart():
    slice_hu = axial_slice(seed=2)
    assert slice_hu[:20].mean() == pytest.approx(-1000, abs=10)
    assert np.median(slice_hu[240:280, 130:180]) == pytest.approx(-840, abs=10)
    assert np.median(slice_hu[215:235, 270:300]) == pytest.approx(45, abs=10)
