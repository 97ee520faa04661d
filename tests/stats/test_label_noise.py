from functools import partial

import numpy as np
import pytest
from scipy.optimize import lsq_linear
from scipy.stats import beta, kstest
from sklearn.metrics import roc_auc_score

from pneumoscope.core import InputError
from pneumoscope.stats import Corrected, LabelRates, LabelValues, Proportion, correct_for_label_noise
from pneumoscope.stats.label_noise import _draw


def share(value: float, n: float = 1e9) -> Proportion:
    return Proportion(value=value, low=0.0, high=1.0, level=0.95, n=int(n), effective_n=float(n), method="given")


def correct(label: np.ndarray, score: np.ndarray, *, threshold: float = 0.5, **more: object) -> Corrected:
    return correct_for_label_noise(label, score, flagged=score >= threshold, **more)


def few(**more: object) -> dict[str, object]:
    return {"rng": np.random.default_rng(0), "resamples": 200, **more}


# Of 100 rows 40 have the finding; the label finds 30 of them (.75) and calls 6 of the other 60 (.1) positive. The
# model flags .8 of the ill and .3 of the well, whatever the label says.
LABEL = np.repeat([True, True, False, False], [300, 60, 100, 540])
TRUTH = np.repeat([True, False, True, False], [300, 60, 100, 540])
FLAGGED = [(300, 240), (60, 18), (100, 80), (540, 162)]
SCORE = np.concatenate([np.repeat([0.9, 0.1], [flagged, n - flagged]) for n, flagged in FLAGGED])
RATES = LabelRates(sensitivity=share(0.75), specificity=share(0.9))


def test_a_hand_worked_correction_recovers_the_truth():
    assert (SCORE[LABEL] >= 0.5).mean() == pytest.approx((240 + 18) / 360)
    found = correct(LABEL, SCORE, quality=RATES, **few())
    assert found.sensitivity.value == pytest.approx(0.8)
    assert found.specificity.value == pytest.approx(0.7)
    assert found.prevalence.value == pytest.approx(0.4)
    assert found.auroc.value == pytest.approx(roc_auc_score(TRUTH, SCORE))
    assert "independent" in found.assumption


def test_predictive_values_of_the_label_give_the_same_correction():
    values = LabelValues(ppv=share(300 / 360), npv=share(540 / 640))
    found = correct(LABEL, SCORE, quality=values, **few())
    assert (found.sensitivity.value, found.specificity.value) == pytest.approx((0.8, 0.7))
    assert found.auroc.value == pytest.approx(roc_auc_score(TRUTH, SCORE))


def test_it_agrees_with_least_squares_on_the_four_cells_of_label_and_flag():
    flagged = SCORE >= 0.5
    cells = np.array([(kind & answer).mean() for kind in (LABEL, ~LABEL) for answer in (flagged, ~flagged)])
    # Unknown: ill and flagged, ill and not, well and flagged, well and not.
    mixing = np.kron([[0.75, 0.1], [0.25, 0.9]], np.eye(2))
    ill_flagged, ill_not, well_flagged, well_not = lsq_linear(mixing, cells).x
    found = correct(LABEL, SCORE, quality=RATES, **few())
    assert found.sensitivity.value == pytest.approx(ill_flagged / (ill_flagged + ill_not), abs=1e-6)
    assert found.specificity.value == pytest.approx(well_not / (well_flagged + well_not), abs=1e-6)


def test_a_perfect_label_changes_nothing_but_the_interval_stays():
    found = correct(
        TRUTH, SCORE, quality=LabelRates(sensitivity=share(1.0), specificity=share(1.0)), **few(resamples=2000)
    )
    half = 1.96 * np.sqrt(0.8 * 0.2 / 400)
    assert (found.sensitivity.low, found.sensitivity.high) == pytest.approx((0.8 - half, 0.8 + half), abs=0.006)


