from functools import partial

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from pneumoscope.core import InputError
from pneumoscope.stats import brier, expected_calibration_error

TRUTH = np.array([False, True, True, True])
SCORE = np.array([0.1, 0.3, 0.6, 1.0])


def few() -> dict[str, object]:
    return {"rng": np.random.default_rng(5), "resamples": 50}


def calibrated(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    score = rng.random(n)
    return rng.random(n) < score, score


def test_hand_worked_brier_score():
    assert brier(TRUTH, SCORE, **few()).value == pytest.approx((0.01 + 0.49 + 0.16 + 0) / 4)


def test_hand_worked_calibration_error():
    # Lower half: mean probability 0.2, share 0.5. Upper half: 0.8 and 1.
    found = expected_calibration_error(TRUTH, SCORE, bins=2, **few())
    assert found.value == pytest.approx((0.3 + 0.2) / 2)


def test_brier_agrees_with_scikit_learn_and_its_interval_with_the_normal_one(single):
    found = brier(single.truth, single.score, rng=np.random.default_rng(1))
    squared = (single.score - single.truth) ** 2
    half = 1.96 * squared.std(ddof=1) / squared.size**0.5
    assert found.value == pytest.approx(brier_score_loss(single.truth, single.score))
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half), abs=0.004)


def test_calibration_error_agrees_with_the_bins_of_scikit_learn():
    truth, score = calibrated(1000)
    score = score**2
    share, mean = calibration_curve(truth, score, n_bins=10, strategy="quantile")
    found = expected_calibration_error(truth, score, bins=10, **few())
    assert found.value == pytest.approx(np.abs(share - mean).mean(), abs=1e-9)


def test_the_order_of_tied_rows_does_not_matter(single):
    shuffle = np.random.default_rng(0).permutation(single.truth.size)
    direct = expected_calibration_error(single.truth, single.score, **few())
    shuffled = expected_calibration_error(single.truth[shuffle], single.score[shuffle], **few())
    assert shuffled.value == pytest.approx(direct.value, abs=1e-12)


def test_a_calibrated_model_has_an_interval_from_zero_and_a_miscalibrated_one_has_not():
    truth, score = calibrated(2000)
    good = expected_calibration_error(truth, score, rng=np.random.default_rng(1), resamples=300)
    bad = expected_calibration_error(truth, score**3, rng=np.random.default_rng(1), resamples=300)
    assert good.low == 0
    assert good.value < good.high < 0.1
    assert bad.low > 0.1


def test_patients_with_several_images_widen_both_intervals(repeated):
    for measure in (brier, expected_calibration_error):
        rows = measure(repeated.truth, repeated.score, **few())
        patients = measure(repeated.truth, repeated.score, cluster=repeated.patient, **few())
        assert patients.value == rows.value
        assert patients.high - patients.value > rows.high - rows.value


@pytest.mark.parametrize("measure", [brier, partial(expected_calibration_error, bins=2)])
def test_one_patient_has_no_interval(measure):
    with pytest.raises(InputError, match="at least 2 clusters, found 1"):
        measure(TRUTH, SCORE, cluster=np.zeros(4), **few())


@pytest.mark.parametrize("measure", [brier, partial(expected_calibration_error, bins=2)])
def test_probabilities_that_never_err_have_no_interval(measure):
    with pytest.raises(InputError, match="every one of 50 resamples gives 0"):
        measure(TRUTH, TRUTH.astype(float), **few())


@pytest.mark.parametrize("measure", [brier, expected_calibration_error])
def test_a_score_that_is_no_probability_is_refused(measure):
    with pytest.raises(InputError, match=r"in \[0, 1\], found 0\.1 to 2"):
        measure(TRUTH, np.array([0.1, 0.3, 0.6, 2.0]), **few())


@pytest.mark.parametrize("bins", [0, 5])
def test_bins_without_rows_are_refused(bins):
    with pytest.raises(InputError, match=f"expected 1 to 4 bins, at most one a row, found {bins}"):
        expected_calibration_error(TRUTH, SCORE, bins=bins, **few())
