"""The range of an image that has no window: all of its values but those that no anatomy has."""

import numpy as np
from jaxtyping import Float64, Int64

_LARGEST_MARKED_SHARE = 0.05
"""Share of the pixels that may lie beyond a gap: markers, text, dead and hot pixels."""

_LOW_PERCENTILE, _HIGH_PERCENTILE = 0.5, 99.5


def robust_range(
    values: Float64[np.ndarray, " levels"], counts: Int64[np.ndarray, " levels"]
) -> tuple[float, float, int]:
    """Return the smallest and largest value of the image proper, and how many pixels lie beyond them.

    An ordinary image has its whole range. What is cut off: at most a twentieth of the pixels beyond a gap that is wider
    than the range of all the others (a marker burned in at 65,535 over ten bits of anatomy), and what lies farther out
    of the central 99 % of the pixels than they span themselves.

    Args:
        values: Every value that may occur.
        counts: How many pixels have it; at least one must have any.
    """
    present = np.flatnonzero(counts)
    order = present[np.argsort(values[present], kind="stable")]
    ordered, held = values[order], counts[order]
    low, high = _within_gaps(ordered, held)
    low, high = _within_spread(ordered, held, low=low, high=high)
    beyond = held[:low].sum() + held[high + 1 :].sum()
    return float(ordered[low]), float(ordered[high]), int(beyond)


def _within_gaps(values: Float64[np.ndarray, " n"], counts: Int64[np.ndarray, " n"]) -> tuple[int, int]:
    """Return the positions of the first and last value when islands beyond wide gaps are left out at both ends."""
    below = np.cumsum(counts)
    total = int(below[-1])
    low, high = 0, len(values) - 1
    gaps = np.diff(values)
    rising = np.flatnonzero((total - below[:-1] <= _LARGEST_MARKED_SHARE * total) & (gaps > values[:-1] - values[0]))
    if rising.size and values[rising[0]] > values[0]:
        high = int(rising[0])
    falling = np.flatnonzero((below[:-1] <= _LARGEST_MARKED_SHARE * total) & (gaps > values[high] - values[1:]))
    if falling.size and values[high] > values[falling[-1] + 1] and falling[-1] < high:
        low = int(falling[-1]) + 1
    return low, high


def _within_spread(
    values: Float64[np.ndarray, " n"], counts: Int64[np.ndarray, " n"], *, low: int, high: int
) -> tuple[int, int]:
    """Return the positions of the first and last value that lie no farther out than the central values span."""
    below = np.cumsum(counts[low : high + 1])
    at_low, at_high = np.searchsorted(below, [below[-1] * share / 100 for share in (_LOW_PERCENTILE, _HIGH_PERCENTILE)])
    first, last = values[low + at_low], values[low + at_high]
    if last <= first:
        return low, high
    span = last - first
    inside = np.flatnonzero((values[low : high + 1] >= first - span) & (values[low : high + 1] <= last + span))
    return low + int(inside[0]), low + int(inside[-1])
