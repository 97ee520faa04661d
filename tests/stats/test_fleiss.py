import numpy as np
import pytest
from statsmodels.stats.inter_rater import aggregate_raters
from statsmodels.stats.inter_rater import fleiss_kappa as other_kappa

from pneumoscope.core import InputError
from pneumoscope.stats import fleiss_kappa


def readings(readers: int, n: int, *, skill: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=n) * skill + rng.normal(size=(readers, n)) > 0.5


def test_a_hand_worked_kappa():
    # Three readers, four rows: agreement 1, 1, 1/3, 1/3; half of all answers are yes.
    flagged = np.array([[1, 0, 1, 0], [1, 0, 1, 0], [1, 0, 0, 1]], dtype=bool)
    assert fleiss_kappa(flagged).value == pytest.approx((2 / 3 - 1 / 2) / (1 / 2))


@pytest.mark.parametrize("readers", [2, 4, 7])
def test_it_agrees_with_statsmodels(readers):
    flagged = readings(readers, 60, skill=1.0, seed=readers)
    assert fleiss_kappa(flagged).value == pytest.approx(other_kappa(aggregate_raters(flagged.T)[0]))


def test_the_interval_agrees_with_a_bootstrap_of_rows():
    flagged = readings(4, 150, skill=1.5, seed=2)
    rng = np.random.default_rng(1)
    draws = [flagged[:, rng.integers(0, 150, 150)] for _ in range(500)]
    spread = np.std([other_kappa(aggregate_raters(drawn.T)[0]) for drawn in draws])
    found = fleiss_kappa(flagged)
    assert found.high - found.value == pytest.approx(1.96 * spread, rel=0.1)


def test_perfect_agreement_is_one():
    found = fleiss_kappa(np.array([[True, True, False, False]] * 3))
    assert (found.value, found.low, found.high) == (1, 1, 1)


@pytest.mark.parametrize("yes", [0, 1])
def test_readers_who_all_say_no_are_refused(yes):
    flagged = np.zeros((3, 8), dtype=bool)
    flagged[:, :yes] = True
    with pytest.raises(InputError, match="said the same to all rows, or to all but one"):
        fleiss_kappa(flagged)


def test_one_reader_is_refused():
    with pytest.raises(InputError, match="at least 2 readers"):
        fleiss_kappa(np.ones((1, 9), dtype=bool))
