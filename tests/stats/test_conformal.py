import numpy as np
import pytest

from pneumoscope.core import InputError
from pneumoscope.stats import (
    conformal_coverage,
    fit_conformal,
)

TRUTH = np.array([True] * 9 + [False] * 9)
SCORE = np.concatenate([np.linspace(0.2, 1, 9), np.linspace(0, 0.8, 9)])


def test_hand_worked_limits():
    # One of nine and the new row may be stranger at an error of .1: the lowest positive, the highest negative.
    found = fit_conformal(TRUTH, SCORE, error=0.1)
    assert (found.positive_from, found.negative_to) == pytest.approx((0.2, 0.8))
    found = fit_conformal(TRUTH, SCORE, error=0.3)
    assert (found.positive_from, found.negative_to) == pytest.approx((0.4, 0.6))
    assert (found.positives, found.negatives) == (9, 9)


def test_too_few_rows_never_rule_an_answer_out():
    found = fit_conformal(TRUTH, SCORE, error=0.05)
    assert (found.positive_from, found.negative_to) == (0, 1)
    assert found.uncertain(np.array([0.0, 0.5, 1.0])).all()


def test_one_answer_left_is_the_answer_and_both_or_none_is_uncertain():
    both = fit_conformal(TRUTH, SCORE, error=0.3)
    score = np.array([0.1, 0.4, 0.6, 0.9])
    assert both.not_suspicious(score).tolist() == [True, False, False, False]
    assert both.uncertain(score).tolist() == [False, True, True, False]
    assert both.suspicious(score).tolist() == [False, False, False, True]
    neither = fit_conformal(TRUTH, np.where(TRUTH, 0.9, 0.1), error=0.3)
    assert neither.uncertain(np.array([0.05, 0.5, 0.95])).tolist() == [False, True, False]


def p_value(calibration, new):
    """Share of calibration rows and the new one that fit no better than it; high scores fit."""
    return (1 + (calibration <= new).sum()) / (calibration.size + 1)


def test_the_sets_agree_with_conformal_p_values():
    rng = np.random.default_rng(3)
    truth = rng.random(70) < 0.4
    score = (1 / (1 + np.exp(-rng.normal(1.5 * truth)))).round(2)
    limits = fit_conformal(truth, score, error=0.15)
    for new in np.linspace(0.005, 0.995, 100):
        positive = p_value(score[truth], new) > 0.15
        negative = p_value(1 - score[~truth], 1 - new) > 0.15
        assert (new >= limits.positive_from, new <= limits.negative_to) == (positive, negative)


def test_coverage_on_new_rows_is_as_promised_on_average_in_each_class():
    rng = np.random.default_rng(5)
    covered = []
    for _ in range(120):
        truth = rng.random(120) < 0.3
        score = 1 / (1 + np.exp(-rng.normal(1.5 * truth)))
        limits = fit_conformal(truth[:80], score[:80], error=0.2)
        found = conformal_coverage(truth[80:], score[80:], limits=limits)
        covered.append((found.positive.value, found.negative.value))
    positive, negative = np.mean(covered, axis=0)
    assert 0.78 < positive < 0.87
    assert 0.78 < negative < 0.84


def test_hand_worked_coverage():
    limits = fit_conformal(TRUTH, SCORE, error=0.3)
    found = conformal_coverage(np.array([True, True, False, False]), np.array([0.9, 0.1, 0.5, 0.2]), limits=limits)
    assert (found.positive.value, found.negative.value) == (0.5, 1)
    assert (found.suspicious.value, found.not_suspicious.value, found.uncertain.value) == (0.25, 0.5, 0.25)
    assert found.right_where_certain.value == pytest.approx(2 / 3)


def test_an_error_in_percent_is_refused():
    with pytest.raises(InputError, match="conformal error between 0 and 1, found 10"):
        fit_conformal(TRUTH, SCORE, error=10.0)
