from functools import cache

import numpy as np
import pytest

from pneumoscope.core import InputError, View
from synthetic_studies import Anatomy, Film, Opacity, Zone, chest_phantom

SIZE_PX = 256
STRAIGHT = Anatomy(warp_cm=0.0)
NOISELESS = Film(photons_per_mm2=1e9)


@cache
def drawn(**options):
    return chest_phantom(**{"seed": 3, "view": View.PA, "size_px": SIZE_PX, "anatomy": STRAIGHT} | options)


def patch(pixels, *, x_cm, y_cm, half_cm=1.0):
    """The pixels around a place in the chest: x from the midline to the patient's left, y as the anatomy counts it."""
    pixel_cm = STRAIGHT.field_cm / len(pixels)
    column = int((x_cm + STRAIGHT.field_cm / 2 + STRAIGHT.centre_cm) / pixel_cm)
    row = int((y_cm - STRAIGHT.raised_cm) / pixel_cm)
    half = max(1, int(half_cm / pixel_cm))
    return pixels[row - half : row + half, column - half : column + half]


@pytest.mark.parametrize("view", [View.PA, View.AP])
def test_grey_values_lie_between_black_and_white_and_use_most_of_the_range(view):
    pixels = chest_phantom(seed=3, view=view, size_px=SIZE_PX)
    assert pixels.dtype == np.float32
    assert pixels.shape == (SIZE_PX, SIZE_PX)
    assert 0 <= pixels.min() < 0.1
    assert 0.8 < pixels.max() <= 1


def test_the_same_seed_draws_the_same_image_and_another_seed_another_patient():
    first, again, other = (chest_phantom(seed=seed, view=View.PA, size_px=SIZE_PX) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert np.abs(first - other).mean() > 0.01


@pytest.mark.parametrize("side", [-1, 1])
def test_the_lung_is_darker_than_the_mediastinum_and_lighter_than_air(side):
    pixels = drawn()
    lung = patch(pixels, x_cm=8 * side, y_cm=15).mean()
    assert patch(pixels, x_cm=0, y_cm=22).mean() > lung + 0.2
    assert pixels[: SIZE_PX // 20, : SIZE_PX // 20].mean() < lung - 0.1


def test_the_heart_lies_on_the_patients_left_which_is_image_right():
    pixels = drawn()
    left, right = (patch(pixels, x_cm=x_cm, y_cm=23.5).mean() for x_cm in (7, -7))
    assert left > right + 0.1


def test_the_right_dome_stands_higher_than_the_left():
    pixels = drawn()
    right, left = (patch(pixels, x_cm=x_cm, y_cm=26.3, half_cm=0.5).mean() for x_cm in (-8.0, 11.0))
    assert right > left + 0.05


def test_the_marker_is_a_white_letter_in_the_dark_upper_corner_on_the_patients_left():
    corner = drawn()[: SIZE_PX // 8, -SIZE_PX // 8 :]
    assert corner.max() > 0.8
    assert drawn()[: SIZE_PX // 8, : SIZE_PX // 8].max() < 0.6


def test_the_heart_is_wider_in_ap_than_in_pa():
    def width_px(view):
        pixels = chest_phantom(seed=3, view=view, size_px=SIZE_PX)
        return (pixels[int(0.62 * SIZE_PX)] > 0.65).sum()

    assert width_px(View.AP) > width_px(View.PA)


@pytest.mark.parametrize("zone", list(Zone))
def test_an_opacity_brightens_its_zone_and_leaves_the_other_lung_as_it_is(zone):
    side = -1 if zone.value.startswith("right") else 1
    y_cm = {"upper": 10, "middle": 16, "lower": 22.4}[zone.value.split()[1]]
    clear, opaque = drawn(film=NOISELESS), drawn(film=NOISELESS, opacities=(Opacity(zone),))
    brighter = patch(opaque, x_cm=9 * side, y_cm=y_cm, half_cm=1.5) - patch(
        clear, x_cm=9 * side, y_cm=y_cm, half_cm=1.5
    )
    elsewhere = patch(opaque, x_cm=-8 * side, y_cm=16, half_cm=4) - patch(clear, x_cm=-8 * side, y_cm=16, half_cm=4)
    assert brighter.mean() > 0.08
    assert np.abs(elsewhere).max() < 0.06


def test_a_severer_opacity_is_whiter():
    mild, severe = (drawn(opacities=(Opacity(Zone.RIGHT_LOWER, severity),)) for severity in (0.3, 0.9))
    assert patch(severe, x_cm=-8.4, y_cm=22).mean() > patch(mild, x_cm=-8.4, y_cm=22).mean() + 0.05


def test_more_photons_mean_less_noise():
    def roughness(photons):
        lung = patch(drawn(film=Film(photons_per_mm2=photons)), x_cm=8, y_cm=14, half_cm=2)
        return np.abs(np.diff(lung, axis=1)).mean()

    assert roughness(2e3) > 2 * roughness(1e9)


def test_a_size_changes_the_sampling_and_not_the_anatomy():
    coarse, fine = drawn(film=NOISELESS), drawn(film=NOISELESS, size_px=2 * SIZE_PX)
    halved = fine.reshape(SIZE_PX, 2, SIZE_PX, 2).mean(axis=(1, 3))
    assert np.corrcoef(coarse.ravel(), halved.ravel())[0, 1] > 0.99


def test_a_lateral_view_is_no_frontal_phantom():
    with pytest.raises(InputError, match="PA or AP, got LATERAL"):
        chest_phantom(seed=1, view=View.LATERAL, size_px=64)


def test_the_histogram_resembles_that_of_real_films(data_root):
    from PIL import Image

    levels = [10, 25, 50, 75, 90]
    real = [
        np.asarray(Image.open(path).convert("L")) for path in sorted((data_root / "nih/images-256").iterdir())[::40]
    ]
    real_levels = np.array([np.percentile(image / 255, levels) for image in real])
    ours = np.array([np.percentile(drawn(anatomy=None, seed=seed), levels) for seed in range(3)])
    low, high = np.percentile(real_levels, [2.5, 97.5], axis=0)
    assert (ours > low).all()
    assert (ours < high).all()
