"""Limits, intervals and distances between samples, against scipy and statsmodels."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from pneumoscope.core import InputError
from pneumoscope.stats import binomial_limits, kolmogorov_smirnov, wilson
from pneumoscope.stats.control_limits import THREE_SIGMA_TAIL as TAIL


@pytest.mark.parametrize("n", [25, 100])
@pytest.mark.parametrize("share", [0.005, 0.06, 0.4, 0.97])
def test_binomial_limits_are_the_exact_quantiles(n: int, share: float) -> None:
    low, high = (round(limit * n) for limit in binomial_limits(n, share))
    chance = stats.binom(n, share)
    assert chance.cdf(low - 1) <= TAIL < chance.cdf(low)
    assert chance.sf(high) <= TAIL < chance.sf(high - 1)


@pytest.mark.parametrize("shift", [0.0, 0.02, 0.1, 0.3])
@pytest.mark.parametrize("sizes", [(200, 200), (200, 57)])
def test_the_distance_between_samples_is_scipy_s(shift: float, sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(5)
    first, second = rng.beta(2, 5, sizes[0]), rng.beta(2, 5, sizes[1]) + shift
    expected = stats.ks_2samp(first, second, method="exact")
    distance, p = kolmogorov_smirnov(first, second)
    assert distance == pytest.approx(expected.statistic, abs=1e-12)
    assert p == pytest.approx(expected.pvalue, abs=0.03)


def test_equal_samples_have_no_distance() -> None:
    assert kolmogorov_smirnov(np.arange(50.0), np.arange(50.0)) == (0.0, 1.0)


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (7, 10), (10, 10), (412, 1000)])
def test_the_interval_of_a_share_is_wilson_s(hits: int, n: int) -> None:
    assert wilson(hits, n) == pytest.approx(proportion_confint(hits, n, method="wilson"), abs=1e-12)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: wilson(0, 0), "found 0 of 0"),
        (lambda: wilson(3, 2), "found 3 of 2"),
        (lambda: binomial_limits(0, 0.5), "at least 1 trial"),
        (lambda: binomial_limits(10, 0.0), "share in control"),
        (lambda: kolmogorov_smirnov(np.array([1.0]), np.array([np.nan])), "finite values"),
        (lambda: kolmogorov_smirnov(np.array([1.0]), np.array([])), "1 and 0 values"),
    ],
)
def test_what_has_no_limits_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        wrong()
