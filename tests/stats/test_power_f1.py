import numpy as np
import pytest
from sklearn.metrics import f1_score

from pneumoscope.core import InputError
from pneumoscope.stats import F1Study, f1_superiority_power, f1_superiority_size

STUDY = F1Study(prevalence=0.2, first=(0.85, 0.85), second=(0.75, 0.8), correlation=0.3)


def test_the_cells_have_the_rates_and_the_correlation_stated():
    cells = STUDY.cells()
    assert cells.sum() == pytest.approx(1)
    ill = cells[:4] / 0.2
    assert (ill[0] + ill[1], ill[0] + ill[2]) == pytest.approx((0.85, 0.75))
    phi = (ill[0] - 0.85 * 0.75) / np.sqrt(0.85 * 0.15 * 0.75 * 0.25)
    assert phi == pytest.approx(0.3)


def test_the_true_difference_is_that_of_the_f1s_by_hand():
    found = f1_superiority_power(STUDY, n=100, rng=np.random.default_rng(0), studies=10)
    first, second = (2 * 0.2 * s / (0.2 * s + 0.2 + 0.8 * (1 - c)) for s, c in (STUDY.first, STUDY.second))
    assert found.difference == pytest.approx(first - second)


def test_the_power_agrees_with_a_bootstrap_of_copied_images_and_scikit_learn():
    rng = np.random.default_rng(1)
    answers = np.array([[d, a, b] for d in (1, 0) for a in (1, 0) for b in (1, 0)])
    shown = []
    for _ in range(60):
        truth, first, second = answers[rng.choice(8, 300, p=STUDY.cells())].T
        differences = [
            2 * (t @ a) / (t.sum() + a.sum()) - 2 * (t @ b) / (t.sum() + b.sum())
            for t, a, b in ((truth[i], first[i], second[i]) for i in rng.integers(0, 300, (200, 300)))
        ]
        shown.append(np.quantile(differences, 0.025) > 0)
        assert f1_score(truth, first) == pytest.approx(2 * (truth @ first) / (truth.sum() + first.sum()))
    found = f1_superiority_power(STUDY, n=300, rng=rng)
    assert np.mean(shown) == pytest.approx(found.power, abs=0.15)


def test_raters_alike_are_shown_better_as_often_as_the_error_says():
    alike = F1Study(prevalence=0.3, first=(0.8, 0.8), second=(0.8, 0.8))
    found = f1_superiority_power(alike, n=500, rng=np.random.default_rng(2), studies=8000)
    assert found.power == pytest.approx(0.025, abs=0.006)


def test_the_size_found_has_the_power_and_a_tenth_less_has_not():
    found = f1_superiority_size(STUDY, rng=np.random.default_rng(3))
    other = np.random.default_rng(4)
    assert f1_superiority_power(STUDY, n=found.n, rng=other).power == pytest.approx(0.8, abs=0.03)
    assert f1_superiority_power(STUDY, n=round(0.85 * found.n), rng=other).power < 0.8


def test_a_rater_who_is_not_better_cannot_be_planned_for():
    with pytest.raises(InputError, match="above the margin of 0, found -"):
        f1_superiority_size(F1Study(prevalence=0.2, first=(0.7, 0.8), second=(0.8, 0.8)), rng=np.random.default_rng(0))


def test_a_correlation_that_the_rates_cannot_have_is_refused():
    with pytest.raises(InputError, match="a correlation that these rates can have, found 1"):
        F1Study(prevalence=0.2, first=(0.9, 0.9), second=(0.5, 0.5), correlation=1.0)
