"""Who is read first: priority by probability, uncertainty and waiting time; and how long results take."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pneumoscope.service.store import Result

AT_THRESHOLD = 0.5
"""Urgency of an image just suspicious. No less has one that is uncertain, since a person decides and should soon, or
that was not analysed, since nothing is known of it and it must not sink to the bottom."""

WAITING_GAIN_PER_H = 0.1
"""Waiting raises priority, so that nobody waits for ever behind a stream of suspicious images."""

HIGHEST = 1.0


def priority(result: Result | None, *, waited_s: float) -> float:
    """Priority in [0, 1]; more is read sooner. An image that is not read yet has that of one that was not analysed."""
    if result is None or result.probability is None or result.threshold is None:
        urgency = AT_THRESHOLD
    else:
        urgency = _urgency(result.probability, threshold=result.threshold)
        if result.uncertain:
            urgency = max(urgency, AT_THRESHOLD)
    return min(urgency + WAITING_GAIN_PER_H * max(waited_s, 0.0) / 3600, HIGHEST)


def _urgency(probability: float, *, threshold: float) -> float:
    """How far into its own side of the threshold: every suspicious image is above every clear one.

    Thresholds differ by population and operating point, so that probabilities alone would put a child's clear image
    above an adult's suspicious one, and a suspicious adult's below one that was not analysed.
    """
    if probability >= threshold:
        return AT_THRESHOLD + (1 - AT_THRESHOLD) * (probability - threshold) / max(1 - threshold, 1e-9)
    return AT_THRESHOLD * probability / threshold


def study_priority(results: Sequence[Result | None], *, waited_s: float) -> float:
    """That of its most urgent image, the wait counted from its first one."""
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
    """The percentiles (linear interpolation); None of nothing."""
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
