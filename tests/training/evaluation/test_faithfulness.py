import numpy as np
import pytest

from pneumoscope.training.evaluation.faithfulness import curve_areas, painted_over


def hot_at(row: int, column: int) -> np.ndarray:
    maps = np.zeros((1, 7, 7), dtype=np.float32)
    maps[0, row, column] = 1.0
    return maps


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (1, 112, 112), dtype=np.uint8)


def test_a_fifth_of_the_image_is_painted_over_where_it_is_hottest(images: np.ndarray) -> None:
    changed = painted_over(images, hot_at(5, 5), share=0.2)[0] != images[0]
    assert changed.mean() == pytest.approx(0.2, abs=0.02)
    assert changed[80:100, 80:100].mean() > 0.95


def test_nothing_is_painted_at_first_and_everything_at_last(images: np.ndarray) -> None:
    assert (painted_over(images, hot_at(5, 5), share=0.0) == images).all()
    assert len(np.unique(painted_over(images, hot_at(5, 5), share=1.0))) == 1


def test_an_answer_that_rests_on_the_hot_place_falls_early_and_rises_early() -> None:
    image = np.zeros((1, 112, 112), dtype=np.uint8)
    image[0, 80:96, 80:96] = 255

    def bright(shown: np.ndarray) -> np.ndarray:
        return shown[:, 80:96, 80:96].mean(axis=(1, 2)) / 255

    deletion, insertion, at_random = curve_areas(bright, image, hot_at(5, 5))[0]
    # The first step of five hides all of it: from 1 to the mean grey (5 of 255) in a fifth, and stays there.
    assert deletion == pytest.approx(0.1 + 0.9 * 5 / 255, abs=0.01)
    assert insertion == pytest.approx(0.9 + 0.1 * 5 / 255, abs=0.01)
    assert deletion < at_random < insertion
    wrong = curve_areas(bright, image, hot_at(1, 1))[0]
    assert wrong[0] > deletion + 0.3
    assert wrong[1] < insertion - 0.15
