from math import comb

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest, norm

from pneumoscope.core import InputError
from pneumoscope.stats import (
    auroc,
    auroc_size,
    auroc_standard_error,
    design_effect,
    paired_non_inferiority_size,
    proportion_power,
    proportion_size,
)


@pytest.mark.parametrize(
    ("expected", "goal", "at_80", "at_90"),
    [(0.90, 0.80, 107, 137), (0.85, 0.80, 466, 619), (0.90, 0.85, 356, 469), (0.80, 0.70, 155, 200)],
)
def test_the_usual_goals_need_the_usual_numbers(expected, goal, at_80, at_90):
    assert proportion_size(expected=expected, goal=goal).n == at_80
    assert proportion_size(expected=expected, goal=goal, power=0.9).n == at_90


def test_the_successes_are_the_fewest_whose_exact_interval_of_scipy_clears_the_goal():
    found = proportion_size(expected=0.9, goal=0.8)
    low = [
        binomtest(x, found.n).proportion_ci(0.95, method="exact").low for x in (found.successes - 1, found.successes)
    ]
    assert low[0] <= 0.8 < low[1]


def test_the_power_agrees_with_a_sum_over_all_outcomes_whose_interval_clears_the_goal():
    shown = [binomtest(x, 40).proportion_ci(0.95, method="exact").low > 0.6 for x in range(41)]
    chance = sum(comb(40, x) * 0.8**x * 0.2 ** (40 - x) for x in range(41) if shown[x])
    assert proportion_power(40, expected=0.8, goal=0.6) == pytest.approx(chance)


def test_the_saw_tooth_is_reported():
    found = proportion_size(expected=0.9, goal=0.8)
    powers = [proportion_power(n, expected=0.9, goal=0.8) for n in range(found.n, 200)]
    assert powers[0] >= 0.8
    assert min(powers) < 0.8
    assert min(powers[found.n_lasting - found.n :]) >= 0.8
    assert proportion_power(found.n_lasting - 1, expected=0.9, goal=0.8) < 0.8


def test_hanley_and_mcneils_own_example_comes_out():
    # Their 51 abnormal and 58 normal CT scans: area .893, standard error .032.
    assert auroc_standard_error(0.893, positives=51, negatives=58, method="hanley-mcneil") == pytest.approx(
        0.032, abs=6e-4
    )


def test_hanley_and_mcneils_table_of_sizes_comes_out():
    # Their table III: .70 against .75, independent, one-sided .05, power .80: 652 of each class.
    first, second = (
        auroc_standard_error(area, positives=652, negatives=652, method="hanley-mcneil") for area in (0.7, 0.75)
    )
    reach = norm.ppf(0.95) * np.sqrt(2) * first + norm.ppf(0.8) * np.hypot(first, second)
    assert reach == pytest.approx(0.05, rel=0.002)


def simulated_areas(truth: np.ndarray, *, area: float, normal: bool) -> np.ndarray:
    """Areas of 1500 studies whose scores are normal with equal spread, or exponential."""
    rng = np.random.default_rng(0)
    if normal:
        scores = rng.normal(np.sqrt(2) * norm.ppf(area) * truth, size=(1500, truth.size))
    else:
        scores = rng.exponential(np.where(truth, area / (1 - area), 1), size=(1500, truth.size))
    return np.array([auroc(truth, score).value for score in scores])


def test_hanley_and_mcneils_error_agrees_with_studies_of_exponential_scores():
    areas = simulated_areas(np.arange(150) < 50, area=0.85, normal=False)
    expected = auroc_standard_error(0.85, positives=50, negatives=100)
    assert (areas.mean(), areas.std()) == (pytest.approx(0.85, abs=0.005), pytest.approx(expected, rel=0.06))


def test_obuchowskis_error_is_on_the_safe_side_of_studies_of_normal_scores():
    areas = simulated_areas(np.arange(150) < 50, area=0.85, normal=True)
    expected = auroc_standard_error(0.85, positives=50, negatives=100, method="obuchowski")
    assert 0.75 * expected < areas.std() < expected


