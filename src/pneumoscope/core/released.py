"""The released device: one description that node, worklist, model card and submission are checked against."""

import tomllib
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib import resources
from typing import Any

from pneumoscope.core.errors import ConfigError
from pneumoscope.core.records import Claim, Population

FILE = "released.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedMonitoring:
    """Limits of a site's monitoring; `pneumoscope.service.config.MonitoringConfig` explains the keys."""

    reference: int
    batch: int
    least_agreement: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadStart:
    """Minutes by which a study is treated as if it had arrived earlier, by what is known of it."""

    moved_up_min: float
    not_analysed_min: float
    not_moved_min: float

    def __post_init__(self) -> None:
        if not self.moved_up_min >= self.not_analysed_min >= self.not_moved_min >= 0:
            raise ConfigError(
                f"{FILE}: [worklist]: expected moved_up_min >= not_analysed_min >= not_moved_min >= 0, found {self}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedDevice:
    """What the submission describes and the software does by default; `released.toml` explains the keys."""

    claim: Claim
    operating_point: str
    youngest_years: float
    oldest_years: float
    adult_from_years: float
    age_unknown: Population
    monitoring: ReleasedMonitoring
    worklist: HeadStart


@cache
def released_device() -> ReleasedDevice:
    """Return the description that ships with the package.

    Raises:
        ConfigError: The file has unknown, missing or wrong keys.
    """
    text = (resources.files("pneumoscope.core") / FILE).read_text(encoding="utf-8")
    try:
        table = tomllib.loads(text)
        return ReleasedDevice(
            **table
            | {
                "claim": Claim(table["claim"]),
                "age_unknown": Population(table["age_unknown"]),
                "monitoring": ReleasedMonitoring(**table["monitoring"]),
                "worklist": HeadStart(**table["worklist"]),
            }
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{FILE}: expected the released device's description, found {error}") from error


def check_against_device(found: dict[str, Any]) -> tuple[str, ...]:
    """Return each difference from the released device as a sentence; empty where there is none.

    Args:
        found: Values by dotted key, such as `claim` or `monitoring.batch`. A key whose value is None was not set:
            that is a difference too, since a default is no decision.

    Raises:
        ConfigError: A key is none of the released device's.
    """
    released = _flat(released_device())
    if unknown := sorted(set(found) - set(released)):
        raise ConfigError(f"check_against_device: expected keys of {FILE}, found {', '.join(unknown)}")
    differences = []
    for key, value in found.items():
        if value is None:
            differences.append(f"{key} is not set; the released device has {released[key]}")
        elif value != released[key]:
            differences.append(f"{key} is {value}; the released device has {released[key]}")
    return tuple(differences)


def _flat(device: ReleasedDevice) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for one in fields(device):
        value = getattr(device, one.name)
        if isinstance(value, ReleasedMonitoring | HeadStart):
            flat |= {f"{one.name}.{name}": inner for name, inner in asdict(value).items()}
        else:
            flat[one.name] = value
    return flat
