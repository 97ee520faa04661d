import numpy as np
import pytest
from sklearn.metrics import recall_score

from pneumoscope.core import InputError
from pneumoscope.stats import Difference, auroc, auroc_clustered, auroc_gap, sensitivity, subgroup_table


def few(**more: object) -> dict[str, object]:
    return {"threshold": 0.6, "rng": np.random.default_rng(5), "resamples": 300, **more}


@pytest.fixture(scope="module")
def view(repeated) -> np.ndarray:
    """Every patient has films of both views."""
    return np.where(np.arange(repeated.truth.size) % 4 < 2, "AP", "PA")


def test_each_subgroup_has_its_own_measures(repeated, view):
    found = subgroup_table(repeated.truth, repeated.score, group=view, cluster=repeated.patient, **few())
    assert [row.name for row in found.subgroups] == ["AP", "PA"]
    for row in found.subgroups:
        mine = view == row.name
        rows = {"truth": repeated.truth[mine], "score": repeated.score[mine], "cluster": repeated.patient[mine]}
        assert row.auroc == auroc_clustered(**rows)
        assert row.sensitivity == sensitivity(**rows, threshold=0.6)
        assert (row.n, row.patients, row.too_few) == (300, 150, None)


def test_rows_that_are_patients_get_the_plain_intervals(single):
    group = np.where(np.arange(single.truth.size) % 2 == 0, "F", "M")
    first = subgroup_table(single.truth, single.score, group=group, **few()).subgroups[0]
    mine = group == "F"
    assert first.auroc == auroc(single.truth[mine], single.score[mine])
    assert first.sensitivity == sensitivity(single.truth[mine], single.score[mine], threshold=0.6)


def test_gaps_agree_with_scikit_learn_and_spreads_are_their_range(repeated, view):
    found = subgroup_table(repeated.truth, repeated.score, group=view, cluster=repeated.patient, **few())
    inside = view == "AP"
    recalls = [recall_score(repeated.truth[rows], repeated.score[rows] >= 0.6) for rows in (inside, ~inside)]
    first, second = found.subgroups
    assert first.sensitivity_gap.value == pytest.approx(recalls[0] - recalls[1])
    assert second.sensitivity_gap.value == pytest.approx(recalls[1] - recalls[0])
    assert found.sensitivity_spread.value == pytest.approx(abs(recalls[0] - recalls[1]))


def test_the_interval_of_a_gap_agrees_with_copied_patients(repeated, view):
    truth, flagged, inside = repeated.truth, repeated.score >= 0.6, view == "AP"
    rng = np.random.default_rng(3)
    rows = [np.flatnonzero(repeated.patient == patient) for patient in np.unique(repeated.patient)]
    groups = [[row for row in rows if truth[row].any() == ill] for ill in (True, False)]
    gaps = []
    for _ in range(500):
        drawn = np.concatenate([group[i] for group in groups for i in rng.integers(0, len(group), len(group))])
        ill, first = truth[drawn], inside[drawn]
        gaps.append(flagged[drawn][ill & first].mean() - flagged[drawn][ill & ~first].mean())
    found = subgroup_table(truth, repeated.score, group=view, cluster=repeated.patient, **few(resamples=2000))
    gap = found.subgroups[0].sensitivity_gap
    assert (gap.low, gap.high) == pytest.approx(tuple(np.quantile(gaps, [0.025, 0.975])), abs=0.02)


def test_a_gap_that_was_built_in_is_found_and_others_are_not():
    rng = np.random.default_rng(1)
    truth, group = rng.random(3000) < 0.4, rng.choice(["a", "b", "c", "d"], 3000)
    score = 1 / (1 + np.exp(-rng.normal(2.0 * truth * (group != "d"))))
    found = {row.name: row for row in subgroup_table(truth, score, group=group, **few()).subgroups}
    assert found["d"].sensitivity_gap.p_value < 0.001
    assert found["d"].auroc_gap.p_value < 0.001
    assert found["d"].specificity_gap.p_value > 0.05


def test_groups_alike_are_seldom_told_apart_in_the_whole_table():
    rng = np.random.default_rng(2)
    wrong = 0
    for _ in range(60):
        truth, group = rng.random(600) < 0.4, rng.choice(["a", "b", "c"], 600)
        score = 1 / (1 + np.exp(-rng.normal(truth)))
        table = subgroup_table(truth, score, group=group, **few(resamples=100))
        gaps = [gap for row in table.subgroups for gap in (row.auroc_gap, row.sensitivity_gap, row.specificity_gap)]
        wrong += min(gap.p_value for gap in gaps) < 0.05
    assert wrong <= 8


