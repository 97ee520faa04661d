"""The planner: how many patients, images and readers the validation study needs, from stated assumptions."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from math import ceil, floor, prod
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import ConfigDict, Field

from pneumoscope import stats
from pneumoscope.core import ConfigError, InputError
from pneumoscope.dossier.device import validated

Share = Annotated[float, Field(gt=0, lt=1)]

_STRICT = ConfigDict(extra="forbid")
_ERROR = 0.025


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Who is enrolled: prevalence, images a patient and their correlation, share that cannot be used."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    prevalence: Share
    images_per_patient: Annotated[float, Field(ge=1)]
    correlation: Annotated[float, Field(ge=0, le=1)]
    unusable: Annotated[float, Field(ge=0, lt=1)]

    def patients(self, images: int) -> int:
        """Patients to enrol for the information of that many independent images."""
        effect = stats.design_effect(rows_per_patient=self.images_per_patient, correlation=self.correlation)
        return self.enrolled(images * effect / self.images_per_patient)

    def enrolled(self, usable: float) -> int:
        """Patients to enrol for that many whose images can be used."""
        return ceil(usable / (1 - self.unusable))


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A value thought to be true, and the one that the interval's lower end must exceed."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    expected: Share
    goal: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupGoal:
    """The sensitivity that every subgroup must exceed by itself."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    goal: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class NonInferiority:
    """Share of images on which two models differ, and the largest loss that is accepted."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    discordant: Share
    margin: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class F1Goal:
    """Sensitivity and specificity of the device and of the mean radiologist, and how their answers go together."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    device: tuple[Share, Share]
    reader: tuple[Share, Share]
    correlation: Annotated[float, Field(ge=-1, le=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderStudy:
    """Readers, their area and its spread, the difference to be shown, and the correlations of figures by cases."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    readers: Annotated[int, Field(ge=2)]
    auroc: Share
    difference: Share
    reader_sd: Annotated[float, Field(ge=0)]
    between_tests: Annotated[float, Field(ge=0, le=1)]
    correlations: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The assumptions, valid once built."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    power: Share
    seed: int
    study: Study
    sensitivity: Goal
    specificity: Goal
    auroc: Goal
    non_inferiority: NonInferiority
    f1: F1Goal
    readers: ReaderStudy
    subgroup: SubgroupGoal


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


def read_plan(path: Path | None, *, changes: tuple[str, ...] = ()) -> Plan:
    """The assumptions in a TOML file, or the shipped ones; `changes` are `section.key=value`.

    Raises:
        ConfigError: The file or a change cannot be read, or keys are unknown, missing or wrong; all are named.
    """
    where = str(path or "the shipped plan")
    shipped = resources.files("pneumoscope.dossier") / "plan.toml"
    try:
        text = path.read_text(encoding="utf-8") if path else shipped.read_text(encoding="utf-8")
        table = tomllib.loads(text)
        for change in changes:
            _merge(table, tomllib.loads(change))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{where}: expected assumptions in TOML (section.key=value), found {error}") from error
    return validated(Plan, table, where=where)


def needs(plan: Plan) -> tuple[Need, ...]:
    """Every endpoint with its numbers, in the order of the protocol.

    Raises:
        ConfigError: An assumption cannot be met by any number, such as a goal above the expected value.
    """
    try:
        return tuple(_needs(plan))
    except InputError as error:
        raise ConfigError(f"plan: {error}") from error


def _needs(plan: Plan) -> Iterator[Need]:
    yield _rate("Sensitivity", plan.sensitivity, plan, with_finding=True)
    yield _rate("Specificity", plan.specificity, plan, with_finding=False)
    yield _area(plan)
    yield _f1(plan)
    yield _readers(plan)
    subgroup = Goal(expected=plan.sensitivity.expected, goal=plan.subgroup.goal)
    yield _rate("Sensitivity in each subgroup", subgroup, plan, with_finding=True)
    yield _change(plan)


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
        method="Normal test with Obuchowski's standard error (1994)",
    )


def _area_size(plan: Plan) -> stats.AurocSize:
    share, goal = plan.study.prevalence, plan.auroc
    return stats.auroc_size(
        expected=goal.expected,
        goal=goal.goal,
        negatives_per_positive=(1 - share) / share,
        power=plan.power,
        error=_ERROR,
        method="obuchowski",
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
    """The plan as facts for the document: what is enrolled, and for the reader study."""
    found = needs(plan)
    standalone = [need for need in found if not need.endpoint.startswith(("Reader", "Sensitivity in", "A changed"))]
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
        "subgroup": next(need.positives for need in found if need.endpoint.startswith("Sensitivity in")),
    }


def _merge(table: dict[str, Any], change: Mapping[str, Any]) -> None:
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(table.get(key), dict):
            _merge(table[key], value)
        else:
            table[key] = value
