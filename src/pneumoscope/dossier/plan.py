"""The planner: how many patients, images and readers the validation study needs, from stated assumptions."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, exp, floor, log, pi, prod, sqrt
from typing import Any

import numpy as np
from scipy.stats import binom, norm

from pneumoscope import stats
from pneumoscope.core import ConfigError, InputError
from pneumoscope.dossier.assumptions import Goal, Plan

_ERROR = 0.025

_AREA_METHODS = {
    "obuchowski": "Normal test with Obuchowski's standard error (1994)",
    "hanley-mcneil": "Normal test with Hanley and McNeil's standard error (1982)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one endpoint asks for.

    Attributes:
        positives: Images with the finding; so `negatives`. None where only their sum counts.
        images: In all, at the study's prevalence. In the reader study these are cases, one a patient.
        patients: To enrol: for several images of a patient where they count, and for what cannot be used.
        method: Of the calculation, with its source.
    """

    endpoint: str
    assumption: str
    positives: int | None
    negatives: int | None
    images: int
    patients: int
    method: str


def needs(plan: Plan) -> tuple[Need, ...]:
    """Return every endpoint with its numbers, in the order of the protocol.

    Raises:
        ConfigError: An assumption cannot be met by any number, such as a goal above the expected value; all are named.
    """
    found, infeasible = feasible_needs(plan)
    if infeasible:
        raise ConfigError("plan: " + "; ".join(infeasible))
    return found


def feasible_needs(plan: Plan) -> tuple[tuple[Need, ...], tuple[str, ...]]:
    """Return the endpoints that some number can show, and for each of the others why none can."""
    found: list[Need] = []
    infeasible: list[str] = []
    for key, make in _ENDPOINTS.items():
        try:
            found.append(make(plan))
        except InputError as error:
            infeasible.append(f"{key}: {error}")
    return tuple(found), tuple(infeasible)


def _need(plan: Plan, endpoint: str, *, positives: int, negatives: int, assumption: str, method: str) -> Need:
    """At the study's prevalence one class binds; the other comes with it."""
    share = plan.study.prevalence
    images = max(ceil(positives / share), ceil(negatives / (1 - share)))
    return Need(
        endpoint=endpoint,
        assumption=assumption,
        positives=positives or None,
        negatives=negatives or None,
        images=images,
        patients=plan.study.patients(images),
        method=method,
    )


def _rate(endpoint: str, goal: Goal, plan: Plan, *, with_finding: bool) -> Need:
    size = stats.proportion_size(expected=goal.expected, goal=goal.goal, power=plan.power, error=_ERROR)
    return _need(
        plan,
        endpoint,
        positives=size.n_lasting if with_finding else 0,
        negatives=0 if with_finding else size.n_lasting,
        assumption=f"{goal.expected:g} expected, lower bound above {goal.goal:g}",
        method="Exact binomial (Clopper-Pearson); every larger number has the power too (Chernick and Liu 2002)",
    )


def _area(plan: Plan) -> Need:
    goal, size = plan.auroc, _area_size(plan)
    return _need(
        plan,
        "AUROC",
        positives=size.positives,
        negatives=size.negatives,
        assumption=f"{goal.expected:g} expected, lower bound above {goal.goal:g}",
        method=_AREA_METHODS[goal.method],
    )


def _area_size(plan: Plan) -> stats.AurocSize:
    share, goal = plan.study.prevalence, plan.auroc
    return stats.auroc_size(
        expected=goal.expected,
        goal=goal.goal,
        negatives_per_positive=(1 - share) / share,
        power=plan.power,
        error=_ERROR,
        method=goal.method,
    )


def _f1(plan: Plan) -> Need:
    goal = plan.f1
    study = stats.F1Study(
        prevalence=plan.study.prevalence, first=goal.device, second=goal.reader, correlation=goal.correlation
    )
    size = stats.f1_superiority_size(study, rng=np.random.default_rng(plan.seed), power=plan.power, error=_ERROR)
    rates = " against ".join(f"{one:g}/{other:g}" for one, other in (goal.device, goal.reader))
    return Need(
        endpoint="F1 above the mean radiologist",
        assumption=f"sensitivity/specificity {rates}; difference of F1 {size.difference:.3f}",
        positives=None,
        negatives=None,
        images=size.n,
        patients=plan.study.patients(size.n),
        method="F1 of two raters against the reference, simulated; paired difference over images",
    )


