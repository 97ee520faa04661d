import numpy as np
import pytest
from sklearn.metrics import f1_score

from pneumoscope.core import InputError
from pneumoscope.stats import (
    Proportion,
    f1_at_prevalence,
    npv,
    npv_at_prevalence,
    ppv,
    ppv_at_prevalence,
    sensitivity,
    specificity,
)


def share(value: float, n: int, *, level: float = 0.95) -> Proportion:
    return Proportion(value=value, low=0, high=1, level=level, n=n, effective_n=n, method="given")


def test_hand_worked_predictive_values():
    # Of 1000 people 100 have it: 90 of them flagged, and 180 of the other 900.
    assert ppv_at_prevalence(share(0.9, 50), share(0.8, 60), prevalence=0.1).value == pytest.approx(90 / 270)
    assert npv_at_prevalence(share(0.9, 50), share(0.8, 60), prevalence=0.1).value == pytest.approx(720 / 730)


def test_at_the_prevalence_of_the_rows_they_are_the_rows_own(single):
    at = {"threshold": 0.6}
    rates = sensitivity(single.truth, single.score, **at), specificity(single.truth, single.score, **at)
    prevalence = float(single.truth.mean())
    own_ppv, own_npv = ppv(single.truth, single.score, **at), npv(single.truth, single.score, **at)
    assert ppv_at_prevalence(*rates, prevalence=prevalence).value == pytest.approx(own_ppv.value)
    assert npv_at_prevalence(*rates, prevalence=prevalence).value == pytest.approx(own_npv.value)


def test_hand_worked_f1():
    # Of 1000 people 100 have it: 90 found, 180 false alarms, 10 missed.
    found = f1_at_prevalence(share(0.9, 50), share(0.8, 60), prevalence=0.1)
    assert found.value == pytest.approx(2 * 90 / (2 * 90 + 180 + 10))


def test_f1_at_the_prevalence_of_the_rows_is_that_of_scikit_learn(single):
    at = {"threshold": 0.6}
    rates = sensitivity(single.truth, single.score, **at), specificity(single.truth, single.score, **at)
    found = f1_at_prevalence(*rates, prevalence=float(single.truth.mean()))
    assert found.value == pytest.approx(f1_score(single.truth, single.score >= 0.6))


def test_f1_of_a_rule_that_finds_nothing_is_zero_with_room_above():
    found = f1_at_prevalence(share(0.0, 50), share(0.9, 60), prevalence=0.1)
    assert (found.value, found.low) == (0, 0)
    assert 0 < found.high < 0.2


@pytest.mark.parametrize(
    ("measure", "prevalence"), [(ppv_at_prevalence, 0.02), (npv_at_prevalence, 0.3), (f1_at_prevalence, 0.05)]
)
def test_the_interval_agrees_with_simulated_validation_studies(measure, prevalence):
    rng = np.random.default_rng(0)
    true_rates = share(0.85, 200), share(0.7, 300)
    drawn = rng.binomial(200, 0.85, 4000) / 200, rng.binomial(300, 0.7, 4000) / 300
    studies = [measure(share(a, 200), share(b, 300), prevalence=prevalence) for a, b in zip(*drawn, strict=True)]
    expected = measure(*true_rates, prevalence=prevalence)
    assert (expected.low, expected.high) == pytest.approx(
        tuple(np.quantile([study.value for study in studies], [0.025, 0.975])), rel=0.02
    )
    covered = [study.low <= expected.value <= study.high for study in studies]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)


def test_no_false_alarm_leaves_room_below_one():
    found = ppv_at_prevalence(share(0.9, 50), share(1.0, 60), prevalence=0.1)
    assert (found.value, found.high) == (1, 1)
    assert 0.3 < found.low < 0.9


@pytest.mark.parametrize("prevalence", [0.0, 1.0, 10.0])
def test_a_prevalence_outside_zero_to_one_is_refused(prevalence):
    with pytest.raises(InputError, match="prevalence between 0 and 1"):
        ppv_at_prevalence(share(0.9, 50), share(0.8, 60), prevalence=prevalence)


def test_if_nobody_is_flagged_it_is_undefined():
    with pytest.raises(InputError, match="undefined"):
        ppv_at_prevalence(share(0.0, 50), share(1.0, 60), prevalence=0.1)


def test_mixed_levels_are_refused():
    with pytest.raises(InputError, match=r"found 0\.9 and 0\.95"):
        ppv_at_prevalence(share(0.9, 50, level=0.9), share(0.8, 60), prevalence=0.1)
