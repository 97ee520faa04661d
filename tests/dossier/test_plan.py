import json
from math import ceil
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom, binomtest, norm

from pneumoscope import stats
from pneumoscope.core import ConfigError
from pneumoscope.dossier import draw_power, feasible_needs, needs, read_plan
from pneumoscope.dossier.assumptions import Plan
from pneumoscope.dossier.plan import facts, joint_power, power_curve

# Positives for a lower exact 95 % bound above the goal, as published tables of exact power give them
# (Chernick and Liu, The American Statistician 56(2), 2002, p. 149: smallest n).
PUBLISHED = [
    (0.90, 0.80, 0.8, 107), (0.90, 0.80, 0.9, 137), (0.85, 0.80, 0.8, 466), (0.85, 0.80, 0.9, 619),
    (0.90, 0.85, 0.8, 356), (0.90, 0.85, 0.9, 469), (0.80, 0.70, 0.8, 155), (0.80, 0.70, 0.9, 200),
]  # fmt: skip


def exact_power(n: int, expected: float, goal: float) -> float:
    """By the definition, one count of successes at a time: no function of ours."""
    enough = next(k for k in range(n + 1) if binom.sf(k - 1, n, goal) <= 0.025)
    return float(sum(binom.pmf(k, n, expected) for k in range(enough, n + 1)))


@pytest.mark.parametrize(("expected", "goal", "power", "fewest"), PUBLISHED)
def test_positives_agree_with_the_published_exact_numbers(
    expected: float, goal: float, power: float, fewest: int
) -> None:
    plan = read_plan(None, changes=(f"sensitivity.expected={expected}", f"sensitivity.goal={goal}", f"power={power}"))
    planned = needs(plan)[0].positives
    assert planned is not None
    assert stats.proportion_size(expected=expected, goal=goal, power=power).n == fewest
    assert fewest <= planned <= 1.15 * fewest  # beyond the saw-tooth, so a few more
    assert exact_power(fewest, expected, goal) >= power
    assert exact_power(planned - 1, expected, goal) < power <= exact_power(planned, expected, goal)
    assert power <= exact_power(planned + 1, expected, goal)


def test_patients_follow_from_images_by_prevalence_clustering_and_losses() -> None:
    changes = ("study.prevalence=0.1", "study.images_per_patient=2.0", "study.correlation=0.3", "study.unusable=0.2")
    need = needs(read_plan(None, changes=changes))[0]
    assert need.positives is not None
    assert need.images == ceil(need.positives / 0.1)
    assert need.patients == ceil(need.images * 1.3 / 2 / 0.8)


def test_the_class_that_is_rarer_for_its_need_binds() -> None:
    sensitivity, specificity, area = needs(read_plan(None, changes=("study.prevalence=0.5",)))[:3]
    assert sensitivity.images == 2 * (sensitivity.positives or 0)
    assert specificity.images == 2 * (specificity.negatives or 0)
    assert area.positives == area.negatives


def test_more_readers_need_fewer_images() -> None:
    few, many = (
        next(one for one in needs(read_plan(None, changes=(f"readers.readers={n}",))) if "readers" in one.endpoint)
        for n in (8, 20)
    )
    assert many.images < few.images


def obuchowski_power(plan: Plan, *, positives: int, negatives: int) -> float:
    """By the paper's formula (Investigative Radiology 29(2), 1994, p. 238): no function of ours."""

    def error(area: float) -> float:
        a = 1.414 * norm.ppf(area)
        inner = (5 * a**2 + 8) + (a**2 + 8) * positives / negatives
        return float(np.sqrt(0.0099 * np.exp(-(a**2) / 2) * inner / positives))

    reach = norm.isf(0.025) * error(plan.auroc.goal) - (plan.auroc.expected - plan.auroc.goal)
    return float(norm.sf(reach / error(plan.auroc.expected)))


def test_the_images_for_the_area_are_the_fewest_by_the_method_that_the_table_names() -> None:
    plan = read_plan(None)
    need = next(one for one in needs(plan) if one.endpoint == "AUROC")
    assert "Obuchowski" in need.method
    assert need.positives is not None
    assert need.negatives == 4 * need.positives
    fewer = need.positives - 1
    powers = (obuchowski_power(plan, positives=n, negatives=4 * n) for n in (fewer, need.positives))
    assert next(powers) < plan.power <= next(powers)


def test_a_case_of_the_reader_study_is_a_patient_whose_images_lose_no_information() -> None:
    plan = read_plan(None, changes=("study.images_per_patient=3.0", "study.unusable=0.1"))
    need = next(one for one in needs(plan) if one.endpoint.startswith("Reader"))
    assert need.patients == ceil(need.images / 0.9)
    assert facts(plan)["reader_patients"] == need.patients


def test_the_joint_power_is_at_most_what_studies_of_normal_scores_attain() -> None:
    """All three goals are met in one study at least as often as said, and less often than each by itself."""
    plan = read_plan(None, changes=("specificity.goal=0.82", "sensitivity.goal=0.84"))
    positives, negatives = 270, 1080
    powers = [
        exact_power(positives, 0.90, 0.84),
        exact_power(negatives, 0.85, 0.82),
        obuchowski_power(plan, positives=positives, negatives=negatives),
    ]
    said = joint_power(plan, images=positives + negatives)
    assert said == pytest.approx(np.prod(powers), abs=1e-3)
    assert said < min(powers)
    # Scores whose area is .92 and whose rates at 0 are .90 and .85 (normal, of unequal spread).
    up, down = norm.ppf(0.90), norm.ppf(0.85)
    spread = next(s for s in np.linspace(0.1, 5, 2000) if norm.cdf((s * up + down) / np.hypot(s, 1)) >= 0.92)
    rng, met = np.random.default_rng(0), []
    for _ in range(600):
        ill, well = rng.normal(spread * up, spread, positives), rng.normal(-down, 1, negatives)
        hits, clear = binomtest(int((ill >= 0).sum()), positives), binomtest(int((well < 0).sum()), negatives)
        area = stats.auroc(np.arange(positives + negatives) < positives, np.r_[ill, well])
        goals = (hits.proportion_ci().low > 0.84, clear.proportion_ci().low > 0.82, area.low > 0.88)
        met.append(all(goals))
    assert np.mean(met) >= said - 0.03


