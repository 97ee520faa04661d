"""The questions that a label answers, as rows and truth; and how well one factor alone would answer them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from scipy.stats import rankdata
from scipy.stats.contingency import chi2_contingency

# Fewer images of either class than this and a share says nothing.
FEWEST = 20


@dataclass(frozen=True, slots=True, eq=False)
class Contrast:
    """A yes-or-no label over some of the rows (positions in the table)."""

    name: str
    rows: Bool[np.ndarray, " n"]
    truth: Bool[np.ndarray, " n"]


def contrasts(table: pd.DataFrame, label: str) -> Iterator[Contrast]:
    """The label; the label against No Finding; RSNA's radiologists: those that have enough of both classes."""
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


def beyond_chance(truth: Bool[np.ndarray, " n"], area: float) -> bool:
    """Whether an AUROC lies more than three of its standard errors under no association from one half.

    Source:
        Mann H., Whitney D., Annals of Mathematical Statistics 18, 1947, p. 50: variance of U.
    """
    positives = int(truth.sum())
    deviation = np.sqrt((truth.size + 1) / (12 * positives * (truth.size - positives)))
    return bool(abs(area - 0.5) > 3 * deviation)


def auroc(truth: Bool[np.ndarray, " n"], score: Float[np.ndarray, " n"]) -> float:
    """Probability that a positive scores above a negative, ties one half (Mann-Whitney)."""
    positives = int(truth.sum())
    ranks = rankdata(score)[truth].sum()
    return float((ranks - positives * (positives + 1) / 2) / (positives * (truth.size - positives)))
