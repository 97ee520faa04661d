"""What validation films decide, on scores made by hand."""

import numpy as np
import pytest

from pneumoscope.training.sealing.card import operating_points


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
    truth = np.r_[np.ones(20, dtype=bool), np.zeros(20, dtype=bool)]
    assert operating_points(truth, truth.astype(float))["balanced"].threshold == pytest.approx(0.5)
