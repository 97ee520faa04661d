import numpy as np
import pytest

from pneumoscope.core import ArtifactError
from pneumoscope.image import Crop, Recipe, prepare, trim

RECIPE = Recipe(size_px=32)


def film(height: int = 64, width: int = 48) -> np.ndarray:
    """A ramp from 0.1 at the left to 0.9 at the right: no flat line anywhere."""
    return np.tile(np.linspace(0.1, 0.9, width, dtype=np.float32), (height, 1))


def test_the_input_is_square_and_spans_minus_one_to_one() -> None:
    prepared = prepare(film(), RECIPE)
    assert prepared.array.shape == (1, 32, 32)
    assert prepared.array.dtype == np.float32
    assert prepared.array.min() == pytest.approx(-1, abs=0.05)
    assert prepared.array.max() == pytest.approx(1, abs=0.05)


@pytest.mark.req("REQ-IM-01")
def test_golden_values_of_a_ramp() -> None:
    # Percentiles 0 and 100 of [0.1, 0.9] map to -1 and 1; halving 64 columns to 32 with a triangle filter keeps a
    # ramp a ramp away from its ends: column c lies at 2c + 0.5 of 63 steps.
    recipe = Recipe(size_px=32, low_percentile=0, high_percentile=100)
    row = prepare(film(64, 64), recipe).array[0, 10]
    expected = -1 + 2 * (2 * np.arange(32) + 0.5) / 63
    np.testing.assert_allclose(row[2:-2], expected[2:-2], atol=1e-4)


@pytest.mark.req("REQ-IM-01")
def test_the_result_does_not_depend_on_exposure_or_contrast() -> None:
    dark = prepare(film() * 0.5 + 0.1, RECIPE).array
    np.testing.assert_allclose(dark, prepare(film(), RECIPE).array, atol=1e-4)


@pytest.mark.req("REQ-IM-01")
def test_black_and_white_borders_are_trimmed() -> None:
    framed = np.zeros((84, 60), dtype=np.float32)
    framed[:, :6] = 1.0
    framed[10:74, 6:54] = film()
    assert trim(framed, RECIPE) == Crop(10, 6, 74, 54)
    np.testing.assert_allclose(prepare(framed, RECIPE).array, prepare(film(), RECIPE).array, atol=1e-6)


def test_a_side_that_is_mostly_flat_is_no_border() -> None:
    half = film(64, 64)
    half[:, :40] = 0.0
    assert trim(half, RECIPE) == Crop(0, 0, 64, 64)


def test_a_wholly_flat_image_is_prepared_without_error() -> None:
    prepared = prepare(np.full((50, 40), 0.3, dtype=np.float32), RECIPE)
    assert np.isfinite(prepared.array).all()
    assert prepared.crop == Crop(0, 0, 50, 40)


def test_the_same_film_at_two_resolutions_gives_nearly_the_same_input() -> None:
    rng = np.random.default_rng(0)
    small = rng.random((40, 40)).astype(np.float32)
    large = np.kron(small, np.ones((25, 25), dtype=np.float32))
    difference = prepare(large, RECIPE).array - prepare(np.kron(small, np.ones((5, 5), dtype=np.float32)), RECIPE).array
    assert np.abs(difference).mean() < 0.03


@pytest.mark.parametrize(
    ("field", "value"),
    [("size_px", 8), ("flat_tolerance", 0.7), ("flat_share", 0.0), ("largest_trim", 0.5), ("low_percentile", 99.9)],
)
def test_a_recipe_that_cannot_be_is_refused_by_name(field: str, value: float) -> None:
    with pytest.raises(ArtifactError, match=field):
        Recipe(**{field: value})
