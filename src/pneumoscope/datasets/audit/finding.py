"""One thing that an audit found."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

_MOST_NAMED = 5


class Severity(StrEnum):
    """What a finding means for whoever trains on the data; an error makes the command end with 3."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found, in a sentence, with the images that it is about and the numbers behind it."""

    check: str
    severity: Severity
    message: str
    count: int
    images: tuple[str, ...] = ()
    numbers: dict[str, Any] = field(default_factory=dict)


def named(names: Iterable[str]) -> str:
    """Return the first names, and how many more there are."""
    every = list(names)
    more = f" and {len(every) - _MOST_NAMED} more" if len(every) > _MOST_NAMED else ""
    return ", ".join(every[:_MOST_NAMED]) + more