def _readers(plan: Plan) -> Need:
    goal = plan.readers
    pilot = 1000
    positives = round(pilot * plan.study.prevalence)
    components = stats.conjectured_components(
        auroc=goal.auroc,
        positives=positives,
        negatives=pilot - positives,
        reader_sd=goal.reader_sd,
        between_tests=goal.between_tests,
        correlations=goal.correlations,
    )
    size = stats.mrmc_cases(components, difference=goal.difference, readers=goal.readers, power=plan.power)
    with_finding = ceil(size.cases * plan.study.prevalence)
    return Need(
        endpoint=f"Reader study, {goal.readers} readers",
        assumption=f"mean AUROC {goal.auroc:g}, {goal.difference:g} more with the device",
        positives=with_finding,
        negatives=size.cases - with_finding,
        images=size.cases,
        patients=plan.study.enrolled(size.cases),
        method="Obuchowski-Rockette, Hillis' degrees of freedom, readers and cases random (Hillis et al. 2011)",
    )


def _change(plan: Plan) -> Need:
    goal = plan.non_inferiority
    size = stats.paired_non_inferiority_size(
        discordant=goal.discordant, margin=goal.margin, power=plan.power, error=_ERROR
    )
    return _need(
        plan,
        "A changed model's sensitivity, not inferior",
        positives=size.n,
        negatives=0,
        assumption=f"margin {goal.margin:g}, models differ on {goal.discordant:g} of positive images",
        method="Tango's test of paired shares (Tango 1998, Nam 1997)",
    )


def _subgroup(plan: Plan) -> Need:
    goal = Goal(expected=plan.sensitivity.expected, goal=plan.subgroup.goal)
    return _rate("Sensitivity in each subgroup", goal, plan, with_finding=True)


def _consecutive(plan: Plan) -> Need:
    """Consecutive images at the natural prevalence: the positives are a random number, so the search is over it."""
    goal, share = plan.sensitivity, plan.study.natural_prevalence
    few = stats.proportion_size(expected=goal.expected, goal=goal.goal, power=plan.power, error=_ERROR).n_lasting
    images = _fewest(lambda n: _power_at(n, share, goal), plan.power, start=few, most=max(4 * few / share, 100))
    return Need(
        endpoint="Sensitivity, consecutive images without enrichment",
        assumption=f"prevalence {share:g}; {goal.expected:g} expected, lower bound above {goal.goal:g}",
        positives=None,
        negatives=None,
        images=images,
        patients=plan.study.patients(images),
        method="Exact binomial, averaged over the binomial number of positives",
    )


def _power_at(images: int, share: float, goal: Goal) -> float:
    """Power of that many images of which a random number has the finding."""
    low, high = (int(binom.ppf(tail, images, share)) for tail in (1e-4, 1 - 1e-4))
    counts = np.unique(np.linspace(max(low, 1), max(high, 1), 25).astype(int))
    powers = [stats.proportion_power(int(n), expected=goal.expected, goal=goal.goal, error=_ERROR) for n in counts]
    every = np.arange(counts[0], counts[-1] + 1)
    weights = binom.pmf(every, images, share)
    return float(np.interp(every, counts, powers) @ weights / weights.sum())


def _fewest(power: Callable[[int], float], wanted: float, *, start: int, most: float) -> int:
    """Return the fewest images with the power, to half a per cent, by bisection."""
    low, high = start, ceil(most)
    while high - low > max(1, low // 200):
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle) >= wanted else (middle, high)
    return high


def _time(plan: Plan) -> Need:
    goal = plan.time
    reach = (norm.ppf(plan.power) + norm.isf(_ERROR)) * goal.sd_log / -log(goal.ratio)
    each = ceil(2 * reach**2)
    return _study(
        plan,
        "Time to opening, positives (primary)",
        each,
        assumption=f"geometric mean {goal.ratio:g} of that in order of arrival, deviation of the log {goal.sd_log:g}",
        method="Two-sample normal test of log waits; images under each order",
    )


