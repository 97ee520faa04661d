import numpy as np
import pytest
from scipy.stats import beta, binomtest

from pneumoscope.core import InputError
from pneumoscope.stats import accuracy, npv, ppv, proportion, sensitivity, specificity

# At 0.5: 2 of 3 with the finding flagged, 1 of 5 without it.
TRUTH = np.array([True, True, True, False, False, False, False, False])
SCORE = np.array([0.9, 0.5, 0.4, 0.8, 0.3, 0.2, 0.1, 0.0])


@pytest.mark.parametrize(
    ("measure", "successes", "n"),
    [(sensitivity, 2, 3), (specificity, 4, 5), (ppv, 2, 3), (npv, 4, 5), (accuracy, 6, 8)],
)
def test_each_share_has_its_own_denominator_and_an_exact_interval(measure, successes, n):
    found = measure(TRUTH, SCORE, threshold=0.5, level=0.9)
    exact = binomtest(successes, n).proportion_ci(0.9, method="exact")
    assert (found.value, found.n, found.effective_n) == (pytest.approx(successes / n), n, n)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))
    assert (found.level, found.method) == (0.9, "Clopper-Pearson")


def test_the_textbook_interval_of_eight_in_ten():
    found = sensitivity(np.ones(10, dtype=bool), np.array([1.0] * 8 + [0.0] * 2), threshold=0.5)
    assert (found.low, found.high) == pytest.approx((0.4439, 0.9748), abs=5e-5)


def test_a_score_equal_to_the_threshold_is_flagged():
    assert sensitivity(TRUTH, SCORE, threshold=0.4).value == 1
    assert sensitivity(TRUTH, SCORE, threshold=0.4 + 1e-9).value == pytest.approx(2 / 3)


@pytest.mark.parametrize("flagged", [0.0, 1.0])
def test_none_or_all_of_twenty_leave_an_interval_on_one_side(flagged):
    found = sensitivity(np.ones(20, dtype=bool), np.full(20, flagged), threshold=0.5)
    exact = binomtest(round(20 * flagged), 20).proportion_ci(0.95, method="exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))


def test_four_copies_of_each_patient_count_as_one():
    # Ten patients whose four rows agree: the variance between patients is that of 10 - 1 independent rows.
    score = np.repeat([1.0] * 7 + [0.0] * 3, 4)
    patient = np.repeat(np.arange(10), 4)
    found = sensitivity(np.ones(40, dtype=bool), score, threshold=0.5, cluster=patient)
    assert (found.value, found.n) == (pytest.approx(0.7), 40)
    assert found.effective_n == pytest.approx(9)
    assert found.low < sensitivity(np.ones(40, dtype=bool), score, threshold=0.5).low


def test_few_patients_pay_for_the_uncertainty_of_their_own_variance():
    # As above: 9 rows by the variance, times the squared ratio of t(39) and t(9), 2.0227 and 2.2622.
    patient = np.repeat(np.arange(10), 4)
    found = proportion(np.repeat([True] * 7 + [False] * 3, 4), cluster=patient)
    size = 9 * (2.0227 / 2.2622) ** 2
    wider = beta.ppf(0.025, 0.7 * size, 0.3 * size + 1), beta.ppf(0.975, 0.7 * size + 1, 0.3 * size)
    assert (found.low, found.high) == pytest.approx(wider, abs=1e-4)


def test_the_interval_of_a_few_patients_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    patient, inside = np.repeat(np.arange(10), 5), []
    for _ in range(2000):  # intraclass correlation .3
        rate = rng.beta(0.2 * 7 / 3, 0.8 * 7 / 3, 10)[patient]
        success = rng.random(50) < rate
        found = proportion(success, cluster=patient)
        inside.append(found.low <= 0.2 <= found.high)
    assert np.mean(inside) > 0.945


def test_all_patients_alike_count_once_each():
    patient = np.repeat(np.arange(10), 4)
    found = sensitivity(np.ones(40, dtype=bool), np.ones(40), threshold=0.5, cluster=patient)
    assert found.low == pytest.approx(binomtest(10, 10).proportion_ci(0.95, method="exact").low)


def test_patients_of_one_row_have_the_plain_interval(single):
    plain = specificity(single.truth, single.score, threshold=0.6)
    clustered = specificity(single.truth, single.score, threshold=0.6, cluster=single.patient)
    assert (clustered.low, clustered.high) == pytest.approx((plain.low, plain.high), abs=2e-3)


def test_the_effective_size_agrees_with_a_bootstrap_of_patients(repeated):
    truth, score, patient = repeated.truth, repeated.score, repeated.patient
    found = specificity(truth, score, threshold=0.6, cluster=patient)
    right = np.bincount(patient, weights=~truth & (score < 0.6))
    total = np.bincount(patient, weights=~truth)
    drawn = np.random.default_rng(0).integers(0, right.size, (4000, right.size))
    spread = (right[drawn].sum(axis=1) / total[drawn].sum(axis=1)).std()
    assert (found.value * (1 - found.value) / found.effective_n) ** 0.5 == pytest.approx(spread, rel=0.05)


@pytest.mark.parametrize(
    ("measure", "truth", "score"),
    [
        (sensitivity, np.zeros(3, dtype=bool), np.ones(3)),
        (specificity, np.ones(3, dtype=bool), np.ones(3)),
        (ppv, np.ones(3, dtype=bool), np.zeros(3)),
        (npv, np.ones(3, dtype=bool), np.ones(3)),
    ],
)
def test_an_empty_denominator_is_undefined_not_zero(measure, truth, score):
    with pytest.raises(InputError, match="undefined"):
        measure(truth, score, threshold=0.5)


@pytest.mark.parametrize(
    ("score", "message"), [(-0.1, "in \\[0, 1\\], found -0.1"), (1.1, "to 1.1"), (np.nan, "1 NaN")]
)
@pytest.mark.parametrize("measure", [sensitivity, specificity, ppv, npv, accuracy])
def test_a_score_that_is_no_probability_is_refused(measure, score, message):
    with pytest.raises(InputError, match=message):
        measure(TRUTH, np.append(SCORE[:-1], score), threshold=0.5)


def test_a_missing_threshold_is_refused():
    with pytest.raises(InputError, match="finite threshold"):
        sensitivity(TRUTH, SCORE, threshold=float("nan"))


def test_patients_that_do_not_fit_the_rows_are_refused():
    with pytest.raises(InputError, match="expected 8 cluster ids"):
        sensitivity(TRUTH, SCORE, threshold=0.5, cluster=np.arange(7))


def test_a_plain_share_is_what_every_other_share_is_made_of():
    success = np.array([True] * 3 + [False] * 7)
    found, exact = proportion(success), binomtest(3, 10).proportion_ci(0.95, method="exact")
    assert (found.value, found.n) == (pytest.approx(0.3), 10)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))
    with pytest.raises(InputError, match="proportion: expected truth"):
        proportion(np.zeros(0, dtype=bool))


@pytest.mark.parametrize("patient", [[7, 7, 3, 3, 9], [-1, -1, 0, 0, 5], [10**9, 10**9, 1, 1, 2]])
def test_numbers_of_any_kind_name_clusters_as_well_as_words(patient):
    success = np.array([True, True, False, False, True])
    found, same = (proportion(success, cluster=np.array(names)) for names in (patient, list("bbaac")))
    assert (found.effective_n, found.low, found.high) == pytest.approx((same.effective_n, same.low, same.high))
