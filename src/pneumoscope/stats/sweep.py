"""Many thresholds of a score at once: what each flags, in the rows and in their resamples."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Num, Shaped

from pneumoscope.core import InputError
from pneumoscope.stats.bootstrap import resample_totals
from pneumoscope.stats.validation import number_clusters


@dataclass(frozen=True, slots=True, eq=False)
class Flags:
    """What each threshold flags, one line a resample; counts are whole numbers.

    Attributes:
        found: Flagged rows with the finding.
        alarms: Flagged rows without it.
        positives: Rows with the finding.
        negatives: Rows without it.
    """

    found: Float[np.ndarray, "draws thresholds"]
    alarms: Float[np.ndarray, "draws thresholds"]
    positives: Float[np.ndarray, "draws 1"]
    negatives: Float[np.ndarray, "draws 1"]

    @property
    def sensitivity(self) -> Float[np.ndarray, "draws thresholds"]:
        """Share of the rows with the finding that is flagged."""
        return np.asarray(self.found / self.positives)

    @property
    def false_positive_rate(self) -> Float[np.ndarray, "draws thresholds"]:
        """Share of the rows without the finding that is flagged."""
        return np.asarray(self.alarms / self.negatives)

    @property
    def precision(self) -> Float[np.ndarray, "draws thresholds"]:
        """Share of the flagged rows with the finding; 0 where none is flagged."""
        return np.asarray(self.found / np.maximum(self.found + self.alarms, 1))

    @property
    def f1(self) -> Float[np.ndarray, "draws thresholds"]:
        """Harmonic mean of precision and sensitivity."""
        return np.asarray(2 * self.found / (self.found + self.alarms + self.positives))


def candidates(truth: Bool[np.ndarray, " n"], score: Num[np.ndarray, " n"]) -> Float[np.ndarray, " thresholds"]:
    """Distinct scores of the rows with the finding, highest first.

    No other threshold can be better: it flags as many rows with the finding as the next one up, and at least as
    many without.
    """
    return np.asarray(np.unique(score[truth].astype(float))[::-1])


def flags(
    truth: Bool[np.ndarray, " n"], score: Num[np.ndarray, " n"], *, thresholds: Float[np.ndarray, " thresholds"]
) -> Flags:
    """Return what each threshold flags of all rows, in one line."""
    columns = _columns(truth, score, thresholds)
    return _flags(np.asarray(columns.sum(axis=0), dtype=float)[None], thresholds)


def resampled_flags(
    truth: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    thresholds: Float[np.ndarray, " thresholds"],
    cluster: Shaped[np.ndarray, " n"] | None,
    stratified: bool,
    rng: np.random.Generator,
    resamples: int,
) -> Flags:
    """Return what each threshold flags of each resample; arguments as `resample_totals`.

    Raises:
        InputError: As `resample_totals`; or, stratified, fewer than 2 clusters have a class, so that it never varies.
    """
    if stratified:
        number = number_clusters(cluster, rows=truth.size)
        fewest = min(np.unique(number[kind]).size for kind in (truth, ~truth))
        if fewest < 2:
            raise InputError(
                f"bootstrap is undefined: expected at least 2 clusters with and as many without the finding, found "
                f"{fewest}"
            )
    totals = resample_totals(
        _columns(truth, score, thresholds),
        truth,
        cluster=cluster,
        stratified=stratified,
        rng=rng,
        resamples=resamples,
    )
    return _flags(totals, thresholds)


def lookup(
    level: Float[np.ndarray, "draws thresholds"], grid: Float[np.ndarray, " points"], *, side: str
) -> Shaped[np.ndarray, "draws points"]:
    """`np.searchsorted` of the grid in each (rising, within [0, 1]) line of `level`; values 1e-9 apart are equal."""
    offset = 2.0 * np.arange(len(level))[:, None]
    nudge = 1e-9 if side == "right" else -1e-9
    place = np.searchsorted((level + offset).ravel(), (grid + nudge + offset).ravel())
    return np.asarray(place.reshape(len(level), grid.size) - level.shape[1] * np.arange(len(level))[:, None])


def check_grid(grid: Float[np.ndarray, " points"], *, name: str) -> None:
    """Points of a curve lie in [0, 1] and rise.

    Raises:
        InputError: They do not, or there are none.
    """
    if grid.ndim != 1 or not grid.size or not ((grid >= 0) & (grid <= 1)).all() or (np.diff(grid) <= 0).any():
        raise InputError(f"expected rising {name} in [0, 1], found {grid}")


def _columns(
    truth: Bool[np.ndarray, " n"], score: Num[np.ndarray, " n"], thresholds: Float[np.ndarray, " thresholds"]
) -> Any:
    """One entry a row, at the highest threshold that flags it (a last place where none does); negatives apart."""
    from scipy.sparse import csr_array

    place = thresholds.size - np.searchsorted(thresholds[::-1], score, side="right")
    column = place + np.where(truth, 0, thresholds.size + 1)
    entries = np.ones(truth.size), (np.arange(truth.size), column)
    return csr_array(entries, shape=(truth.size, 2 * thresholds.size + 2))


def _flags(totals: Float[np.ndarray, "draws columns"], thresholds: Float[np.ndarray, " thresholds"]) -> Flags:
    found, alarms = (np.cumsum(half, axis=1) for half in np.split(totals, 2, axis=1))
    count = thresholds.size
    return Flags(
        found=found[:, :count], alarms=alarms[:, :count], positives=found[:, count:], negatives=alarms[:, count:]
    )
