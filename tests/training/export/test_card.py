"""What validation films decide, on scores made by hand."""

import numpy as np
import pytest

from pneumoscope.training.export.card import fit_calibration, operating_points


def test_where_a_range_has_both_the_points_are_its_ends_and_its_middle_in_logits() -> None:
    positive = np.r_[0.02, np.linspace(0.9, 0.99, 39)]  # one in forty is missed wherever the classes part
    negative = np.r_[np.linspace(0.01, 0.1, 39), 0.97]
    truth = np.r_[np.ones(40, dtype=bool), np.zeros(40, dtype=bool)]
    found = operating_points(truth, np.r_[positive, negative])
    thresholds = [found[name].threshold for name in ("screening", "balanced", "confirmatory")]
    # Two of forty may be missed, two of forty flagged.
    assert thresholds[0] == pytest.approx(np.sort(negative)[-2])
    assert thresholds[2] == pytest.approx(np.sort(positive)[2])
    odds = thresholds[0] / (1 - thresholds[0]) * thresholds[2] / (1 - thresholds[2])
    assert thresholds[1] == pytest.approx(np.sqrt(odds) / (1 + np.sqrt(odds)))
    assert found["balanced"].rule == (
        "middle, in logits, of the range with sensitivity at least 95% and specificity at least 95%"
    )


def test_where_no_threshold_has_both_youden_stands_between_the_last_that_have_one() -> None:
    truth = np.r_[np.ones(20, dtype=bool), np.zeros(20, dtype=bool)]
    probability = np.r_[np.linspace(0.3, 0.9, 20), np.linspace(0.1, 0.7, 20)]
    found = operating_points(truth, probability)
    assert found["screening"].threshold == pytest.approx(np.sort(probability[truth])[1])
    assert found["confirmatory"].threshold == pytest.approx(np.linspace(0.1, 0.7, 20)[-1] + 1e-2, abs=0.04)
    flagged = probability >= found["balanced"].threshold
    youden = flagged[truth].mean() - flagged[~truth].mean()
    each = [(probability >= one)[truth].mean() - (probability >= one)[~truth].mean() for one in probability]
    assert youden == pytest.approx(max(each))
    assert (probability >= found["confirmatory"].threshold)[~truth].mean() <= 0.05


def test_certain_scores_have_a_middle_too() -> None:
    truth = np.r_[np.ones(40, dtype=bool), np.zeros(40, dtype=bool)]
    found = operating_points(truth, np.r_[np.ones(40), np.linspace(0.01, 0.1, 40)])
    assert found["screening"].threshold < 0.1 < found["balanced"].threshold < found["confirmatory"].threshold == 1


def test_scores_of_two_values_are_told_apart_at_every_point() -> None:
    truth = np.r_[np.ones(20, dtype=bool), np.zeros(20, dtype=bool)]
    for point in operating_points(truth, truth.astype(float)).values():
        np.testing.assert_array_equal(truth.astype(float) >= point.threshold, truth)


def test_scores_with_ties_keep_what_the_rules_say() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        truth = rng.random(120) < 0.3
        probability = (rng.normal(0.4 + 0.15 * truth, 0.2).clip(0, 1) * 10).round() / 10
        for point in operating_points(truth, probability).values():
            flagged = probability >= point.threshold
            if "no threshold has" in point.rule:
                assert point.threshold == probability.max()
                assert flagged[~truth].mean() > 0.05
            elif "sensitivity at least" in point.rule:
                assert flagged[truth].mean() >= 0.95
            elif "specificity at least" in point.rule:
                assert flagged[~truth].mean() <= 0.05 + 1e-9


def test_a_specificity_that_the_highest_score_misses_is_not_claimed() -> None:
    truth = np.array([True, False, True, False])
    point = operating_points(truth, np.array([0.9, 0.9, 0.2, 0.1]))["confirmatory"]
    assert point.threshold == 0.9
    assert point.rule == (
        "highest score of validation: no threshold has specificity at least 95%, at least the balanced one"
    )


def test_scores_that_separate_the_classes_get_a_finite_rising_calibration() -> None:
    target = np.repeat([0.0, 1.0], 20)
    calibration = fit_calibration(np.linspace(-3, 3, 40), target)
    assert np.isfinite(calibration.slope)
    assert calibration.slope > 0
    assert calibration.prevalence == 0.5