def test_uncertain_label_rates_widen_the_intervals():
    sure = correct(LABEL, SCORE, quality=RATES, **few())
    unsure = correct(LABEL, SCORE, quality=LabelRates(sensitivity=share(0.75, 60), specificity=share(0.9, 60)), **few())
    for name in ("sensitivity", "auroc", "prevalence"):
        first, second = getattr(sure, name), getattr(unsure, name)
        assert second.high - second.low > first.high - first.low


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(4)
    inside = []
    for _ in range(120):
        truth = rng.random(800) < 0.3
        label = np.where(truth, rng.random(800) < 0.8, rng.random(800) < 0.1)
        score = 1 / (1 + np.exp(-rng.normal(0.8 * truth)))
        rates = LabelRates(
            sensitivity=share(rng.binomial(200, 0.8) / 200, 200), specificity=share(rng.binomial(200, 0.9) / 200, 200)
        )
        found = correct(label, score, quality=rates, **few(rng=rng))
        inside.append(found.sensitivity.low <= 0.78814 <= found.sensitivity.high)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.05)


def test_patients_with_several_images_widen_the_intervals(repeated):
    corrected = partial(
        correct,
        repeated.truth,
        repeated.score,
        threshold=0.6,
        quality=LabelRates(sensitivity=share(0.95), specificity=share(0.95)),
        resamples=500,
    )
    rows = corrected(rng=np.random.default_rng(0)).auroc
    patients = corrected(rng=np.random.default_rng(0), cluster=repeated.patient).auroc
    assert patients.high - patients.low > 1.2 * (rows.high - rows.low)


def test_a_label_that_says_nothing_is_refused():
    with pytest.raises(InputError, match=r"the label says nothing.*found 0\.4 and 0\.6"):
        correct(LABEL, SCORE, quality=LabelRates(sensitivity=share(0.4), specificity=share(0.6)), **few())
    with pytest.raises(InputError, match=r"found it in 0\.3 of positive and 0\.4 of negative"):
        correct(LABEL, SCORE, quality=LabelValues(ppv=share(0.3), npv=share(0.6)), **few())


def test_a_corrected_number_above_one_is_refused_though_some_resamples_are_possible():
    # Found in 11 of 12 rows labelled positive and 5 of 20 others: sensitivity (11/12 * 2/3 - 1/4 * 1/3) / (1/3) > 1.
    label = np.repeat([True, False], [12, 20])
    score = np.concatenate([np.repeat([0.9, 0.1], [11, 1]), np.repeat([0.9, 0.1], [5, 15])])
    values = LabelValues(ppv=share(2 / 3, 30), npv=share(2 / 3, 30))
    with pytest.raises(InputError, match=r"found a corrected sensitivity of 1\.\d+, and outside"):
        correct(label, score, quality=values, **few())


def test_the_flags_are_whatever_the_rule_says_and_the_area_is_the_scores():
    other = np.arange(LABEL.size) % 3 == 0
    found = correct_for_label_noise(LABEL, SCORE, flagged=other, quality=RATES, **few())
    by_threshold = correct(LABEL, SCORE, quality=RATES, **few())
    assert found.auroc == by_threshold.auroc
    assert found.sensitivity.value == pytest.approx(1 / 3, abs=0.01)
    with pytest.raises(InputError, match="expected 1000 booleans"):
        correct_for_label_noise(LABEL, SCORE, flagged=SCORE, quality=RATES, **few())


def test_rates_that_cannot_have_produced_the_rows_are_refused():
    with pytest.raises(InputError, match="can have produced these rows, found a corrected"):
        correct(TRUTH, np.where(TRUTH, 0.9, 0.1), quality=RATES, **few())


def test_a_label_s_rate_is_drawn_from_the_posterior_of_jeffreys_prior():
    # Right on all of 8 rows: Beta(8.5, 0.5), whose mean is 8.5 / 9; a flat prior would give 9 / 10, none 1.
    stated = Proportion(value=1.0, low=0.63, high=1.0, level=0.95, n=8, effective_n=8.0, method="")
    drawn = _draw(stated, 20_001, rng=np.random.default_rng(0))
    assert drawn[0] == 1.0
    assert drawn[1:].mean() == pytest.approx(8.5 / 9, abs=0.003)
    assert kstest(drawn[1:], beta(8.5, 0.5).cdf).pvalue > 0.01