def test_two_groups_are_one_comparison_of_each_measure(repeated, view):
    found = subgroup_table(repeated.truth, repeated.score, group=view, cluster=repeated.patient, **few())
    first, second = found.subgroups
    assert first.auroc_gap.p_value == second.auroc_gap.p_value
    raw = auroc_gap(repeated.truth, repeated.score, inside=view == "AP", cluster=repeated.patient).p_value
    assert raw <= first.auroc_gap.p_value <= min(3 * raw, 1) + 1e-12


def test_too_few_patients_say_so_and_leave_the_rest_alone(repeated):
    group = np.where(repeated.patient < 3, "LATERAL", np.where(repeated.patient % 2 == 0, "AP", "PA"))
    found = subgroup_table(repeated.truth, repeated.score, group=group, cluster=repeated.patient, **few())
    rare = next(row for row in found.subgroups if row.name == "LATERAL")
    assert "patients with the finding, fewer than 10" in rare.too_few
    assert (rare.auroc, rare.sensitivity, rare.auroc_gap, rare.sensitivity_gap) == (None, None, None, None)
    assert rare.n == 12
    assert all(row.sensitivity_gap is not None for row in found.subgroups if row.name != "LATERAL")


def test_a_subgroup_of_one_row_is_not_estimable_but_listed():
    truth = np.array([True] * 30 + [False] * 30)
    group = np.array(["other"] * 59 + ["one"])
    found = subgroup_table(truth, np.linspace(1, 0, 60), group=group, **few())
    one = found.subgroups[0]
    assert (one.name, one.n, one.sensitivity, one.specificity) == ("one", 1, None, None)
    assert found.sensitivity_spread is None


def test_groups_that_do_not_fit_the_rows_are_refused(repeated):
    with pytest.raises(InputError, match="expected 600 subgroups"):
        subgroup_table(repeated.truth, repeated.score, group=np.array(["AP"]), **few())


def test_a_fewest_of_one_is_refused(repeated, view):
    with pytest.raises(InputError, match="at least 2 patients as the fewest"):
        subgroup_table(repeated.truth, repeated.score, group=view, fewest=1, **few())


def test_the_interval_of_a_spread_reaches_zero_where_groups_are_alike_and_not_where_one_is_worse():
    rng = np.random.default_rng(7)
    reached = []
    for _ in range(60):
        truth, group = rng.random(600) < 0.4, rng.choice(["a", "b", "c"], 600)
        score = np.where(rng.random(600) < 0.8, truth, ~truth).astype(float)
        spread = subgroup_table(truth, score, group=group, areas=False, **few()).sensitivity_spread
        assert spread.low < spread.value < spread.high
        reached.append(spread.low == 0)
    assert np.mean(reached) >= 0.88
    worse = np.where((group == "c") & truth, 0.0, score)
    assert subgroup_table(truth, worse, group=group, areas=False, **few()).sensitivity_spread.low > 0.5


def test_areas_that_nobody_is_shown_count_in_no_adjustment():
    rng = np.random.default_rng(8)
    truth, group = rng.random(900) < 0.4, rng.choice(["a", "b", "c"], 900)
    score = np.where(rng.random(900) < 0.75, truth, ~truth).astype(float)
    every, shown = (subgroup_table(truth, score, group=group, areas=areas, **few()) for areas in (True, False))
    assert all(row.auroc is None and row.auroc_gap is None for row in shown.subgroups)
    measures = ("sensitivity_gap", "specificity_gap")
    fewer, more = (min(getattr(row, m).p_value for row in t.subgroups for m in measures) for t in (shown, every))
    assert fewer < more


def test_the_interval_of_a_gap_at_one_less_its_p_value_ends_at_zero(repeated):
    group = np.where(repeated.patient < 70, "first", "rest")

    def gaps(**more: float) -> list[Difference]:
        options = {"group": group, "cluster": repeated.patient, "areas": False, **few(), **more}
        row = subgroup_table(repeated.truth, repeated.score, **options).subgroups[0]
        return [row.sensitivity_gap, row.specificity_gap]

    place = int(np.argmin([gap.p_value for gap in gaps()]))
    raw = gaps()[place].p_value / 2  # Holm, of two
    edge = gaps(level=1 - raw)[place]
    assert min(abs(edge.low), abs(edge.high)) == pytest.approx(0, abs=1e-9)


def test_groups_without_an_error_show_no_gap_that_could_be_told_from_none():
    truth, group = np.arange(80) % 2 == 0, np.where(np.arange(80) < 40, "a", "b")
    found = subgroup_table(truth, truth.astype(float), group=group, **few())
    assert (found.sensitivity_spread, found.specificity_spread) == (None, None)
    assert all((row.auroc_gap, row.sensitivity_gap, row.specificity_gap) == (None,) * 3 for row in found.subgroups)
