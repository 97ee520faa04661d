import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa as statsmodels_kappa

from pneumoscope.core import InputError
from pneumoscope.stats import cohen_kappa


def ratings(table: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Two raters' categories from a table of counts, the first rater's down."""
    counts = np.array(table)
    first, second = np.indices(counts.shape)
    return np.repeat(first.ravel(), counts.ravel()), np.repeat(second.ravel(), counts.ravel())


def test_fifty_grants_worked_by_hand():
    # Agreement 35/50 = 0.70; by chance 0.5 * 0.6 + 0.5 * 0.4 = 0.50; kappa (0.70 - 0.50) / (1 - 0.50).
    found = cohen_kappa(*ratings([[20, 5], [10, 15]]))
    assert (found.observed, found.expected, found.value) == pytest.approx((0.70, 0.50, 0.40))


@pytest.mark.parametrize("table", [[[20, 5], [10, 15]], [[88, 14, 18], [10, 40, 10], [2, 6, 12]], [[0, 9], [8, 1]]])
def test_value_and_interval_agree_with_statsmodels(table):
    found, other = cohen_kappa(*ratings(table)), statsmodels_kappa(np.array(table))
    assert (found.value, found.standard_error) == pytest.approx((other.kappa, other.std_kappa))
    assert (found.low, found.high) == pytest.approx((max(other.kappa_low, -1), other.kappa_upp))


def test_the_clustered_error_agrees_with_a_bootstrap_of_patients():
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(300), 3)
    ill = (rng.random(300) < 0.4)[patient]
    first, second = (ill ^ (rng.random(300) < 0.2)[patient] for _ in range(2))
    found = cohen_kappa(first, second, cluster=patient)
    rows = np.arange(900).reshape(300, 3)
    drawn = [rows[rng.integers(0, 300, 300)].ravel() for _ in range(800)]
    spread = np.std([cohen_kappa(first[draw], second[draw]).value for draw in drawn])
    assert found.standard_error == pytest.approx(spread, rel=0.1)
    assert found.standard_error > 1.5 * cohen_kappa(first, second).standard_error


def test_raters_who_always_agree_reach_one_with_the_doubt_of_so_few_rows():
    # Agreement 2 of 2: exact from .158 (the root of .025) to 1; by chance 1/2.
    found = cohen_kappa(np.array(["a", "b"]), np.array(["a", "b"]))
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx((0.025**0.5 - 0.5) / 0.5)
    assert "exact" in found.method


def test_raters_who_always_agree_on_many_rows_of_few_patients_keep_the_doubt_of_the_patients():
    rating = np.arange(40) % 2
    rows, patients = (cohen_kappa(rating, rating, cluster=cluster) for cluster in (None, np.arange(40) // 10))
    assert patients.low == cohen_kappa(rating[:4], rating[:4]).low < rows.low < 1


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (np.zeros(3), np.zeros(3), "one and the same category"),
        (np.zeros(3), np.zeros(4), "two ratings a row"),
        (np.zeros(0), np.zeros(0), "two ratings a row"),
    ],
)
def test_ratings_without_a_kappa_are_refused(first, second, message):
    with pytest.raises(InputError, match=message):
        cohen_kappa(first, second)


@pytest.mark.parametrize("weights", ["linear", "quadratic"])
def test_weighted_kappa_agrees_with_scikit_learn_and_statsmodels(weights):
    rng = np.random.default_rng(4)
    first = rng.integers(1, 6, 300)
    second = np.clip(first + rng.integers(-1, 3, 300), 1, 5)
    found = cohen_kappa(first, second, weights=weights)
    assert found.value == pytest.approx(cohen_kappa_score(first, second, weights=weights))
    table = np.zeros((5, 5))
    np.add.at(table, (first - 1, second - 1), 1)
    expected = statsmodels_kappa(table, wt={"linear": "linear", "quadratic": "fc"}[weights])
    assert found.value == pytest.approx(expected.kappa)
    assert found.standard_error == pytest.approx(expected.std_kappa, rel=1e-6)
