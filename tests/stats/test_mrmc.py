"""Van Dyke et al.'s study: two kinds of MRI, five readers, 114 patients of whom 45 have an aortic dissection.

Van Dyke, White, Obuchowski, Geisinger, Lorig and Meziane, Cine MRI in the diagnosis of thoracic aortic dissection,
79th RSNA Meetings, 1993. The expected numbers are the output of the University of Iowa's OR-DBM MRMC 2.51
(trapezoidal area, jackknife), as published with its example.
"""

import numpy as np
import pytest

from pneumoscope.core import InputError
from pneumoscope.stats import auroc, dbm, mrmc, paired_auroc_difference

NAMES = ("spin echo", "cine")


@pytest.fixture(scope="module")
def published(van_dyke):
    return mrmc(*van_dyke, names=NAMES, covariance="jackknife")


def test_the_published_areas_of_each_reader_come_out(published):
    expected = [
        [0.91964573, 0.85877617, 0.90386473, 0.97310789, 0.82979066],
        [0.94782609, 0.90531401, 0.92173913, 0.99935588, 0.92995169],
    ]
    np.testing.assert_allclose(published.values, expected, atol=1e-8)


def test_the_published_mean_squares_and_components_come_out(published):
    assert published.mean_squares == pytest.approx((0.00479617, 0.00383620, 0.00055103), abs=1e-8)
    found = published.components
    assert (found.reader, found.test_reader) == pytest.approx((0.00153500, 0.00020040), abs=1e-8)
    assert (found.cov1, found.cov2, found.cov3) == pytest.approx((0.00034661, 0.00034407, 0.00023903), abs=1e-8)
    assert (found.error, found.cases) == (pytest.approx(0.00080229, abs=1e-8), 114)


def test_the_published_analysis_for_other_readers_and_cases_comes_out(published):
    found = published.readers_and_cases
    assert found.statistic == pytest.approx(4.46, abs=0.005)
    assert found.df == (1, pytest.approx(15.26, abs=0.005))
    assert found.p_value == pytest.approx(0.0517, abs=5e-5)
    (pair,) = found.differences
    assert (pair.first, pair.second, pair.reader) == ("spin echo", "cine", None)
    assert (pair.value, pair.low, pair.high) == pytest.approx((-0.04380, -0.08796, 0.00036), abs=5e-6)
    assert (pair.standard_error, pair.p_value) == pytest.approx((0.02075, 0.0517), abs=5e-5)
    first, second = found.means
    assert (first.value, first.low, first.high) == pytest.approx((0.89703704, 0.82522360, 0.96885048), abs=1e-8)
    assert (second.value, second.low, second.high) == pytest.approx((0.94083736, 0.89413783, 0.98753689), abs=1e-8)
    assert (first.df, second.df) == pytest.approx((12.74, 12.71), abs=0.005)


def test_the_published_analysis_for_these_readers_and_other_cases_comes_out(published):
    found = published.cases
    assert (found.statistic, found.p_value) == pytest.approx((5.47595, 0.0193), abs=5e-5)
    (pair,) = found.differences
    assert (pair.low, pair.high, pair.standard_error) == pytest.approx((-0.08049, -0.00711, 0.01872), abs=5e-6)
    first, second = found.means
    assert (first.low, first.high) == pytest.approx((0.84943008, 0.94464399), abs=1e-8)
    assert (second.low, second.high) == pytest.approx((0.90795637, 0.97371835), abs=1e-8)


def test_the_published_differences_of_each_reader_come_out(published):
    expected = [
        (-0.02818, 0.02551, 0.2693),
        (-0.04654, 0.02630, 0.0768),
        (-0.01787, 0.03121, 0.5668),
        (-0.02625, 0.01729, 0.1290),
        (-0.10016, 0.04406, 0.0230),
    ]
    for reader, (found, numbers) in enumerate(zip(published.cases.reader_differences, expected, strict=True)):
        assert found.reader == reader
        assert (found.value, found.standard_error) == pytest.approx(numbers[:2], abs=5e-6)
        assert found.p_value == pytest.approx(numbers[2], abs=5e-5)


