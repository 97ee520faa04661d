"""The same measures in every subgroup: gaps to everyone else, many comparisons paid for, and "too few to say"."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Num, Shaped

from pneumoscope.core import InputError
from pneumoscope.stats.bootstrap import RESAMPLES, describe, estimate_within, resample_totals
from pneumoscope.stats.distributions import normal_tail, two_sided
from pneumoscope.stats.estimates import Auroc, Difference, Estimate, Proportion
from pneumoscope.stats.multiplicity import holm
from pneumoscope.stats.proportions import sensitivity, specificity
from pneumoscope.stats.roc import auroc, auroc_clustered, auroc_gap
from pneumoscope.stats.validation import check_both_classes, check_probability, number_clusters

FEWEST = 10
_GAPS = ("auroc_gap", "sensitivity_gap", "specificity_gap")
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Subgroup:
    """One subgroup; a measure is None where it was not asked for, or too few patients have the class that it needs.

    Attributes:
        name: Of the subgroup.
        n: Its rows, `positives` of them with the finding, from `patients` clusters.
        too_few: Why measures are missing, in words; None where none is.
        auroc_gap: Area here less that of all other rows; likewise the two others. None also where the other rows
            are too few, or the gap has no variance. Their p-values are adjusted for all gaps of the table.
    """

    name: str
    n: int
    positives: int
    patients: int
    too_few: str | None
    auroc: Auroc | None = None
    sensitivity: Proportion | None = None
    specificity: Proportion | None = None
    auroc_gap: Difference | None = None
    sensitivity_gap: Difference | None = None
    specificity_gap: Difference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubgroupTable:
    """All subgroups of one factor, by name.

    Attributes:
        sensitivity_spread: Highest less lowest among subgroups with enough patients: 0 is equal opportunity. The
            spread of samples exceeds that of populations, more so with many small subgroups; the interval is therefore
            the spread plus and minus what the rates may be off (it errs on the wide side), and starts at 0 where these
            rows don't show any. None with fewer than 2, or where no resample differs.
        specificity_spread: Likewise; both 0 is equalised odds.
        threshold: Rows with score >= threshold are flagged.
        fewest: Patients of a class below which nothing is said.
    """

    subgroups: tuple[Subgroup, ...]
    sensitivity_spread: Estimate | None
    specificity_spread: Estimate | None
    threshold: float
    fewest: int


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """What all parts of the table share."""

    truth: Bool[np.ndarray, " n"]
    score: Num[np.ndarray, " n"]
    group: Int[np.ndarray, " n"]
    patient: Int[np.ndarray, " n"]
    cluster: Shaped[np.ndarray, " n"] | None
    areas: bool
    threshold: float
    level: float

    def mine(self, inside: Bool[np.ndarray, " n"]) -> Shaped[np.ndarray, " inside"] | None:
        """Clusters of some rows; None where every row is its own."""
        return None if self.cluster is None else self.cluster[inside]


def subgroup_table(
    truth: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    group: Shaped[np.ndarray, " n"],
    threshold: float,
    rng: np.random.Generator,
    cluster: Shaped[np.ndarray, " n"] | None = None,
    areas: bool = True,
    fewest: int = FEWEST,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> SubgroupTable:
    """AUROC, sensitivity and specificity of each subgroup, and its gap to all other rows.

    A gap's interval is for that gap alone; its p-value is of the same (normal) distribution, then adjusted for all
    gaps of the table (Holm).

    Args:
        truth: Which rows have the finding.
        score: Probabilities.
        group: Name of each row's subgroup; rows without one are left out beforehand, or named.
        threshold: Rows with score >= threshold are flagged.
        rng: Drives the bootstrap of patients.
        cluster: Patient of each row; a patient may be in several subgroups (PA and AP views).
        areas: Whether AUROCs are given too; False where the scores are answers, 0 or 1. What is not given counts in
            no adjustment.
        fewest: Patients of a class that a measure needs, at least 2.
        level: Of the intervals.
        resamples: Number of draws.

    Raises:
        InputError: A score is out of range, truth has one class, `fewest` is below 2, or the groups don't fit.

    Source:
        Hardt, Price and Srebro, NeurIPS 2016, p. 3315 (equalised odds); Holm, Scandinavian Journal of Statistics
        6(2), 1979, p. 65.
    """
    check_both_classes(truth, measure="subgroup table")
    check_probability(score, rows=truth.size, measure="subgroup table")
    if group.shape != truth.shape:
        raise InputError(f"expected {truth.size} subgroups, one a row, found shape {group.shape}")
    if fewest < 2:
        raise InputError(f"expected at least 2 patients as the fewest of a class, found {fewest}")
    names, number = np.unique(group, return_inverse=True)
    patient = number_clusters(cluster, rows=truth.size)
    rows = _Rows(truth, score, number, patient, cluster, areas, threshold, level)
    rates = _resampled_rates(rows, rng=rng, resamples=resamples)
    method = describe(cluster, resamples=resamples, stratified=True)
    subgroups = [
        _with_gaps(
            rows,
            _subgroup(rows, index, name=str(name), fewest=fewest),
            index,
            rates=rates,
            fewest=fewest,
            method=method,
        )
        for index, name in enumerate(names)
    ]
    spreads = {
        f"{measure}_spread": _spread(
            rows, pair, [getattr(row, measure) is not None for row in subgroups], method=method
        )
        for measure, pair in rates.items()
    }
    return SubgroupTable(subgroups=_adjusted(subgroups), threshold=threshold, fewest=fewest, **spreads)


def _resampled_rates(
    rows: _Rows, *, rng: np.random.Generator, resamples: int
) -> dict[str, tuple[Float[np.ndarray, "2 groups"], Float[np.ndarray, "2 draws groups"]]]:
    """Sensitivity and specificity inside and outside of each group: of all rows, and of each resample."""
    flagged, groups = rows.score >= rows.threshold, np.eye(int(rows.group.max()) + 1)[rows.group]
    rates = {}
    for measure, right, among in (("sensitivity", flagged, rows.truth), ("specificity", ~flagged, ~rows.truth)):
        columns = np.concatenate([groups * kept[:, None] for kept in (right & among, among)], axis=1)
        totals = resample_totals(
            columns, rows.truth, cluster=rows.cluster, stratified=True, rng=rng, resamples=resamples
        )
        rates[measure] = _rates(columns.sum(axis=0)[None])[:, 0], _rates(totals)
    return rates


def _rates(totals: Float[np.ndarray, "draws columns"]) -> Float[np.ndarray, "2 draws groups"]:
    """Rates inside and outside of each group; NaN where a resample has no row."""
    right, among = np.split(totals, 2, axis=1)
    outside = right.sum(axis=1, keepdims=True) - right, among.sum(axis=1, keepdims=True) - among
    with np.errstate(invalid="ignore"):
        return np.stack([right / among, outside[0] / outside[1]])


def _subgroup(rows: _Rows, index: int, *, name: str, fewest: int) -> Subgroup:
    """Return the measures of the group itself."""
    inside = rows.group == index
    truth, score, patient = rows.truth[inside], rows.score[inside], rows.patient[inside]
    ill, well = np.unique(patient[truth]).size, np.unique(patient[~truth]).size
    few = [
        f"{count} patients {kind} the finding, fewer than {fewest}"
        for count, kind in ((ill, "with"), (well, "without"))
        if count < fewest
    ]
    cluster = rows.mine(inside)
    at: dict[str, Any] = {"threshold": rows.threshold, "cluster": cluster, "level": rows.level}
    return Subgroup(
        name=name,
        n=truth.size,
        positives=int(truth.sum()),
        patients=np.unique(patient).size,
        too_few="; ".join(few) or None,
        auroc=None if few or not rows.areas else _area(truth, score, cluster=cluster, level=rows.level),
        sensitivity=sensitivity(truth, score, **at) if ill >= fewest else None,
        specificity=specificity(truth, score, **at) if well >= fewest else None,
    )


def _area(
    truth: Bool[np.ndarray, " n"],
    score: Num[np.ndarray, " n"],
    *,
    cluster: Shaped[np.ndarray, " n"] | None,
    level: float,
) -> Auroc:
    return (
        auroc(truth, score, level=level)
        if cluster is None
        else auroc_clustered(truth, score, cluster=cluster, level=level)
    )


def _with_gaps(
    rows: _Rows,
    row: Subgroup,
    index: int,
    *,
    rates: Mapping[str, tuple[Float[np.ndarray, "2 groups"], Float[np.ndarray, "2 draws groups"]]],
    fewest: int,
    method: str,
) -> Subgroup:
    """Return the group with its gaps to all other rows, p-values not adjusted yet."""
    inside = rows.group == index
    others = {
        "sensitivity": np.unique(rows.patient[~inside & rows.truth]).size >= fewest,
        "specificity": np.unique(rows.patient[~inside & ~rows.truth]).size >= fewest,
    }
    gaps: dict[str, Any] = {}
    for measure, (value, values) in rates.items():
        if getattr(row, measure) is not None and others[measure]:
            change = values[0, :, index] - values[1, :, index]
            gaps[f"{measure}_gap"] = _gap(float(value[0, index] - value[1, index]), change, rows=rows, method=method)
    if row.auroc is not None and all(others.values()):
        with suppress(InputError):  # both areas are perfect
            gaps["auroc_gap"] = auroc_gap(rows.truth, rows.score, inside=inside, cluster=rows.cluster, level=rows.level)
    return replace(row, **gaps)


def _gap(value: float, change: Float[np.ndarray, " draws"], *, rows: _Rows, method: str) -> Difference | None:
    """Return the gap with its normal interval and p-value, which agree; None where resamples don't differ.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.2 (standard normal interval).
    """
    error = float(np.nanstd(change))
    if error < _ROUNDING:
        return None
    half = two_sided(rows.level) * error
    return Difference(
        value=value,
        low=max(value - half, -1.0),
        high=min(value + half, 1.0),
        level=rows.level,
        n=rows.truth.size,
        positives=int(rows.truth.sum()),
        method=f"{method}, normal interval",
        p_value=2 * normal_tail(abs(value) / error),
    )


def _spread(
    rows: _Rows,
    rates: tuple[Float[np.ndarray, "2 groups"], Float[np.ndarray, "2 draws groups"]],
    enough: list[bool],
    *,
    method: str,
) -> Estimate | None:
    """Highest less lowest rate among groups with enough patients."""
    if sum(enough) < 2:
        return None
    measured, values = rates[0][0, enough], rates[1][0][:, enough]
    # The spread is off by no more than the rates' errors are apart.
    off = np.ptp(values[np.isfinite(values).all(axis=1)] - measured, axis=1)
    value, margin = float(np.ptp(measured)), float(np.quantile(off, rows.level))
    if margin < _ROUNDING:
        return None
    method += ", plus and minus the range of the rates' deviations"
    bounds = max(value - margin, 0.0), min(value + margin, 1.0)
    return estimate_within(value, bounds, truth=rows.truth, level=rows.level, method=method)


def _adjusted(subgroups: list[Subgroup]) -> tuple[Subgroup, ...]:
    """Return the subgroups with p-values by Holm; of two, whose gaps mirror each other, one counts."""
    keys = [
        (index, gap)
        for index, row in enumerate(subgroups[: 1 if len(subgroups) == 2 else None])
        for gap in _GAPS
        if getattr(row, gap) is not None
    ]
    raw = np.array([getattr(subgroups[index], gap).p_value for index, gap in keys])
    changes: list[dict[str, Any]] = [{} for _ in subgroups]
    for (index, gap), p_value in zip(keys, holm(raw).tolist(), strict=True):
        for place in range(2) if len(subgroups) == 2 else (index,):
            if (found := getattr(subgroups[place], gap)) is not None:
                changes[place][gap] = replace(found, p_value=p_value)
    return tuple(replace(row, **change) for row, change in zip(subgroups, changes, strict=True))
