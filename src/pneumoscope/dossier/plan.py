"""The planner: how many patients, images and readers the validation study needs, from stated assumptions."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Plan:
    pass


def read_plan(path: Path) -> Plan:
    return Plan()
