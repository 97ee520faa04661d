import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from pneumoscope.core import InputError
from pneumoscope.stats import fit_platt


def overconfident(n: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Log-odds 2.5 times too large, and 0.8 too high."""
    rng = np.random.default_rng(3)
    odds = rng.normal(-1, 1, n)
    return rng.random(n) < expit(odds), 2.5 * odds + 0.8


def test_a_hand_worked_line():
    # At log-odds of 1 three of four are right, at -1 one of four: the line through log 3 and -log 3.
    truth, odds = np.array([1, 1, 1, 0, 1, 0, 0, 0], dtype=bool), np.repeat([1.0, -1.0], 4)
    found = fit_platt(truth, odds)
    assert (found.slope, found.intercept) == pytest.approx((np.log(3), 0), abs=1e-5)
    assert found.probability(np.array([1.0, 0.0])) == pytest.approx([0.75, 0.5], abs=1e-5)


def test_platt_agrees_with_a_binomial_model_of_statsmodels_on_soft_targets():
    truth, odds = overconfident()
    target = np.where(truth, 0.9, 0.2)
    model = sm.GLM(target, sm.add_constant(odds), family=sm.families.Binomial()).fit()
    found = fit_platt(target, odds)
    assert (found.intercept, found.slope) == pytest.approx(tuple(model.params), abs=1e-6)


def test_a_soft_target_counts_as_two_rows_of_scikit_learn_with_its_weights():
    truth, odds = overconfident(300)
    target = np.where(truth, 0.8, 0.1)
    doubled, answers = np.concatenate([odds, odds])[:, None], np.repeat([1, 0], odds.size)
    model = LogisticRegression(C=1e6, tol=1e-10).fit(doubled, answers, np.concatenate([target, 1 - target]))
    found = fit_platt(target, odds)
    assert (found.slope, found.intercept) == pytest.approx((model.coef_[0, 0], model.intercept_[0]), abs=1e-5)


def test_platt_undoes_the_model_s_overconfidence():
    truth, odds = overconfident()
    found = fit_platt(truth, odds)
    assert found.slope == pytest.approx(1 / 2.5, abs=0.1)
    assert ((found.probability(odds) - truth) ** 2).mean() < ((expit(odds) - truth) ** 2).mean()


def test_platt_stays_finite_and_rising_where_the_scores_separate_the_classes():
    odds = np.array([2.2, 1.4, -1.4, -2.2])
    found = fit_platt(np.array([True, True, False, False]), odds)
    assert 0 < found.slope < 100
    assert (np.diff(found.probability(odds[::-1])) > 0).all()


def test_one_class_cannot_be_calibrated():
    with pytest.raises(InputError, match="expected both classes"):
        fit_platt(np.ones(3, dtype=bool), np.array([0.1, 0.2, 0.3]))


@pytest.mark.parametrize(("target", "odds"), [([0.5, 1.5], [0.0, 1.0]), ([0.0, 1.0], [0.0, np.inf])])
def test_targets_and_log_odds_out_of_range_are_refused(target, odds):
    with pytest.raises(InputError, match="Platt scaling"):
        fit_platt(np.array(target), np.array(odds))
