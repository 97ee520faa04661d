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


def test_the_interval_holds_the_net_benefit_about_as_often_as_it_says():
    rng = np.random.default_rng(6)
    thresholds = np.array([0.05, 0.2])

    def study(n: int) -> tuple[np.ndarray, np.ndarray]:
        score = rng.beta(1, 4, n)
        return rng.random(n) < score, score

    everyone = study(400_000)
    true = decision_curve(*everyone, thresholds=thresholds, rng=rng, resamples=2)
    inside = []
    for _ in range(150):
        found = decision_curve(*study(300), thresholds=thresholds, rng=rng, resamples=300)
        inside.append((found.model.low <= true.model.y) & (true.model.y <= found.model.high))
    assert np.mean(inside, axis=0) == pytest.approx([0.95, 0.95], abs=0.05)


def test_a_threshold_that_flags_everybody_is_as_uncertain_as_the_prevalence(single):
    lowest = np.array([0.01])
    assert single.score.min() >= 0.01
    own = decision_curve(single.truth, single.score, thresholds=lowest, rng=np.random.default_rng(0))
    share = single.truth.mean()
    half = 1.96 * np.sqrt(share * (1 - share) / single.truth.size) / 0.99
    net = share - (1 - share) / 99
    assert (own.model.low[0], own.model.high[0]) == pytest.approx((net - half, net + half), abs=0.01)
    assert "prevalence of each resample" in own.model.method
    stated = decision_curve(
        single.truth, single.score, thresholds=lowest, prevalence=float(share), rng=np.random.default_rng(0)
    )
    assert stated.model.low[0] == pytest.approx(stated.model.high[0])
    assert "stated prevalence" in stated.model.method
