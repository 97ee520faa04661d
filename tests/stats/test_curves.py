import numpy as np
import pytest
from sklearn import metrics

from pneumoscope.core import InputError
from pneumoscope.stats import (
    f1,
    f1_band,
    precision_recall_band,
    precision_recall_curve,
    roc_band,
    roc_curve,
)

TRUTH = np.array([True, False, True, False])
SCORE = np.array([0.9, 0.8, 0.8, 0.1])


def few() -> dict[str, object]:
    return {"rng": np.random.default_rng(5), "resamples": 30}


def test_hand_worked_roc_points():
    found = roc_curve(TRUTH, SCORE)
    assert found.threshold.tolist() == [np.inf, 0.9, 0.8, 0.1]
    assert found.sensitivity.tolist() == [0, 0.5, 1, 1]
    assert found.false_positive_rate.tolist() == [0, 0, 0.5, 1]


def test_hand_worked_precision_recall_points():
    found = precision_recall_curve(TRUTH, SCORE)
    assert found.recall.tolist() == [0.5, 1, 1]
    assert found.precision.tolist() == [1, 2 / 3, 0.5]


def test_the_roc_curve_agrees_with_scikit_learn(repeated):
    false_alarms, sensitivity, threshold = metrics.roc_curve(repeated.truth, repeated.score, drop_intermediate=False)
    found = roc_curve(repeated.truth, repeated.score)
    np.testing.assert_allclose(found.sensitivity, sensitivity, atol=1e-12)
    np.testing.assert_allclose(found.false_positive_rate, false_alarms, atol=1e-12)
    np.testing.assert_array_equal(found.threshold, threshold)


def test_the_precision_recall_curve_agrees_with_scikit_learn(repeated):
    precision, recall, threshold = metrics.precision_recall_curve(repeated.truth, repeated.score)
    found = precision_recall_curve(repeated.truth, repeated.score)
    np.testing.assert_allclose(found.precision, precision[-2::-1], atol=1e-12)
    np.testing.assert_allclose(found.recall, recall[-2::-1], atol=1e-12)
    np.testing.assert_array_equal(found.threshold, threshold[::-1])


def test_hand_worked_bands_follow_the_steps():
    grid = np.array([0.0, 0.4, 0.5, 1.0])
    assert roc_band(TRUTH, SCORE, grid=grid, **few()).y.tolist() == [0.5, 0.5, 1, 1]
    assert precision_recall_band(TRUTH, SCORE, grid=grid, **few()).y.tolist() == [1, 1, 1, 2 / 3]
    assert f1_band(TRUTH, SCORE, grid=np.array([0.1, 0.5, 0.85, 1.0]), **few()).y == pytest.approx(
        [2 / 3, 4 / 5, 2 / 3, 0]
    )


def test_the_f1_band_is_f1_with_its_interval_at_each_threshold(repeated):
    band = f1_band(repeated.truth, repeated.score, cluster=repeated.patient, rng=np.random.default_rng(1))
    at = f1(repeated.truth, repeated.score, threshold=0.6, cluster=repeated.patient, rng=np.random.default_rng(1))
    place = int(np.flatnonzero(band.x == 0.6)[0])
    assert (band.y[place], band.low[place], band.high[place]) == pytest.approx((at.value, at.low, at.high))


def copied(readings, statistic):
    """Patients drawn one by one, with and without the finding apart, and their rows copied out."""
    rng = np.random.default_rng(1)
    rows = [np.flatnonzero(readings.patient == patient) for patient in np.unique(readings.patient)]
    groups = [[row for row in rows if readings.truth[row].any() == ill] for ill in (True, False)]
    values = []
    for _ in range(400):
        drawn = np.concatenate([group[i] for group in groups for i in rng.integers(0, len(group), len(group))])
        values.append(statistic(readings.truth[drawn], readings.score[drawn]))
    return np.quantile(values, [0.025, 0.975], axis=0)


def test_the_roc_band_agrees_with_copied_rows_and_scikit_learn(repeated):
    grid = np.array([0.05, 0.2, 0.5])

    def reached(truth, score):
        false_alarms, sensitivity, _ = metrics.roc_curve(truth, score, drop_intermediate=False)
        return [sensitivity[false_alarms <= x + 1e-9].max() for x in grid]

    band = roc_band(repeated.truth, repeated.score, grid=grid, cluster=repeated.patient, rng=np.random.default_rng(2))
    np.testing.assert_allclose(band.y, reached(repeated.truth, repeated.score), atol=1e-12)
    np.testing.assert_allclose([band.low, band.high], copied(repeated, reached), atol=0.04)
    assert band.method == "stratified bootstrap of clusters, 2000 resamples, percentile interval, pointwise"


def test_the_precision_recall_band_agrees_with_copied_rows_and_scikit_learn(repeated):
    grid = np.array([0.2, 0.5, 0.9])

    def at_recall(truth, score):
        precision, recall, _ = metrics.precision_recall_curve(truth, score)
        return [precision[recall >= x - 1e-9][-1] for x in grid]

    band = precision_recall_band(
        repeated.truth, repeated.score, grid=grid, cluster=repeated.patient, rng=np.random.default_rng(2)
    )
    np.testing.assert_allclose(band.y, at_recall(repeated.truth, repeated.score), atol=1e-12)
    np.testing.assert_allclose([band.low, band.high], copied(repeated, at_recall), atol=0.04)


@pytest.mark.parametrize("curve", [roc_curve, precision_recall_curve])
def test_a_curve_of_one_class_is_undefined(curve):
    with pytest.raises(InputError, match="found 4 and 0"):
        curve(np.ones(4, dtype=bool), SCORE)


def test_a_grid_in_percent_is_refused():
    with pytest.raises(InputError, match=r"expected rising recalls in \[0, 1\]"):
        precision_recall_band(TRUTH, SCORE, grid=np.array([50.0]), **few())


def test_resamples_without_a_negative_row_are_refused():
    truth, score = np.arange(6) % 3 > 0, np.array([0.3, 0.9, 0.8, 0.2, 0.7, 0.6])
    with pytest.raises(InputError, match="found them in only 2 of 4 clusters"):
        roc_band(truth, score, cluster=np.array([1, 1, 2, 3, 3, 4]), **few())
