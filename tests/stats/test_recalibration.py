import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from pneumoscope.core import InputError
from pneumoscope.stats import fit_isotonic, fit_platt, fit_temperature


def overconfident(n: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Log-odds 2.5 times too large, and 0.8 too high."""
    rng = np.random.default_rng(3)
    odds = rng.normal(-1, 1, n)
    return rng.random(n) < expit(odds), expit(2.5 * odds + 0.8)


def test_a_hand_worked_temperature():
    # At .8 three of four are right, so the log-odds of 3 stand where those of 4 were said.
    truth = np.array([True, True, True, False])
    found = fit_temperature(np.concatenate([truth, ~truth]), np.array([0.8] * 4 + [0.2] * 4))
    assert found.temperature == pytest.approx(np.log(4) / np.log(3))
    assert found.probability(np.array([0.8, 0.5])) == pytest.approx([0.75, 0.5])


def test_temperature_agrees_with_logistic_regression_without_intercept_in_scikit_learn():
    truth, score = overconfident()
    model = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-10).fit(logit(score)[:, None], truth)
    assert fit_temperature(truth, score).temperature == pytest.approx(1 / model.coef_[0, 0], rel=1e-4)


def test_platt_agrees_with_a_binomial_model_of_statsmodels_on_the_same_targets():
    truth, score = overconfident()
    n_positive, n_negative = truth.sum(), (~truth).sum()
    target = np.where(truth, (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2))
    model = sm.GLM(target, sm.add_constant(logit(score)), family=sm.families.Binomial()).fit()
    found = fit_platt(truth, score)
    assert (found.intercept, found.slope) == pytest.approx(tuple(model.params), abs=1e-6)
    assert found.slope == pytest.approx(1 / 2.5, abs=0.1)


def test_platt_stays_finite_where_the_scores_separate_the_classes():
    found = fit_platt(np.array([True, True, False, False]), np.array([0.9, 0.8, 0.2, 0.1]))
    assert 0 < found.slope < 10


def test_isotonic_agrees_with_scikit_learn_inside_and_outside_the_fitted_scores():
    truth, score = overconfident(300)
    score = score.round(2)
    new = np.linspace(0, 1, 201)
    expected = IsotonicRegression(out_of_bounds="clip").fit(score, truth).predict(new)
    np.testing.assert_allclose(fit_isotonic(truth, score).probability(new), expected, atol=1e-12)


def test_isotonic_of_scores_in_one_heap_is_their_share():
    assert fit_isotonic(np.array([True, False, False]), np.full(3, 0.7)).probability(np.array([0.1])) == 1 / 3


@pytest.mark.parametrize("fit", [fit_temperature, fit_platt, fit_isotonic])
def test_each_map_lowers_the_squared_error_of_an_overconfident_model(fit):
    truth, score = overconfident()
    calibrated = fit(truth, score).probability(score)
    assert ((calibrated - truth) ** 2).mean() < ((score - truth) ** 2).mean()


@pytest.mark.parametrize("fit", [fit_temperature, fit_platt, fit_isotonic])
def test_one_class_cannot_be_calibrated(fit):
    with pytest.raises(InputError, match="calibration is undefined"):
        fit(np.ones(3, dtype=bool), np.array([0.1, 0.2, 0.3]))


def test_a_temperature_for_a_model_that_ranks_backwards_is_refused():
    truth, score = overconfident()
    with pytest.raises(InputError, match="expected above 0"):
        fit_temperature(truth, 1 - score)


def test_a_temperature_for_perfectly_separated_classes_is_refused():
    with pytest.raises(InputError, match="separate the classes completely"):
        fit_temperature(np.array([True, True, False, False]), np.array([0.9, 0.8, 0.2, 0.1]))
