"""Numbers as the report's words."""

import math
from typing import Protocol

MINUS = "\N{MINUS SIGN}"


class Interval(Protocol):
    """A value between two bounds."""

    @property
    def value(self) -> float: ...  # noqa: D102
    @property
    def low(self) -> float: ...  # noqa: D102
    @property
    def high(self) -> float: ...  # noqa: D102


def count(number: int) -> str:
    """With thousands separated: 112,120."""
    return f"{number:,}"


def counted(number: int, noun: str) -> str:
    """Return the number and its noun, which takes an s."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def percent(share: float) -> str:
    """In percent, to two digits at least: 0.43 %, 1.3 %, 57 %."""
    value = 100 * share
    digits = 2 if value < 1 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f}\N{NO-BREAK SPACE}%"


def short_percent(share: float) -> str:
    """In percent, where there is little room: whole, below ten with one digit."""
    value = 100 * share
    return f"{value:.{0 if value >= 9.95 else 1}f}\N{NO-BREAK SPACE}%"


def percent_interval(share: Interval | None) -> str:
    """Such as 1.3 % [1.2, 1.4]."""
    if share is None:
        return "not estimable"
    digits = 2 if 100 * share.value < 1 else 1
    return f"{percent(share.value)} [{100 * share.low:.{digits}f}, {100 * share.high:.{digits}f}]"


def decimal_interval(estimate: Interval | None, *, digits: int = 2) -> str:
    """Such as 0.57 [0.55, 0.59]."""
    if estimate is None:
        return "not estimable"
    values = (signed(v, digits=digits) for v in (estimate.value, estimate.low, estimate.high))
    return "{} [{}, {}]".format(*values)


def signed(value: float, *, digits: int = 2) -> str:
    """With a true minus sign."""
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    return f"{value:.{digits}f}".replace("-", MINUS)


def listed(names: "list[str] | tuple[str, ...]") -> str:
    """Such as a, b and c."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def plain(finding: str) -> str:
    """Return a finding's label as words."""
    return finding.replace("_", " ")
