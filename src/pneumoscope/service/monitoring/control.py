"""Control charts: batches of images against limits that the first images here gave; arrays in, points out."""

from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

import numpy as np
from jaxtyping import Bool, Float

from pneumoscope.stats import binomial_limits

RUN = 8
"""Points in a row on one side of the centre that are a signal too."""

_FEWEST_FOR_RUNS = 5  # expected hits and misses of a batch; fewer, and its distribution is not symmetric


class Signal(StrEnum):
    """Why a point is out of control.

    Source:
        Western Electric, Statistical Quality Control Handbook, 1956, pp. 25-28: tests 1 and 4.
    """

    NONE = ""
    BEYOND = "beyond the limits"
    RUN = f"{RUN} points in a row on one side"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One batch: mean or share of its `n` images, and the limits that hold for so many."""

    at: float
    value: float
    low: float
    high: float
    n: int
    signal: Signal = Signal.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the reference images gave: their mean or share, the deviation of one image, how many they were."""

    centre: float
    deviation: float
    n: int


def share_points(
    hits: Bool[np.ndarray, " n"], at: Float[np.ndarray, " n"], *, reference: Bool[np.ndarray, " m"], batch: int
) -> tuple[Limits, tuple[Point, ...]]:
    """Return a p chart of full batches with exact binomial limits.

    Source:
        Montgomery, Introduction to Statistical Quality Control, 7th edition, section 7.2.1; exact limits: p. 306.
    """
    # Laplace's rule of succession: a reference without a single hit must not forbid the first one.
    centre = (float(reference.sum()) + 1) / (reference.size + 2)
    low, high = binomial_limits(batch, centre)
    points = [
        Point(at=float(at[part].mean()), value=float(hits[part].mean()), low=low, high=high, n=batch)
        for part in _batches(hits.size, batch)
    ]
    limits = Limits(centre=centre, deviation=sqrt(centre * (1 - centre)), n=int(reference.size))
    # A run says nothing of a rare event: that none of 25 images failed, many times in a row, is as it should be.
    runs = batch * min(centre, 1 - centre) >= _FEWEST_FOR_RUNS
    return limits, _with_signals(points, centre=centre, runs=runs)


def mean_points(
    values: Float[np.ndarray, " n"], at: Float[np.ndarray, " n"], *, reference: Float[np.ndarray, " m"], batch: int
) -> tuple[Limits, tuple[Point, ...]]:
    """Return an x-bar chart of full batches, with limits at three standard errors.

    Source:
        Montgomery, section 6.2: the reference's own deviation, since all of its images come from one process.
    """
    centre, deviation = float(reference.mean()), float(reference.std(ddof=1))
    reach = 3 * deviation / sqrt(batch)
    points = [
        Point(
            at=float(at[part].mean()),
            value=float(values[part].mean()),
            low=centre - reach,
            high=centre + reach,
            n=batch,
        )
        for part in _batches(values.size, batch)
    ]
    limits = Limits(centre=centre, deviation=deviation, n=int(reference.size))
    return limits, _with_signals(points, centre=centre, runs=True)


def _batches(size: int, batch: int) -> list[slice]:
    """Full batches in order; images that do not fill one wait for more."""
    return [slice(start, start + batch) for start in range(0, size - batch + 1, batch)]


def _with_signals(points: list[Point], *, centre: float, runs: bool) -> tuple[Point, ...]:
    """Return the points with their signals."""
    side, row, marked = 0, 0, []
    for point in points:
        here = int(np.sign(point.value - centre))
        row = row + 1 if here == side and here else 1
        side = here
        signal = Signal.NONE
        if not point.low <= point.value <= point.high:
            signal = Signal.BEYOND
        elif runs and row >= RUN:
            signal = Signal.RUN
        marked.append(Point(at=point.at, value=point.value, low=point.low, high=point.high, n=point.n, signal=signal))
    return tuple(marked)
