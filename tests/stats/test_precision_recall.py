from functools import partial

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from pneumoscope.core import InputError
from pneumoscope.stats import average_precision, f1

TRUTH = np.array([True, False, True, False])
SCORE = np.array([0.9, 0.8, 0.7, 0.1])


def few() -> dict[str, object]:
    return {"rng": np.random.default_rng(5), "resamples": 20}


def test_hand_worked_average_precision():
    # The first positive is found at precision 1, the second at 2/3.
    assert average_precision(TRUTH, SCORE, **few()).value == pytest.approx((1 + 2 / 3) / 2)


def test_tied_scores_are_flagged_together():
    found = average_precision(TRUTH, np.array([0.9, 0.9, 0.9, 0.1]), **few())
    assert found.value == pytest.approx(2 / 3)


def test_hand_worked_f1():
    # 2 found, 1 false alarm, none missed.
    assert f1(TRUTH, SCORE, threshold=0.7, **few()).value == pytest.approx(4 / 5)


def test_f1_of_nothing_found_and_of_no_error_has_no_interval():
    with pytest.raises(InputError, match="every one of 20 resamples gives 0"):
        f1(TRUTH, SCORE, threshold=0.95, **few())
    with pytest.raises(InputError, match="every one of 20 resamples gives 1"):
        f1(TRUTH, SCORE * TRUTH, threshold=0.5, **few())


@pytest.mark.parametrize("measure", [average_precision, partial(f1, threshold=0.85)])
def test_one_patient_with_the_finding_is_too_few_for_an_interval(measure):
    with pytest.raises(InputError, match="at least 2 clusters with and as many without the finding, found 1"):
        measure(np.array([True, False, False, False]), SCORE, **few())
    with pytest.raises(InputError, match="found 1"):
        measure(TRUTH, SCORE, cluster=np.full(4, 7), **few())


def test_both_agree_with_scikit_learn(repeated):
    truth, score = repeated.truth, repeated.score
    found = average_precision(truth, score, **few())
    assert found.value == pytest.approx(average_precision_score(truth, score), abs=1e-12)
    assert (found.n, found.positives) == (truth.size, truth.sum())
    assert f1(truth, score, threshold=0.6, **few()).value == pytest.approx(f1_score(truth, score >= 0.6))


def naive_interval(readings, statistic):
    """Patients with and without a positive image drawn apart, rows copied out one by one."""
    rng = np.random.default_rng(1)
    rows = [np.flatnonzero(readings.patient == patient) for patient in np.unique(readings.patient)]
    ill = [row for row in rows if readings.truth[row].any()]
    well = [row for row in rows if not readings.truth[row].any()]
    values = []
    for _ in range(500):
        drawn = [group[i] for group in (ill, well) for i in rng.integers(0, len(group), len(group))]
        values.append(statistic(np.concatenate(drawn)))
    return tuple(np.quantile(values, [0.025, 0.975]))


def test_the_interval_of_average_precision_agrees_with_copied_rows(repeated):
    truth, score = repeated.truth, repeated.score
    found = average_precision(truth, score, cluster=repeated.patient, rng=np.random.default_rng(2), resamples=1000)
    expected = naive_interval(repeated, lambda rows: average_precision_score(truth[rows], score[rows]))
    assert (found.low, found.high) == pytest.approx(expected, abs=0.02)
    assert found.method == "stratified bootstrap of clusters, 1000 resamples, percentile interval"


def test_the_interval_of_f1_agrees_with_copied_rows(repeated):
    truth, score = repeated.truth, repeated.score
    found = f1(truth, score, threshold=0.6, cluster=repeated.patient, rng=np.random.default_rng(2), resamples=1000)
    expected = naive_interval(repeated, lambda rows: f1_score(truth[rows], score[rows] >= 0.6))
    assert (found.low, found.high) == pytest.approx(expected, abs=0.02)


def test_patients_with_several_images_widen_the_interval(repeated):
    truth, score = repeated.truth, repeated.score
    rows = average_precision(truth, score, rng=np.random.default_rng(2), resamples=300)
    patients = average_precision(truth, score, cluster=repeated.patient, rng=np.random.default_rng(2), resamples=300)
    assert patients.high - patients.low > 1.3 * (rows.high - rows.low)


def test_the_same_seed_gives_the_same_interval(single):
    assert average_precision(single.truth, single.score, **few()) == average_precision(
        single.truth, single.score, **few()
    )


def test_one_class_is_undefined():
    with pytest.raises(InputError, match="average precision is undefined"):
        average_precision(np.zeros(4, dtype=bool), SCORE, **few())
    with pytest.raises(InputError, match="F1 is undefined"):
        f1(np.zeros(4, dtype=bool), SCORE, threshold=0.5, **few())


def test_scores_that_cannot_be_ordered_or_thresholded_are_refused():
    with pytest.raises(InputError, match="finite scores"):
        average_precision(TRUTH, np.array([0.9, np.nan, 0.7, 0.1]), **few())
    with pytest.raises(InputError, match=r"found 0\.1 to 3"):
        f1(TRUTH, np.array([3, 0.8, 0.7, 0.1]), threshold=0.5, **few())
    with pytest.raises(InputError, match="finite threshold"):
        f1(TRUTH, SCORE, threshold=float("inf"), **few())


def test_patients_that_do_not_fit_the_rows_are_refused():
    with pytest.raises(InputError, match="expected 4 cluster ids"):
        average_precision(TRUTH, SCORE, cluster=np.arange(5), **few())


def test_a_single_resample_is_no_interval():
    with pytest.raises(InputError, match="at least 2 resamples, found 1"):
        average_precision(TRUTH, SCORE, rng=np.random.default_rng(0), resamples=1)
