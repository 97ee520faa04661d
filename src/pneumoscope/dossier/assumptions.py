"""The assumptions of the validation study, as a plan file states them: each key typed and bounded."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from math import ceil
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from pneumoscope import stats
from pneumoscope.core import ConfigError
from pneumoscope.dossier.device import validated
from pneumoscope.dossier.queueing import Site

Share = Annotated[float, Field(gt=0, lt=1)]

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Who is enrolled: prevalence (enriched, and natural), images a patient and their correlation, unusable share."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    prevalence: Share
    images_per_patient: Annotated[float, Field(ge=1, le=100)]
    correlation: Annotated[float, Field(ge=0, le=1)]
    unusable: Annotated[float, Field(ge=0, le=0.9)]
    natural_prevalence: Share = 0.05

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
class AurocGoal(Goal):
    """A goal for the AUROC, and the standard error that sizes it."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    method: Literal["obuchowski", "hanley-mcneil"] = "obuchowski"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeGoal:
    """Primary endpoint of the time study: geometric mean wait with the order over without, and the spread of waits."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    ratio: Annotated[float, Field(ge=0.1, le=0.98)] = 0.7
    sd_log: Annotated[float, Field(gt=0, le=4)] = 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyGoal:
    """Safety endpoint: 95th percentile of the wait of positives left in place, and how much later is accepted."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    median_min: Annotated[float, Field(gt=0, le=10_000)] = 20
    sd_log: Annotated[float, Field(gt=0, le=4)] = 1.0
    margin_min: Annotated[float, Field(gt=0, le=1440)] = 60


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
    margin: Annotated[float, Field(gt=0, le=0.2)]


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

    readers: Annotated[int, Field(ge=2, le=200)]
    auroc: Share
    difference: Share
    reader_sd: Annotated[float, Field(ge=0)]
    between_tests: Annotated[float, Field(ge=0, le=1)]
    correlations: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The assumptions, valid once built."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    power: Annotated[float, Field(ge=0.5, le=0.999)]
    seed: int
    study: Study
    sensitivity: Goal
    specificity: Goal
    auroc: AurocGoal
    non_inferiority: NonInferiority
    f1: F1Goal
    readers: ReaderStudy
    subgroup: SubgroupGoal
    justification: str = "The goals are arbitrary: no clinical source sets them."
    time: TimeGoal = field(default_factory=TimeGoal)
    safety: SafetyGoal = field(default_factory=SafetyGoal)
    worklist: Site = field(default_factory=Site)


def read_plan(path: Path | None, *, changes: tuple[str, ...] = ()) -> Plan:
    """Return the assumptions in a TOML file, or the shipped ones; `changes` are `section.key=value`.

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


def _merge(table: dict[str, Any], change: Mapping[str, Any]) -> None:
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(table.get(key), dict):
            _merge(table[key], value)
        else:
            table[key] = value
