import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import logit
from sklearn.calibration import calibration_curve

from pneumoscope.core import InputError
from pneumoscope.stats import calibration_line, reliability_curve, sensitivity

TRUTH = np.array([False, True, True, True])
SCORE = np.array([0.1, 0.3, 0.6, 1.0])


def test_hand_worked_bins():
    low, high = reliability_curve(TRUTH, SCORE, bins=2)
    assert (low.mean_probability, low.observed.value) == pytest.approx((0.2, 0.5))
    assert (high.mean_probability, high.observed.value) == pytest.approx((0.8, 1.0))
    assert (high.lowest, high.highest, high.observed.n) == (0.6, 1.0, 2)


def test_the_curve_agrees_with_scikit_learn(repeated):
    share, mean = calibration_curve(repeated.truth, repeated.score**2, n_bins=5, strategy="quantile")
    found = reliability_curve(repeated.truth, repeated.score**2, bins=5, cluster=repeated.patient)
    # scikit-learn puts a score on an edge into the upper bin, we into the lower; a few rows of 120 move.
    assert [bin_.observed.value for bin_ in found] == pytest.approx(share, abs=0.02)
    assert [bin_.mean_probability for bin_ in found] == pytest.approx(mean, abs=0.02)


def test_a_bins_interval_is_that_of_a_clustered_share(repeated):
    (only,) = reliability_curve(repeated.truth, repeated.score, bins=1, cluster=repeated.patient)
    everyone = np.ones_like(repeated.truth)
    expected = sensitivity(everyone, repeated.truth.astype(float), threshold=0.5, cluster=repeated.patient)
    assert (only.observed.low, only.observed.high) == (expected.low, expected.high)


def test_tied_scores_share_a_bin():
    assert len(reliability_curve(TRUTH, np.array([0.2, 0.2, 0.2, 0.9]), bins=4)) == 2


@pytest.mark.parametrize("clustered", [False, True])
def test_slope_and_intercept_agree_with_statsmodels(repeated, clustered):
    groups = repeated.patient if clustered else np.arange(repeated.truth.size)
    score = repeated.score.clip(0.01, 0.99)
    line = calibration_line(repeated.truth, score, cluster=groups if clustered else None, level=0.9)
    # statsmodels also multiplies the variance by (n - 1) / (n - columns).
    model = sm.GLM(repeated.truth.astype(float), sm.add_constant(logit(score)), family=sm.families.Binomial())
    fit = model.fit(cov_type="cluster", cov_kwds={"groups": groups})
    n = repeated.truth.size
    error = fit.bse[1] / np.sqrt((n - 1) / (n - 2))
    assert line.slope.value == pytest.approx(fit.params[1])
    assert line.slope.high - line.slope.value == pytest.approx(1.644854 * error, rel=1e-6)
    large = sm.GLM(
        repeated.truth.astype(float), np.ones((n, 1)), family=sm.families.Binomial(), offset=logit(score)
    ).fit()
    assert line.intercept.value == pytest.approx(large.params[0])


def test_a_calibrated_model_has_slope_one_and_intercept_zero_inside_its_intervals():
    rng = np.random.default_rng(2)
    score = rng.random(4000)
    line = calibration_line(rng.random(4000) < score, score)
    assert line.slope.low < 1 < line.slope.high
    assert line.intercept.low < 0 < line.intercept.high


def test_a_model_that_says_too_much_has_a_negative_intercept():
    rng = np.random.default_rng(2)
    score = rng.random(4000)
    assert calibration_line(rng.random(4000) < score / 2, score).intercept.high < 0


def test_scores_all_alike_have_no_slope():
    with pytest.raises(InputError, match="or are all alike"):
        calibration_line(TRUTH, np.full(4, 0.3))


def test_one_cluster_has_no_interval():
    with pytest.raises(InputError, match="at least 2 clusters, found 1"):
        calibration_line(TRUTH, np.array([0.5, 0.3, 0.6, 0.2]), cluster=np.zeros(4))
