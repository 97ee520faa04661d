"""The questions that a label answers, as rows and truth; and how well one factor alone would answer them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy.stats import rankdata
from scipy.stats.contingency import chi2_contingency

# Fewer images of either class than this and a share says nothing.
FEWEST = 20
_FOLDS = 5
# What a category's rate is drawn towards the mean by: that of so many more rows.
_PRIOR_ROWS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Contrast:
    """A yes-or-no label over some of the rows (positions in the table)."""

    name: str
    rows: Bool[np.ndarray, " n"]
    truth: Bool[np.ndarray, " n"]


def contrasts(table: pd.DataFrame, label: str) -> Iterator[Contrast]:
    """Yield the label; the label against No Finding; RSNA's radiologists: those that have enough of both classes."""
    positive, known = (table[label] == 1).to_numpy(), table[label].notna().to_numpy()
    candidates = [Contrast(label, known, positive)]
    if "no_finding" in table:
        nothing = (table["no_finding"] == 1).to_numpy()
        candidates.append(Contrast(f"{label} against No Finding", known & (positive | nothing), positive))
    if "rsna_opacity" in table:
        read = table["rsna_opacity"].notna().to_numpy()
        candidates.append(Contrast("Lung Opacity (RSNA)", read, (table["rsna_opacity"] == 1).to_numpy()))
    seen: list[Contrast] = []
    for one in candidates:
        if any((one.rows == other.rows).all() and (one.truth == other.truth).all() for other in seen):
            continue  # Kermany: all that is not pneumonia is No Finding
        truth = one.truth[one.rows]
        if min(truth.sum(), (~truth).sum()) >= FEWEST:
            seen.append(one)
            yield one


def cramers_v(counts: Float[np.ndarray, "k m"]) -> float:
    """Association of two classifications from their table of counts, 0 none to 1 complete, corrected for its bias.

    Source:
        Bergsma W., Journal of the Korean Statistical Society 42, 2013, p. 323, equations 2 to 4.
    """
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    n, (rows, columns) = counts.sum(), counts.shape
    if min(rows, columns) < 2:
        return 0.0
    phi2 = chi2_contingency(counts, correction=False).statistic / n
    phi2 = max(0.0, phi2 - (rows - 1) * (columns - 1) / (n - 1))
    least = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    return float(np.sqrt(phi2 / least))


def out_of_fold_rate(
    category: Int[np.ndarray, " n"], truth: Bool[np.ndarray, " n"], *, patient: Int[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Share of positives in each row's category among other patients' rows (`category_rates`).

    By its own rows' share even a category that says nothing would rank positives first. See
    docs/adr/0011-shortcut-floors.md.

    Args:
        category: Numbers from 0.
        truth: Which rows are positive.
        patient: Numbers from 0; the patients of a fold are scored by the others.
    """
    fold = np.random.default_rng(0).permutation(int(patient.max()) + 1)[patient] % _FOLDS
    rate = np.full(truth.size, truth.mean())
    for number in np.unique(fold):
        learn = fold != number
        if learn.any():
            rate[~learn] = category_rates(category, truth, learn=learn)[category[~learn]]
    return rate


def category_rates(
    category: Int[np.ndarray, " n"], truth: Bool[np.ndarray, " n"], *, learn: Bool[np.ndarray, " n"]
) -> Float[np.ndarray, " categories"]:
    """Each category's share of positives among the rows learned from, drawn towards their mean by 20 rows."""
    size = int(category.max()) + 1
    positive, rows = (np.bincount(category[kept], minlength=size) for kept in (learn & truth, learn))
    return np.asarray((positive + _PRIOR_ROWS * truth[learn].mean()) / (rows + _PRIOR_ROWS))


def beyond_chance(
    truth: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"], *, patient: Int[np.ndarray, " n"]
) -> bool:
    """Whether the AUROC lies more than three of its standard errors between patients from one half.

    Source:
        DeLong, DeLong and Clarke-Pearson, Biometrics 44(3), 1988, p. 837, summed by patient as Obuchowski, Biometrics
        53(2), 1997, p. 567.
    """
    placement = _placement(truth, score)
    area, size = placement[truth].mean(), np.where(truth, truth.sum(), (~truth).sum())
    by_patient = np.bincount(patient, weights=(placement - area) / size)
    patients = np.unique(patient).size
    if patients < 2:
        return False
    return bool(abs(area - 0.5) > 3 * np.sqrt(patients / (patients - 1) * (by_patient @ by_patient)))


def auroc(truth: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"]) -> float:
    """Probability that a positive scores above a negative, ties one half (Mann-Whitney)."""
    return float(_placement(truth, score)[truth].mean())


def _placement(truth: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Share of the other class that each row is in order with, ties one half."""
    lower = rankdata(score)
    lower[truth] -= rankdata(score[truth])
    lower[~truth] -= rankdata(score[~truth])
    return np.asarray(np.where(truth, lower / (~truth).sum(), 1 - lower / truth.sum()))
