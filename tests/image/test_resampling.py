import numpy as np
import pytest
from skimage.transform import resize

from pneumoscope.image import Recipe, prepare
from pneumoscope.image.resampling import gaussian_linear


@pytest.mark.parametrize("shape", [(500, 500), (300, 421), (64, 64), (40, 200)])
def test_it_agrees_with_scikit_image_up_and_down(shape: tuple[int, int]) -> None:
    image = (np.random.default_rng(0).random(shape) * 2 - 1).astype(np.float32)
    expected = resize(image[None], (1, 64, 64), mode="constant", preserve_range=True)[0]
    np.testing.assert_allclose(gaussian_linear(image, size_px=64), expected, atol=1e-6)


def test_a_central_square_of_the_full_range_is_what_the_network_sees() -> None:
    image = np.random.default_rng(0).random((80, 121)).astype(np.float32)
    recipe = Recipe(size_px=64, largest_trim=0.0, fit="centre square", resampling="gaussian", grey="full range")
    prepared = prepare(image, recipe)
    assert (prepared.crop.top, prepared.crop.left, prepared.crop.bottom, prepared.crop.right) == (0, 20, 80, 100)
    expected = resize(image[:, 20:100] * 2 - 1, (64, 64), mode="constant", preserve_range=True)
    np.testing.assert_allclose(prepared.array[0], expected, atol=1e-6)


def test_a_share_of_the_centre_leaves_the_same_border_on_all_sides() -> None:
    recipe = Recipe(size_px=64, largest_trim=0.0, centre_share=0.875)
    crop = prepare(np.random.default_rng(0).random((256, 256)).astype(np.float32), recipe).crop
    assert (crop.top, crop.left, crop.bottom, crop.right) == (16, 16, 240, 240)
