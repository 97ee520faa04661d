import numpy as np
import pytest
from scipy.stats.contingency import association
from statsmodels.stats.contingency_tables import Table2x2

from pneumoscope.core import InputError
from pneumoscope.stats import cramer_v, odds_ratio


def rows(exposed_ill: int, exposed_well: int, other_ill: int, other_well: int) -> tuple[np.ndarray, np.ndarray]:
    """Outcome and exposure from the four counts."""
    sizes = [exposed_ill, exposed_well, other_ill, other_well]
    return np.repeat([True, False, True, False], sizes), np.repeat([True, True, False, False], sizes)


def test_smoking_and_lung_cancer_of_doll_and_hill():
    # Men, BMJ 1950, table V: 647 and 2 patients, 622 and 27 controls; (647 * 27) / (622 * 2).
    found = odds_ratio(*rows(647, 622, 2, 27))
    assert found.value == pytest.approx(647 * 27 / (622 * 2))
    assert found.log_standard_error == pytest.approx((1 / 647 + 1 / 622 + 1 / 2 + 1 / 27) ** 0.5)
    assert (found.n, found.positives, found.exposed) == (1298, 649, 1269)


def test_ratio_and_interval_agree_with_statsmodels():
    found, other = odds_ratio(*rows(30, 70, 45, 300), level=0.9), Table2x2([[30, 70], [45, 300]])
    assert found.value == pytest.approx(other.oddsratio)
    assert (found.low, found.high) == pytest.approx(other.oddsratio_confint(0.1))


def test_four_copies_of_each_patient_are_no_more_certain_than_one():
    outcome, exposed = rows(30, 70, 45, 300)
    copies = odds_ratio(np.repeat(outcome, 4), np.repeat(exposed, 4), cluster=np.repeat(np.arange(outcome.size), 4))
    assert copies.log_standard_error == pytest.approx(odds_ratio(outcome, exposed).log_standard_error, rel=2e-3)


def test_a_combination_that_never_occurs_has_no_ratio():
    with pytest.raises(InputError, match="all four combinations"):
        odds_ratio(*rows(0, 70, 45, 300))


def test_cramers_v_less_its_bias_is_nearly_the_plain_one_on_many_rows():
    outcome, exposed = rows(3000, 7000, 4500, 30000)
    table = np.array([[3000, 7000], [4500, 30000]])
    assert cramer_v(outcome, exposed) == pytest.approx(association(table, method="cramer"), abs=1e-3)


def test_cramers_v_by_hand():
    # phi^2 = 0.16 of 100 rows, less 1/99; over 2 - 1/99 - 1.
    outcome, exposed = rows(35, 15, 15, 35)
    assert cramer_v(outcome, exposed) == pytest.approx(((0.16 - 1 / 99) / (1 - 1 / 99)) ** 0.5)


def test_what_has_nothing_in_common_has_no_association():
    values = np.random.default_rng(0).integers(0, 5, (2, 2000))
    assert cramer_v(*values) < 0.05


def test_one_value_that_says_the_other_reaches_one():
    names = np.array(["PA", "AP"] * 20)
    assert cramer_v(names, np.char.lower(names)) == pytest.approx(1)


def test_two_rows_are_too_few_for_an_association():
    with pytest.raises(InputError, match="leaves nothing of 2 rows"):
        cramer_v(np.arange(2), np.arange(2))


@pytest.mark.parametrize(("first", "second"), [(np.zeros(4), np.arange(4)), (np.arange(3), np.arange(4))])
def test_variables_without_an_association_are_refused(first, second):
    with pytest.raises(InputError, match="expected two values"):
        cramer_v(first, second)
