"""`device.toml`: what the manufacturer says of the device; typed, and every fault said at once."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from pneumoscope.core import Claim, ConfigError

Record = TypeVar("Record")

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manufacturer:
    """Who submits; what is empty stands in the document as "to be provided by the manufacturer"."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: str = ""
    address: str = ""
    contact: str = ""
    signatory: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The manufacturer's own words; each may hold the markup of the document."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    users: str
    environment: str
    indications: str
    workflow: str
    false_negative: str
    false_positive: str
    limitations: tuple[str, ...]
    contraindications: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """One question of one evidence folder that the document reports on.

    Attributes:
        evidence: The folder's name below the release, such as `nih-test`.
        question: A key under its `labels`.
        title: What the cohort is called in tables.
        reference: How the truth was made, in words.
        role: "test" is reported as performance, "validation" is where thresholds were chosen, "context" is another
            model's, shown beside ours and never mixed with it.
        optional: Left out where the release has no such folder, instead of a fault.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    evidence: str
    question: str
    title: str
    reference: str
    role: Literal["test", "validation", "context"]
    optional: bool = False

    def at(self, path: str) -> str:
        """Return the address of one of its numbers."""
        return f"{self.evidence}/labels.{self.question}.{path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicate:
    """A device on the market that the comparison table sets beside this one; public facts only."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    number: str
    name: str
    claim: Claim
    finding: str
    population: str
    output: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """What a site's monitoring alerts at; the change control plan is tied to it. Keys are those of the node's file.

    Attributes:
        reference: First analysed images at a site, which later ones are compared with.
        batch: Images of one point in a control chart.
        least_agreement: Share of agreeing feedback below which the site is told, once its interval lies below.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    reference: int
    batch: int
    least_agreement: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Files that the document is made from, relative to `device.toml`; what is None is not there yet.

    `plan` None takes the assumptions that ship with the package; without `results` no test counts as run.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    requirements: Path
    risks: Path
    tests: Path
    source: Path
    lock: Path
    plan: Path | None = None
    results: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """The device, valid once built."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: str
    version: str
    claim: Claim
    documentation_level: Literal["basic", "enhanced"]
    operating_point: str
    youngest_years: float
    oldest_years: float
    texts: Texts
    inputs: Inputs
    monitoring: Monitoring
    cohort: tuple[Cohort, ...]
    predicate: tuple[Predicate, ...]
    manufacturer: Manufacturer = field(default_factory=Manufacturer)

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("expected a name, found none")
        if not 0 <= self.youngest_years < self.oldest_years:
            raise ValueError(f"expected 0 <= youngest_years < oldest_years, found {self.youngest_years}")
        if not any(cohort.role == "test" for cohort in self.cohort):
            raise ValueError("expected at least one cohort with role = 'test', found none")
        if not any(cohort.role == "validation" for cohort in self.cohort):
            raise ValueError("expected at least one cohort with role = 'validation', found none")

    def cohorts(self, role: str) -> tuple[Cohort, ...]:
        """Return the cohorts of a role, in the order of the file."""
        return tuple(cohort for cohort in self.cohort if cohort.role == role)


def reported(device: Device, release: Iterable[str]) -> Device:
    """Return the device without the optional cohorts that a release has no folder for."""
    there = set(release)
    return replace(device, cohort=tuple(one for one in device.cohort if not one.optional or one.evidence in there))


def read_device(path: Path) -> Device:
    """Return the device described in a TOML file.

    Raises:
        ConfigError: The file is missing, is no TOML, or has unknown, missing or wrong keys; all are named.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: expected a device description in TOML, found {error}") from error
    return validated(Device, table, where=str(path))


def validated(kind: type[Record], table: Any, *, where: str) -> Record:
    """Return a record from plain data.

    Raises:
        ConfigError: Keys are unknown, missing or wrong; all are named.
    """
    try:
        return TypeAdapter(kind).validate_python(table)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'file'}: {one['msg']}" for one in error.errors())
        raise ConfigError(f"{where}: {problems}") from error
