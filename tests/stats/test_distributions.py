"""Our quantiles and tails against SciPy's, and that a node needs no SciPy for them."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import special, stats

from pneumoscope.stats import distributions as ours


@pytest.mark.parametrize("n", [1, 7, 60, 1600, 40_000, 112_120])
@pytest.mark.parametrize("share", [1e-6, 0.025, 0.5, 0.975])
def test_beta_quantiles_agree_with_scipy(n, share):
    for successes in {0, 1, n // 50, n // 2, n - 1}:
        if 0 <= successes < n:
            expected = stats.beta.ppf(share, successes + 1, n - successes)
            assert ours.beta_quantile(share, successes + 1, n - successes) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (0.3, 40.7), (12.4, 1.1)])
def test_beta_quantiles_of_fractional_counts_invert_their_share(a, b):
    for share in (1e-9, 0.01, 0.4, 0.999):
        assert stats.beta.cdf(ours.beta_quantile(share, a, b), a, b) == pytest.approx(share, rel=1e-9)


@pytest.mark.parametrize("df", [1, 2, 4.3, 30, 1999, 2001, 22_432, np.inf])
@pytest.mark.parametrize("share", [0.0005, 0.025, 0.5, 0.9, 0.975])
def test_student_s_quantiles_and_tails_agree_with_scipy(df, share):
    expected = stats.norm.ppf(share) if np.isinf(df) else stats.t.ppf(share, df)
    assert ours.t_quantile(share, df) == pytest.approx(expected, rel=1e-10, abs=1e-12)
    if share >= 0.5:
        assert ours.t_tail(ours.t_quantile(share, df), df) == pytest.approx(1 - share, rel=1e-9)


def test_normal_quantiles_and_tails_agree_with_scipy():
    for value in (-3.0, 0.0, 1.0, 9.0):
        assert ours.normal_tail(value) == pytest.approx(stats.norm.sf(value), rel=1e-12)
    assert ours.normal_quantile(0.9) == pytest.approx(stats.norm.ppf(0.9), rel=1e-14)
    assert ours.two_sided(0.95) == pytest.approx(stats.norm.ppf(0.975), rel=1e-14)


def test_log_odds_agree_with_scipy_far_out_and_at_the_ends():
    odds = np.array([-800.0, -3.0, 0.0, 40.0, 800.0])
    np.testing.assert_allclose(ours.expit(odds), special.expit(odds), rtol=1e-12)
    share = np.array([0.0, 1e-12, 0.3, 1.0])
    np.testing.assert_allclose(ours.logit(share), special.logit(share), rtol=1e-12)


def test_a_node_computes_its_intervals_without_scipy_or_pandas():
    script = """
import sys
sys.modules.update(dict.fromkeys(("scipy", "pandas", "sklearn", "matplotlib")))
import numpy as np
from pneumoscope import stats
truth, score = np.array([True, True, False, False, True]), np.array([0.9, 0.4, 0.2, 0.6, 0.7])
patient = np.array([1, 1, 2, 3, 4])
print(stats.sensitivity(truth, score, threshold=0.5, cluster=patient).value)
print(stats.auroc(truth, score).value, stats.wilson(3, 7), stats.binomial_limits(25, 0.1))
print(stats.fit_platt(truth, np.log(score / (1 - score))).slope > 0, stats.fit_conformal(truth, score).positives)
"""
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