def _safety(plan: Plan) -> Need:
    goal = plan.safety
    z = float(norm.ppf(0.95))
    percentile = goal.median_min * exp(z * goal.sd_log)
    density = exp(-(z**2) / 2) / (sqrt(2 * pi) * goal.sd_log * percentile)
    error_of_one = sqrt(0.95 * 0.05) / density
    each = ceil(2 * ((norm.ppf(plan.power) + norm.isf(_ERROR)) * error_of_one / goal.margin_min) ** 2)
    return _study(
        plan,
        "95th percentile of the wait, positives left in place (safety)",
        each,
        assumption=f"{percentile:.0f} min under both orders, not later by more than {goal.margin_min:g} min",
        method="Normal test of two percentiles, log-normal density (asymptotic variance of a quantile)",
    )


def _study(plan: Plan, endpoint: str, each: int, *, assumption: str, method: str) -> Need:
    """Return a two-arm study of positives at the natural prevalence."""
    images = 2 * ceil(each / plan.study.natural_prevalence)
    return Need(
        endpoint=endpoint,
        assumption=assumption,
        positives=2 * each,
        negatives=None,
        images=images,
        patients=plan.study.patients(images),
        method=method,
    )


_ENDPOINTS: dict[str, Callable[[Plan], Need]] = {
    "sensitivity": lambda plan: _rate("Sensitivity", plan.sensitivity, plan, with_finding=True),
    "specificity": lambda plan: _rate("Specificity", plan.specificity, plan, with_finding=False),
    "auroc": _area,
    "f1": _f1,
    "readers": _readers,
    "subgroup": _subgroup,
    "non_inferiority": _change,
    "study.natural_prevalence": _consecutive,
    "time": _time,
    "safety": _safety,
}


def joint_power(plan: Plan, *, images: int) -> float:
    """Least power to meet the goals of sensitivity, specificity and AUROC in one study of so many independent images.

    It is the product of the three powers, that of the AUROC with only the images that it needs by itself. The goals
    are associated: higher scores with the finding, or lower ones without it, bring none of them farther away.

    Source:
        Esary, Proschan and Walkup, Annals of Mathematical Statistics 38(5), 1967, p. 1466.
    """
    positives = round(images * plan.study.prevalence)
    rates = ((positives, plan.sensitivity), (images - positives, plan.specificity))
    shown = (stats.proportion_power(n, expected=one.expected, goal=one.goal, error=_ERROR) for n, one in rates)
    return prod(shown) * _area_size(plan).power


def power_curve(plan: Plan, *, most: int) -> tuple[list[int], list[float]]:
    """Positive images, and the power to show the sensitivity with so many."""
    goal = plan.sensitivity
    counts = list(range(20, most + 1))
    return counts, [stats.proportion_power(n, expected=goal.expected, goal=goal.goal, error=_ERROR) for n in counts]


def facts(plan: Plan) -> dict[str, Any]:
    """Return the plan as facts for the document: what is enrolled, and for the reader study."""
    found = needs(plan)
    standalone = found[:4]
    readers = next(need for need in found if need.endpoint.startswith("Reader"))
    images = max(need.images for need in standalone)
    return {
        "power": f"{100 * plan.power:g} %",
        "joint_power": f"{floor(100 * joint_power(plan, images=images))} %",
        "prevalence": f"{100 * plan.study.prevalence:g} %",
        "images": images,
        "patients": max(need.patients for need in standalone),
        "readers": plan.readers.readers,
        "reader_images": readers.images,
        "reader_patients": readers.patients,
        "sensitivity": f"{plan.sensitivity.goal:g}",
        "specificity": f"{plan.specificity.goal:g}",
        "auroc": f"{plan.auroc.goal:g}",
        "margin": f"{plan.non_inferiority.margin:g}",
        "unusable": f"{100 * plan.study.unusable:g} %",
        "images_per_patient": f"{plan.study.images_per_patient:g}",
        "goals": plan.justification,
        "error": f"{_ERROR:g}",
        "both_strata": f"{floor(100 * joint_power(plan, images=images) ** 2)} %",
        "wait_margin": f"{plan.safety.margin_min:g}",
        "time_positives": _positives(found, "Time to opening"),
        "safety_positives": _positives(found, "95th percentile"),
        "subgroup": next(need.positives for need in found if need.endpoint.startswith("Sensitivity in")),
    }


def _positives(found: tuple[Need, ...], endpoint: str) -> int:
    """Positive images under each of the two orders."""
    return next((need.positives or 0) // 2 for need in found if need.endpoint.startswith(endpoint))