def test_the_facts_for_the_document_are_the_largest_of_the_primary_endpoints() -> None:
    plan = read_plan(None)
    primary = needs(plan)[:4]
    assert facts(plan)["images"] == max(need.images for need in primary)
    assert facts(plan)["patients"] == max(need.patients for need in primary)


def test_the_power_curve_reaches_the_power_at_the_planned_number(tmp_path: Path) -> None:
    plan = read_plan(None)
    planned = needs(plan)[0].positives or 0
    counts, powers = power_curve(plan, most=planned + 20)
    assert min(powers[counts.index(planned) :]) >= plan.power
    draw_power(plan, tmp_path / "power.svg")
    assert (tmp_path / "power.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        (("sensitivity.golf=0.9",), "sensitivity.golf"),
        (("sensitivity.goal=1.5",), "less than 1"),
        (("power=high",), "expected assumptions in TOML"),
        (("readers.readers=1", "study.prevalence=0"), "readers.readers.*study.prevalence|study.prevalence.*readers"),
    ],
)
def test_faulty_assumptions_are_named(changes: tuple[str, ...], part: str) -> None:
    with pytest.raises(ConfigError, match=part):
        read_plan(None, changes=changes)


def test_a_goal_that_no_number_can_show_is_wrong_use() -> None:
    with pytest.raises(ConfigError, match="true value above the goal"):
        needs(read_plan(None, changes=("sensitivity.goal=0.95",)))


def test_the_command_prints_a_line_for_each_endpoint(capsys: pytest.CaptureFixture[str]) -> None:
    from pneumoscope.cli.plan import plan

    plan(assumptions=None, change=["readers.readers=10"], figure=None, as_json=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["endpoint"] for line in lines] == [
        need.endpoint for need in needs(read_plan(None, changes=("readers.readers=10",)))
    ]


@pytest.mark.parametrize(
    "change",
    ["power=0.01", "readers.readers=100000", "non_inferiority.margin=0.5", "study.images_per_patient=1000.0",
     "worklist.load=1.0", "time.ratio=1.0", "auroc.method='delong'"],
)  # fmt: skip
def test_absurd_assumptions_are_refused_with_the_keys_name(change: str) -> None:
    with pytest.raises(ConfigError, match=change.partition("=")[0].replace(".", r"\.")):
        read_plan(None, changes=(change,))


def test_an_endpoint_that_no_number_can_show_hides_no_other() -> None:
    plan = read_plan(None, changes=("auroc.goal=0.95",))
    found, infeasible = feasible_needs(plan)
    assert len(found) == len(needs(read_plan(None))) - 1
    assert [one.partition(":")[0] for one in infeasible] == ["auroc"]


def test_hanley_and_mcneils_error_asks_for_fewer_images_than_obuchowskis() -> None:
    cautious, exponential = (
        next(one for one in needs(read_plan(None, changes=(f"auroc.method='{name}'",))) if one.endpoint == "AUROC")
        for name in ("obuchowski", "hanley-mcneil")
    )
    assert exponential.images < cautious.images
    assert "Hanley" in exponential.method


def test_consecutive_images_have_the_power_though_the_number_of_positives_is_chance() -> None:
    plan = read_plan(None)
    need = next(one for one in needs(plan) if "consecutive" in one.endpoint)
    rng = np.random.default_rng(3)
    positives = rng.binomial(need.images, plan.study.natural_prevalence, 400)
    power = np.mean([exact_power(int(n), plan.sensitivity.expected, plan.sensitivity.goal) for n in set(positives)])
    assert power == pytest.approx(plan.power, abs=0.03)


def test_the_time_study_is_sized_by_the_two_sample_normal_test_by_hand() -> None:
    plan = read_plan(None, changes=("time.ratio=0.5", "time.sd_log=1.0"))
    need = next(one for one in needs(plan) if one.endpoint.startswith("Time"))
    each = ceil(2 * ((norm.ppf(0.8) + norm.ppf(0.975)) / np.log(2)) ** 2)
    assert each == 33
    assert need.positives == 2 * each


def test_the_safety_margin_is_sized_by_the_variance_of_a_simulated_percentile() -> None:
    plan = read_plan(None)
    need = next(one for one in needs(plan) if "safety" in one.endpoint)
    each = (need.positives or 0) // 2
    rng = np.random.default_rng(5)
    waits = np.exp(rng.normal(np.log(plan.safety.median_min), plan.safety.sd_log, (3000, each)))
    error = np.sqrt(2) * np.percentile(waits, 95, axis=1).std()
    power = norm.cdf(plan.safety.margin_min / error - norm.ppf(0.975))
    assert power == pytest.approx(plan.power, abs=0.1)


def test_a_sites_waits_are_printed_for_each_order(capsys: pytest.CaptureFixture[str]) -> None:
    from pneumoscope.cli.plan import plan

    small = ["worklist.images=500", "worklist.replications=3", "worklist.prevalence=0.2"]
    plan(assumptions=None, change=small, figure=None, as_json=True, triage=True, evidence=None)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["rule"] for line in lines] == ["first come, first served", "released order", "moved up always first"]
    assert lines[1]["longest_overtaking_min"] <= 60
