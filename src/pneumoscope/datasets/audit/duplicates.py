"""The same film twice: equal files, and images that agree in what is finer than the body's outline.

Chest radiographs are all alike in the large: their 8 x 8 or 16 x 16 difference hashes come as near to each other
between two patients as a film comes to its own copy after a crop. So the smooth part is taken off a 32 x 32 thumbnail
first, and what is left is compared by correlation, every image with every other (one matrix product). ADR 9 has the
measurements behind `SAME_FILM`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float32
from scipy.ndimage import uniform_filter

from pneumoscope.datasets.audit.finding import Finding, Severity
from pneumoscope.datasets.audit.scan import Scan
from pneumoscope.datasets.columns import FINDINGS

# Two images with at least this correlation are one film (ADR 9).
SAME_FILM = 0.95
# Side of the box, in thumbnail pixels, whose mean is taken off: about a lung's width.
_SMOOTH_PX = 7
_BLOCK = 2048
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Rows (positions) of the first and second image of each pair, and their correlation; 1 for equal files."""

    first: np.ndarray
    second: np.ndarray
    correlation: np.ndarray


def duplicate_findings(rows: pd.DataFrame, scan: Scan) -> Iterator[Finding]:
    """Pairs of one film, by what they are worth: across sides of the split first, then two patients, then one."""
    readable = scan.table["problem"].isna().to_numpy()
    shown = readable & ~scan.table["blank"].to_numpy(dtype=bool)
    table = rows[shown].reset_index(drop=True)
    files = scan.table.loc[shown, "sha256"].to_numpy()
    pairs = near_pairs(fingerprints(scan.thumbnails[shown[readable]]))
    exact = files[pairs.first] == files[pairs.second]
    split, patient = (table[name].to_numpy(dtype=object) for name in ("split", "patient_id"))
    sided = pd.notna(split[pairs.first]) & pd.notna(split[pairs.second])
    across = sided & (split[pairs.first] != split[pairs.second])
    two_patients = patient[pairs.first] != patient[pairs.second]
    for chosen, name, severity in (
        (across, "on two sides of the split", Severity.ERROR),
        (~across & two_patients, "under two patients", Severity.ERROR),
        (~across & ~two_patients, "of one patient on one side", Severity.WARNING),
    ):
        if chosen.any():
            yield _finding(table, pairs, chosen, exact, name=name, severity=severity)


def _finding(
    table: pd.DataFrame, pairs: _Pairs, chosen: np.ndarray, exact: np.ndarray, *, name: str, severity: Severity
) -> Finding:
    ids = table["image_id"].to_numpy()
    first, second = pairs.first[chosen], pairs.second[chosen]
    labels = table[list(FINDINGS)].fillna(-1).to_numpy()
    differ = int((labels[first] != labels[second]).any(axis=1).sum())
    correlation = pairs.correlation[chosen]
    shown = ", ".join(f"{ids[a]} = {ids[b]}" for a, b in list(zip(first, second, strict=True))[:_MOST_NAMED])
    more = f" and {len(first) - _MOST_NAMED} more" if len(first) > _MOST_NAMED else ""
    return Finding(
        check="duplicate images",
        severity=severity,
        message=f"{len(first)} pairs of one film {name} ({int(exact[chosen].sum())} of equal files, "
        f"{differ} with unequal labels): {shown}{more}",
        count=len(first),
        images=tuple(dict.fromkeys([*ids[first], *ids[second]])),
        numbers={
            "pairs": [
                {"images": [ids[a], ids[b]], "correlation": round(float(r), 4), "equal_files": bool(same)}
                for a, b, r, same in zip(first, second, correlation, exact[chosen], strict=True)
            ]
        },
    )


def fingerprints(thumbnails: Float32[np.ndarray, "n a b"]) -> Float32[np.ndarray, "n d"]:
    """Thumbnails without what is smooth, each of mean 0 and length 1; a flat one is all 0 and like none."""
    fine = thumbnails - uniform_filter(thumbnails, size=(1, _SMOOTH_PX, _SMOOTH_PX))
    flat = fine.reshape(len(fine), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    unit: Float32[np.ndarray, "n d"] = (flat / np.maximum(length, 1e-6)).astype(np.float32)
    return unit


def near_pairs(prints: Float32[np.ndarray, "n d"], *, least: float = SAME_FILM) -> _Pairs:
    """Every pair with at least the correlation `least`; compares all with all, by blocks."""
    first, second, correlation = [], [], []
    for start in range(0, len(prints), _BLOCK):
        block = prints[start : start + _BLOCK]
        for other in range(start, len(prints), _BLOCK):
            alike = block @ prints[other : other + _BLOCK].T
            a, b = np.nonzero(alike >= least)
            later = a + start < b + other
            first.append(a[later] + start)
            second.append(b[later] + other)
            correlation.append(alike[a[later], b[later]])
    if not first:
        return _Pairs(np.zeros(0, int), np.zeros(0, int), np.zeros(0))
    return _Pairs(np.concatenate(first), np.concatenate(second), np.concatenate(correlation))
