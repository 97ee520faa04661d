import numpy as np
import pytest
from sklearn.metrics import f1_score

from pneumoscope.core import InputError
from pneumoscope.stats import reader_f1


def readings(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Four radiologists and a model that is a little better, on 420 images, as in the paper."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=420)
    return signal + rng.normal(size=(4, 420)) > 1.2, signal + 0.5 * rng.normal(size=420) > 1.0


def test_hand_worked_means():
    readers = np.array([[True, True, False, False], [True, False, False, False]])
    model = np.array([True, True, True, False])
    # Pairs: readers 2/3, first and model 4/5, second and model 2/4.
    found = reader_f1(readers, model, rng=np.random.default_rng(0), resamples=20)
    assert found.model.value == pytest.approx((4 / 5 + 1 / 2) / 2)
    assert [reader.value for reader in found.readers] == pytest.approx([(2 / 3 + 4 / 5) / 2, (2 / 3 + 1 / 2) / 2])
    assert found.difference.value == pytest.approx(found.model.value - found.readers_mean.value)


def test_readers_can_be_scored_against_readers_only():
    readers = np.array([[True, True, False, False], [True, False, False, False]])
    model = np.array([True, True, True, False])
    found = reader_f1(readers, model, rng=np.random.default_rng(0), resamples=20, model_is_reference=False)
    assert [reader.value for reader in found.readers] == pytest.approx([2 / 3, 2 / 3])
    assert found.model.value == pytest.approx((4 / 5 + 1 / 2) / 2)


def by_the_paper(readers, model):
    """Each of five raters against the other four, one at a time, by scikit-learn."""
    raters = [*readers, model]
    means = [
        np.mean([f1_score(truth, rater) for other, truth in enumerate(raters) if other != index])
        for index, rater in enumerate(raters)
    ]
    return means[-1], np.mean(means[:-1])


def test_it_agrees_with_scikit_learn_and_its_interval_with_copied_images():
    readers, model = readings()
    found = reader_f1(readers, model, rng=np.random.default_rng(1), resamples=2000)
    expected = by_the_paper(readers, model)
    assert (found.model.value, found.readers_mean.value) == pytest.approx(expected)
    rng = np.random.default_rng(2)
    differences = []
    for _ in range(500):
        drawn = rng.integers(0, 420, 420)
        raters = np.concatenate([readers, model[None]])[:, drawn].astype(int)
        flagged = raters.sum(axis=1)
        f1s = 2 * raters @ raters.T / np.add.outer(flagged, flagged)
        means = (f1s.sum(axis=1) - 1) / 4
        differences.append(means[-1] - means[:-1].mean())
    low, high = np.quantile(differences, [0.025, 0.975])
    assert (found.difference.low, found.difference.high) == pytest.approx((low, high), abs=0.008)
    assert found.difference.low > 0


def test_a_model_that_is_one_of_the_readers_agrees_best():
    readers, _ = readings()
    found = reader_f1(readers, readers[0], rng=np.random.default_rng(1), resamples=50)
    assert found.readers[0].value == pytest.approx(found.model.value)
    assert found.model.value > found.readers_mean.value


def test_raters_who_flag_nothing_are_refused():
    nothing = np.zeros((2, 9), dtype=bool)
    with pytest.raises(InputError, match="two raters flag no image between them"):
        reader_f1(nothing, nothing[0], rng=np.random.default_rng(0), resamples=20)


def test_answers_to_other_images_are_refused():
    readers, model = readings()
    with pytest.raises(InputError, match="each of 420 images"):
        reader_f1(readers, model[:-1], rng=np.random.default_rng(0))
