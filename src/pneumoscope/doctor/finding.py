"""What one check of the installation gave."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is; a warning concerns something that not everybody needs."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check.

    Attributes:
        name: What was checked.
        level: Whether it works.
        found: What was found.
        advice: What to do; empty where nothing is to be done.
    """

    name: str
    level: Level
    found: str
    advice: str = ""
