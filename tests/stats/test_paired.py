import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import mcnemar as other_mcnemar

from pneumoscope.core import InputError
from pneumoscope.stats import mcnemar, non_inferiority, paired_difference


def answers(both: int, only_first: int, only_second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    counts = [both, only_first, only_second, neither]
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


def test_a_hand_worked_exact_p_value():
    # 1 of 6 discordant rows: 2 (1 + 6) / 64; mid-p takes 6 / 64 off.
    found = mcnemar(*answers(20, 1, 5, 10))
    assert (found.only_first, found.only_second, found.n) == (1, 5, 36)
    assert found.p_value == pytest.approx(14 / 64)
    assert found.mid_p_value == pytest.approx(8 / 64)


@pytest.mark.parametrize("discordant", [(3, 12), (7, 7), (0, 4), (0, 0)])
def test_the_exact_test_agrees_with_statsmodels_and_scipy(discordant):
    table = np.array([[20, discordant[0]], [discordant[1], 9]])
    found = mcnemar(*answers(20, *discordant, 9))
    assert found.p_value == pytest.approx(other_mcnemar(table, exact=True).pvalue)
    if sum(discordant):
        assert found.p_value == pytest.approx(binomtest(discordant[0], sum(discordant)).pvalue)


def restricted_score(wins, losses, n, delta):
    """Score against delta, the share of losses found by a general optimiser under the restriction."""

    def surprise(loss):
        win, rest = loss + delta, 1 - 2 * loss - delta
        if min(win, loss, rest) <= 0:
            return np.inf
        return -(wins * np.log(win) + losses * np.log(loss) + (n - wins - losses) * np.log(rest))

    low, high = max(0.0, -delta), (1 - delta) / 2
    loss = minimize_scalar(surprise, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
    return (wins - losses - n * delta) / np.sqrt(n * (2 * loss + delta * (1 - delta)))


@pytest.mark.parametrize(("wins", "losses", "n"), [(3, 9, 40), (12, 2, 30), (25, 24, 200)])
def test_the_score_interval_agrees_with_a_general_optimiser(wins, losses, n):
    found = paired_difference(*answers(n - wins - losses, wins, losses, 0))
    value = (wins - losses) / n
    low = brentq(lambda delta: restricted_score(wins, losses, n, delta) - 1.959964, -0.9, value - 1e-6)
    high = brentq(lambda delta: restricted_score(wins, losses, n, delta) + 1.959964, value + 1e-6, 0.9)
    assert (found.value, found.low, found.high) == pytest.approx((value, low, high), abs=1e-4)


def test_without_discordant_rows_the_interval_is_symmetric_around_zero():
    # Tango: (-z^2 / (n + z^2), z^2 / (n + z^2)).
    found = paired_difference(*answers(30, 0, 0, 10))
    edge = 1.959964**2 / (40 + 1.959964**2)
    assert (found.value, found.p_value) == (0, 1)
    assert (found.low, found.high) == pytest.approx((-edge, edge), abs=1e-6)


def test_the_interval_covers_about_as_often_as_it_says():
    rng = np.random.default_rng(4)
    inside = []
    for counts in rng.multinomial(60, [0.7, 0.12, 0.06, 0.12], size=400):
        found = paired_difference(*answers(*counts))
        inside.append(found.low <= 0.06 <= found.high)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.03)


def test_a_first_that_is_always_right_where_the_second_never_is_ends_at_one():
    found = paired_difference(*answers(0, 20, 0, 0))
    assert (found.value, found.high) == (1, 1)
    assert 0.6 < found.low < 1


def test_the_clustered_interval_agrees_with_a_bootstrap_of_patients(repeated):
    first, second = repeated.score >= 0.6, repeated.other_score >= 0.7
    rng = np.random.default_rng(0)
    rows = [np.flatnonzero(repeated.patient == patient) for patient in np.unique(repeated.patient)]
    values = [
        (first[drawn].mean() - second[drawn].mean())
        for drawn in (np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))]) for _ in range(500))
    ]
    found = paired_difference(first, second, cluster=repeated.patient)
    assert found.high - found.value == pytest.approx(1.96 * np.std(values), rel=0.1)
    assert found.value == pytest.approx(first.mean() - second.mean())


def test_non_inferiority_is_shown_where_the_interval_clears_the_margin():
    better = non_inferiority(*answers(80, 10, 6, 4), margin=0.05)
    assert better.shown
    assert better.p_value < 0.025
    worse = non_inferiority(*answers(80, 4, 12, 4), margin=0.05)
    assert not worse.shown
    assert worse.p_value > 0.5


@pytest.mark.parametrize("clustered", [False, True])
def test_the_p_value_is_the_error_at_which_the_interval_ends_at_the_margin(clustered):
    first, second = answers(60, 5, 9, 6)
    cluster = np.arange(80) // 2 if clustered else None
    found = non_inferiority(first, second, margin=0.1, cluster=cluster)
    edge = paired_difference(first, second, cluster=cluster, level=1 - 2 * found.p_value)
    assert edge.low == pytest.approx(-0.1, abs=1e-6)


def test_answers_to_different_rows_are_refused():
    with pytest.raises(InputError, match="two answers to each of 3 rows, found 2"):
        mcnemar(np.ones(3, dtype=bool), np.ones(2, dtype=bool))


def test_a_margin_in_percent_is_refused():
    with pytest.raises(InputError, match="margin between 0 and 1, found 5"):
        non_inferiority(*answers(5, 1, 1, 1), margin=5.0)


def test_one_patient_has_no_interval():
    with pytest.raises(InputError, match="at least 2 clusters, found 1"):
        paired_difference(*answers(5, 1, 1, 1), cluster=np.zeros(8))


def test_patients_who_are_all_alike_count_once_each_and_do_not_show_non_inferiority():
    first, second = answers(4, 0, 0, 0)
    found = non_inferiority(first, second, margin=0.05, cluster=np.array([0, 0, 1, 1]))
    alone = non_inferiority(*answers(2, 0, 0, 0), margin=0.05)
    assert not found.shown
    assert found.p_value == alone.p_value > 0.3
    assert (found.difference.low, found.difference.high) == (alone.difference.low, alone.difference.high)


def test_patients_who_all_gain_alike_leave_doubt_about_the_gain():
    found = paired_difference(*answers(0, 30, 0, 0), cluster=np.arange(30) // 3)
    alone = paired_difference(*answers(0, 10, 0, 0))
    assert (found.value, found.low, found.high, found.p_value) == (1, alone.low, 1, alone.p_value)
    third = np.tile([True, False, False], 7)
    thirds = paired_difference(third, np.zeros(21, dtype=bool), cluster=np.arange(21) // 3)
    assert thirds.low < 1 / 3 - 0.1 < 1 / 3 + 0.1 < thirds.high
