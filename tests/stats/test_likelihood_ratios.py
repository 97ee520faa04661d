import numpy as np
import pytest
from scipy.stats.contingency import relative_risk

from pneumoscope.core import InputError
from pneumoscope.stats import Proportion, likelihood_ratios, sensitivity, specificity


def share(value: float, n: int, *, level: float = 0.95) -> Proportion:
    return Proportion(value=value, low=0.0, high=1.0, level=level, n=n, effective_n=float(n), method="given")


def test_hand_worked_ratios():
    found = likelihood_ratios(share(0.9, 50), share(0.8, 60))
    assert found.positive.value == pytest.approx(0.9 / 0.2)
    assert found.negative.value == pytest.approx(0.1 / 0.8)
    # Variance of the log: 1/45 - 1/50 + 1/12 - 1/60.
    half = 1.959964 * (1 / 45 - 1 / 50 + 1 / 12 - 1 / 60) ** 0.5
    assert found.positive.high / found.positive.value == pytest.approx(np.exp(half))


def test_both_agree_with_the_relative_risk_of_scipy(single):
    at = {"threshold": 0.6, "level": 0.9}
    rates = sensitivity(single.truth, single.score, **at), specificity(single.truth, single.score, **at)
    flagged, ill, well = single.score >= 0.6, int(single.truth.sum()), int((~single.truth).sum())
    for name, answer in (("positive", flagged), ("negative", ~flagged)):
        risk = relative_risk(int((answer & single.truth).sum()), ill, int((answer & ~single.truth).sum()), well)
        found, interval = getattr(likelihood_ratios(*rates), name), risk.confidence_interval(0.9)
        assert (found.value, found.low, found.high) == pytest.approx((risk.relative_risk, interval.low, interval.high))
        assert found.n == single.truth.size


def test_repeated_images_widen_the_interval(repeated):
    at = {"truth": repeated.truth, "score": repeated.score, "threshold": 0.6}
    rows = likelihood_ratios(sensitivity(**at), specificity(**at)).positive
    patients = likelihood_ratios(
        sensitivity(**at, cluster=repeated.patient), specificity(**at, cluster=repeated.patient)
    ).positive
    assert patients.value == rows.value
    assert patients.high > rows.high


def test_no_false_alarm_gives_a_finite_ratio_that_says_so():
    found = likelihood_ratios(share(0.9, 50), share(1.0, 60)).positive
    assert found.value == pytest.approx((45.5 / 51) / (0.5 / 61))
    assert "half a row added" in found.method


def test_mixed_levels_are_refused():
    with pytest.raises(InputError, match=r"found 0\.9 and 0\.95"):
        likelihood_ratios(share(0.9, 50, level=0.9), share(0.8, 60))
