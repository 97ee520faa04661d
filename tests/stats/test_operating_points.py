import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_curve

from pneumoscope.core import InputError
from pneumoscope.stats import (
    CostWeighted,
    FixedSensitivity,
    FixedSpecificity,
    MaximumF1,
    Youden,
    choose_threshold,
    operating_point,
)

TRUTH = np.array([True, True, False, True, False, False, True, False, False, False])
SCORE = np.array([0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])


@pytest.mark.parametrize(
    ("rule", "threshold"),
    [
        (MaximumF1(), 0.7),  # 3 of 4 found, 1 alarm: F1 6/8; at .9 it is 4/6, at .4 8/11.
        (Youden(), 0.7),  # 3/4 - 1/6; at .4 1 - 3/6.
        (FixedSensitivity(0.75), 0.7),
        (FixedSensitivity(0.76), 0.4),
        (FixedSpecificity(0.9), 0.9),
        (FixedSpecificity(0.8), 0.7),
        (CostWeighted(miss_cost=1.0, prevalence=0.4), 0.9),  # .4 found less .6 alarms: .2; at .7 .3 - .1, no more.
        (CostWeighted(miss_cost=5.0, prevalence=0.4), 0.4),
    ],
)
def test_hand_worked_thresholds(rule, threshold):
    assert choose_threshold(TRUTH, SCORE, rule=rule) == threshold


def test_each_rule_agrees_with_a_search_over_the_points_of_scikit_learn(repeated):
    truth, score = repeated.truth, repeated.score
    alarm, found, threshold = roc_curve(truth, score, drop_intermediate=False)
    f1s = [f1_score(truth, score >= t) for t in threshold[1:]]
    assert choose_threshold(truth, score, rule=MaximumF1()) == threshold[1:][np.argmax(f1s)]
    assert choose_threshold(truth, score, rule=Youden()) == threshold[np.argmax((found - alarm).round(12))]
    assert choose_threshold(truth, score, rule=FixedSensitivity(0.9)) == threshold[found >= 0.9][0]
    best = found[alarm <= 0.1].max()
    assert choose_threshold(truth, score, rule=FixedSpecificity(0.9)) == threshold[(found == best) & (alarm <= 0.1)][0]
    costs = 4 * 0.2 * (1 - found) + 0.8 * alarm
    rule = CostWeighted(miss_cost=4.0, prevalence=0.2)
    assert choose_threshold(truth, score, rule=rule) == threshold[np.argmin(costs.round(12))]


def simulate(n, rng):
    truth = rng.random(n) < 0.3
    return truth, 1 / (1 + np.exp(-rng.normal(loc=1.5 * truth)))


def test_the_interval_holds_what_new_patients_show_about_as_often_as_it_says():
    rng = np.random.default_rng(3)
    new_truth, new_score = simulate(40_000, rng)
    inside, error = [], []
    for _ in range(100):
        truth, score = simulate(150, rng)
        point = operating_point(truth, score, rule=Youden(), rng=rng, resamples=200)
        attained = (new_score[new_truth] >= point.threshold.value).mean()
        inside.append(point.sensitivity.low <= attained <= point.sensitivity.high)
        error.append((point.apparent_sensitivity - attained, point.sensitivity.value - attained))
    assert np.mean(inside) == pytest.approx(0.95, abs=0.05)
    apparent, corrected = np.mean(error, axis=0)
    assert apparent > 0.01
    assert abs(corrected) < apparent


def test_the_interval_of_the_threshold_agrees_with_copied_rows(repeated):
    rng = np.random.default_rng(1)
    rows = [np.flatnonzero(repeated.patient == patient) for patient in np.unique(repeated.patient)]
    groups = [[row for row in rows if repeated.truth[row].any() == ill] for ill in (True, False)]
    chosen = []
    for _ in range(400):
        drawn = np.concatenate([group[i] for group in groups for i in rng.integers(0, len(group), len(group))])
        _, found, threshold = roc_curve(repeated.truth[drawn], repeated.score[drawn], drop_intermediate=False)
        chosen.append(threshold[found >= 0.9][0])
    point = operating_point(
        repeated.truth, repeated.score, rule=FixedSensitivity(0.9), cluster=repeated.patient, rng=rng
    )
    assert (point.threshold.low, point.threshold.high) == pytest.approx(
        tuple(np.quantile(chosen, [0.025, 0.975])), abs=0.02
    )
    assert point.rule == "FixedSensitivity(target=0.9)"


def test_a_target_that_no_threshold_meets_is_refused():
    truth, score = np.array([True, False, False, True]), np.array([0.5, 0.9, 0.1, 0.2])
    with pytest.raises(InputError, match=r"meets FixedSpecificity\(target=0.9\): the highest score flags too many"):
        choose_threshold(truth, score, rule=FixedSpecificity(0.9))


@pytest.mark.parametrize("target", [0.0, 1.0, 95.0])
def test_a_target_in_percent_is_refused(target):
    with pytest.raises(InputError, match="target sensitivity between 0 and 1"):
        FixedSensitivity(target)


def test_a_miss_without_cost_is_refused():
    with pytest.raises(InputError, match="more than 0 false alarms, found 0"):
        CostWeighted(miss_cost=0.0, prevalence=0.1)
