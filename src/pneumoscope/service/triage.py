"""Reading order of the worklist, and how long results take."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np

from pneumoscope.core import HeadStart, released_device

_MINUTE_S = 60.0


class Scored(Protocol):
    """What of a result the order depends on; None where the image was not analysed."""

    @property
    def probability(self) -> float | None:
        """The calibrated probability."""

    @property
    def threshold(self) -> float | None:
        """The operating point's threshold."""

    @property
    def uncertain(self) -> bool | None:
        """Whether a person decides."""


class Standing(StrEnum):
    """What is known of an image for the worklist's order."""

    MOVED_UP = "moved up"
    NOT_ANALYSED = "not analysed"
    NOT_MOVED = "not moved"


def standing(result: Scored | None) -> Standing:
    """Return where an image stands; None is an image that is not read yet.

    Suspicious and uncertain images are moved up. An image without a probability (not read yet, refused, failed) is
    "not analysed": nothing is known of it, so that it neither leads the list nor sinks below what was found clear.
    """
    if result is None or result.probability is None or result.threshold is None:
        return Standing.NOT_ANALYSED
    if result.probability >= result.threshold or result.uncertain:
        return Standing.MOVED_UP
    return Standing.NOT_MOVED


def priority(result: Scored | None, *, waited_s: float, rule: HeadStart | None = None) -> float:
    """Return the waiting time that the worklist counts for an image, in seconds; the longest is read first.

    It is the time waited and the head start of the image's standing. So no image is read before one that arrived
    more than the largest head start earlier, however many images are moved up meanwhile.

    Args:
        result: What was found; None where the image is not read yet.
        waited_s: Seconds since it was received; a clock that was set back counts as 0.
        rule: Head starts; None: those of the released device.
    """
    rule = rule or released_device().worklist
    minutes = {
        Standing.MOVED_UP: rule.moved_up_min,
        Standing.NOT_ANALYSED: rule.not_analysed_min,
        Standing.NOT_MOVED: rule.not_moved_min,
    }
    return max(waited_s, 0.0) + _MINUTE_S * minutes[standing(result)]


def study_priority(results: Sequence[Scored | None], *, waited_s: float) -> float:
    """Return the priority of a study's most urgent image; the wait is counted from the study's first image."""
    return max(priority(result, waited_s=waited_s) for result in results)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Seconds from receipt to result: median, 90th, 95th and 99th percentile, longest, of `n` images."""

    n: int
    median_s: float
    p90_s: float
    p95_s: float
    p99_s: float
    longest_s: float


def latency(seconds: Sequence[float]) -> Latency | None:
    """Return the percentiles (linear interpolation); None of nothing."""
    if not seconds:
        return None
    points = [float(value) for value in np.percentile(seconds, (50, 90, 95, 99, 100))]
    return Latency(
        n=len(seconds),
        median_s=points[0],
        p90_s=points[1],
        p95_s=points[2],
        p99_s=points[3],
        longest_s=points[4],
    )
