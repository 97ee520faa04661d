import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from pneumoscope.core import InputError
from pneumoscope.stats import decision_curve

TRUTH = np.array([True, True, False, False, False])
SCORE = np.array([0.9, 0.3, 0.4, 0.2, 0.1])


def few() -> dict[str, object]:
    return {"rng": np.random.default_rng(5), "resamples": 40}


def test_hand_worked_net_benefit():
    found = decision_curve(TRUTH, SCORE, thresholds=np.array([0.25, 0.5]), **few())
    # At .25 two are found for one alarm, which weighs 1/3; at .5 one is found for none.
    assert found.model.y == pytest.approx([2 / 5 - 1 / 5 / 3, 1 / 5])
    assert found.flag_all == pytest.approx([2 / 5 - 3 / 5 / 3, 2 / 5 - 3 / 5])
    assert found.gain.y == pytest.approx([2 / 15, 1 / 5])
    assert found.prevalence == 0.4


def test_it_agrees_with_the_confusion_matrices_of_scikit_learn(repeated):
    thresholds = np.array([0.05, 0.2, 0.6])
    found = decision_curve(repeated.truth, repeated.score, thresholds=thresholds, cluster=repeated.patient, **few())
    for place, threshold in enumerate(thresholds):
        (_, alarms), (_, hits) = confusion_matrix(repeated.truth, repeated.score >= threshold)
        net = (hits - alarms * threshold / (1 - threshold)) / repeated.truth.size
        assert found.model.y[place] == pytest.approx(net)
        assert found.model.low[place] < net < found.model.high[place]


def test_at_another_prevalence_the_rates_are_weighed_anew():
    found = decision_curve(TRUTH, SCORE, thresholds=np.array([0.25]), prevalence=0.1, **few())
    assert found.model.y == pytest.approx([0.1 * 1 - 0.9 * (1 / 3) / 3])
    assert found.flag_all == pytest.approx([0.1 - 0.9 / 3])


def test_a_model_that_says_nothing_gains_nothing():
    truth = np.random.default_rng(0).random(400) < 0.3
    found = decision_curve(truth, np.full(400, 0.3), thresholds=np.array([0.1, 0.5]), **few())
    assert found.gain.y == pytest.approx([0, 0], abs=1e-12)


def test_a_threshold_of_one_is_refused():
    with pytest.raises(InputError, match="below 1"):
        decision_curve(TRUTH, SCORE, thresholds=np.array([0.5, 1.0]), **few())


def test_thresholds_that_fall_are_refused():
    with pytest.raises(InputError, match="expected rising threshold probabilities"):
        decision_curve(TRUTH, SCORE, thresholds=np.array([0.5, 0.2]), **few())