def test_the_published_analysis_for_other_readers_of_these_cases_comes_out(published):
    found = published.readers
    assert (found.statistic, found.p_value) == (pytest.approx(8.70, abs=0.005), pytest.approx(0.0420, abs=5e-5))
    (pair,) = found.differences
    assert (pair.low, pair.high, pair.standard_error) == pytest.approx((-0.08502, -0.00258, 0.01485), abs=5e-6)
    first, _ = found.means
    assert (first.low, first.high, first.df) == pytest.approx((0.82809808, 0.96597599, 4), abs=1e-8)


def test_pseudovalues_give_the_same_test_and_their_published_components(van_dyke, published):
    found = dbm(*van_dyke, names=NAMES)
    assert found.statistic == pytest.approx(published.readers_and_cases.statistic, rel=1e-9)
    assert found.df == pytest.approx(published.readers_and_cases.df, rel=1e-9)
    assert found.p_value == pytest.approx(published.readers_and_cases.p_value, rel=1e-9)
    assert (found.reader, found.test_reader) == pytest.approx((0.00153500, 0.00020040), abs=1e-8)
    assert (found.case, found.test_case) == pytest.approx((0.02724923, 0.01197530), abs=1e-8)
    assert (found.reader_case, found.error) == pytest.approx((0.01226473, 0.03997160), abs=1e-8)


def test_delong_covariances_are_those_of_one_reader_alone(van_dyke):
    truth, rating = van_dyke
    found = mrmc(truth, rating, names=NAMES)
    for reader, own in enumerate(found.cases.reader_differences):
        alone = paired_auroc_difference(truth, first=rating[0, reader], second=rating[1, reader])
        assert (own.value, own.standard_error) == pytest.approx((alone.value, alone.standard_error))
    errors = [auroc(truth, line).standard_error ** 2 for line in rating.reshape(10, -1)]
    assert found.components.error == pytest.approx(np.mean(errors))
    assert found.readers_and_cases.p_value == pytest.approx(0.0517, abs=0.002)


def test_sensitivities_agree_with_paired_changes_case_by_case(van_dyke):
    truth, rating = van_dyke
    found = mrmc(truth, rating, names=NAMES, figure="sensitivity", threshold=3)
    flagged = rating[:, :, truth] >= 3
    np.testing.assert_allclose(found.values, flagged.mean(axis=2))
    for reader, own in enumerate(found.cases.reader_differences):
        change = flagged[0, reader].astype(int) - flagged[1, reader]
        assert own.standard_error == pytest.approx(change.std(ddof=1) / np.sqrt(45))


def test_three_tests_give_three_pairs_and_all_covariances(van_dyke):
    truth, rating = van_dyke
    three = np.concatenate([rating, np.maximum(rating[:1], rating[1:])])
    found = mrmc(truth, three, names=("a", "b", "both"), covariance="jackknife")
    assert [(pair.first, pair.second) for pair in found.readers_and_cases.differences] == [
        ("a", "b"),
        ("a", "both"),
        ("b", "both"),
    ]
    other = dbm(truth, three, names=("a", "b", "both"))
    assert found.readers_and_cases.p_value == pytest.approx(other.p_value, rel=1e-9)
    assert found.readers_and_cases.df == pytest.approx(other.df, rel=1e-9)


def test_a_missing_rating_is_refused(van_dyke):
    truth, rating = van_dyke
    holes = np.where(np.arange(114) == 7, np.nan, rating)
    with pytest.raises(InputError, match="found 10 missing; leave those cases out"):
        mrmc(truth, holes, names=NAMES)


def test_one_reader_is_refused(van_dyke):
    truth, rating = van_dyke
    with pytest.raises(InputError, match=r"at least 2 readers of 114 cases, found shape \(2, 1, 114\)"):
        mrmc(truth, rating[:, :1], names=NAMES)


def test_names_that_do_not_tell_the_tests_apart_are_refused(van_dyke):
    with pytest.raises(InputError, match="expected 2 different test names"):
        mrmc(*van_dyke, names=("cine", "cine"))


def test_readers_who_are_all_perfect_are_refused(van_dyke):
    truth, rating = van_dyke
    with pytest.raises(InputError, match="no reader's figure varies"):
        mrmc(truth, np.broadcast_to(truth.astype(float), rating.shape), names=NAMES)


def test_a_sensitivity_without_a_threshold_is_refused(van_dyke):
    with pytest.raises(InputError, match="sensitivity: expected a finite threshold, found None"):
        mrmc(*van_dyke, names=NAMES, figure="sensitivity")