def test_an_area_study_of_the_size_found_has_the_power_promised():
    size = auroc_size(expected=0.85, goal=0.75, negatives_per_positive=2.0, power=0.9)
    truth = np.arange(size.positives + size.negatives) < size.positives
    under_goal = auroc_standard_error(0.75, positives=size.positives, negatives=size.negatives)
    shown = simulated_areas(truth, area=0.85, normal=False) - 1.959964 * under_goal > 0.75
    assert size.negatives == 2 * size.positives
    assert size.power >= 0.9
    assert shown.mean() == pytest.approx(size.power, abs=0.03)


def test_a_paired_study_of_the_size_found_has_the_power_promised():
    size = paired_non_inferiority_size(discordant=0.15, margin=0.05, difference=0.01, power=0.8)
    rng = np.random.default_rng(2)
    shown = []
    for _, wins, losses, _ in rng.multinomial(size.n, [0.7, 0.08, 0.07, 0.15], size=500):
        # Tango's score at the margin, its share of losses by a general optimiser.
        def surprise(share, wins=wins, losses=losses):
            alike = size.n - wins - losses
            return -(wins * np.log(share - 0.05) + losses * np.log(share) + alike * np.log(1 - 2 * share + 0.05))

        share = minimize_scalar(surprise, bounds=(0.05 + 1e-9, 0.525 - 1e-9), method="bounded").x
        score = (wins - losses + size.n * 0.05) / np.sqrt(size.n * (2 * share - 0.05 * 1.05))
        shown.append(score > 1.959964)
    assert np.mean(shown) == pytest.approx(0.8, abs=0.05)


def test_without_a_margin_the_paired_size_is_mcnemars():
    # Connor: (z_a sqrt(.2) + z_b sqrt(.2 - .1^2))^2 / .1^2 = 155.1.
    by_hand = (1.959964 * np.sqrt(0.2) + 0.841621 * np.sqrt(0.2 - 0.01)) ** 2 / 0.01
    found = paired_non_inferiority_size(discordant=0.2, margin=0.0, difference=0.1)
    assert found.n == np.ceil(by_hand)


def test_hand_worked_design_effects():
    assert design_effect(rows_per_patient=4.0, correlation=0.5) == 2.5
    assert design_effect(rows_per_patient=4.0, correlation=0.5, variation=0.5) == pytest.approx(3.0)
    assert design_effect(rows_per_patient=1.0, correlation=0.9) == 1


def test_a_goal_that_the_expected_value_does_not_exceed_is_refused():
    with pytest.raises(InputError, match=r"a true value above the goal, found 0\.8 and 0\.8"):
        proportion_size(expected=0.8, goal=0.8)


def test_a_goal_in_percent_is_refused():
    with pytest.raises(InputError, match="goal between 0 and 1, found 80"):
        proportion_size(expected=0.9, goal=80.0)


def test_rates_that_no_study_can_tell_apart_are_refused():
    with pytest.raises(InputError, match="10,000,000 patients can tell apart"):
        proportion_size(expected=0.80001, goal=0.8)


def test_a_true_loss_beyond_the_margin_is_refused():
    with pytest.raises(InputError, match=r"above -0\.05, minus the margin, found -0\.06"):
        paired_non_inferiority_size(discordant=0.2, margin=0.05, difference=-0.06)


def test_a_difference_beyond_the_discordant_share_is_refused():
    with pytest.raises(InputError, match=r"at most 0\.1, the discordant share"):
        paired_non_inferiority_size(discordant=0.1, margin=0.05, difference=0.2)


def test_less_than_one_row_a_patient_is_refused():
    with pytest.raises(InputError, match="at least 1 row a patient"):
        design_effect(rows_per_patient=0.5, correlation=0.1)
