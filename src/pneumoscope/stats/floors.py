"""What needs no image: flagging everyone or no one, and guessing from one category (view, age group, source)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped

from pneumoscope.core import InputError
from pneumoscope.stats.validation import check_both_classes, check_truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """Exact values of a rule that does not look; None where the measure has no denominator."""

    prevalence: float
    sensitivity: float
    specificity: float
    ppv: float | None
    npv: float | None
    accuracy: float
    f1: float


def flag_all(truth: Bool[np.ndarray, " n"]) -> Floor:
    """Every row flagged. Its F1, 2 p / (1 + p) at prevalence p, is the least that a model must beat.

    Raises:
        InputError: Truth has one class.

    Source:
        Lipton, Elkan and Naryanaswamy, ECML PKDD 2014, p. 225 (the best F1 of an uninformative classifier).
    """
    prevalence = _prevalence(truth)
    return Floor(
        prevalence=prevalence,
        sensitivity=1.0,
        specificity=0.0,
        ppv=prevalence,
        npv=None,
        accuracy=prevalence,
        f1=2 * prevalence / (1 + prevalence),
    )


def flag_none(truth: Bool[np.ndarray, " n"]) -> Floor:
    """No row flagged: with a rare finding its accuracy is high, and nothing is found.

    Raises:
        InputError: Truth has one class.

    Source:
        As `flag_all`.
    """
    prevalence = _prevalence(truth)
    return Floor(
        prevalence=prevalence,
        sensitivity=0.0,
        specificity=1.0,
        ppv=None,
        npv=1 - prevalence,
        accuracy=1 - prevalence,
        f1=0.0,
    )


def category_score(
    category: Shaped[np.ndarray, " n"],
    *,
    known_category: Shaped[np.ndarray, " known"],
    known_truth: Bool[np.ndarray, " known"],
) -> Float[np.ndarray, " n"]:
    """Share with the finding among the known rows of each row's category: a score that never saw an image.

    A category that the known rows lack gets the share of all of them. Where the known rows are the scored rows
    themselves the score is a little too good, by about one row a category.

    Raises:
        InputError: There are no known rows, or not one category for each.

    Source:
        Zech et al., PLoS Medicine 15(11), 2018, e1002683 (what view and hospital alone predict).
    """
    check_truth(known_truth, measure="category score")
    if known_category.shape != known_truth.shape:
        raise InputError(f"expected {known_truth.size} known categories, found shape {known_category.shape}")
    names, number = np.unique(known_category, return_inverse=True)
    share = np.bincount(number, weights=known_truth) / np.bincount(number)
    place = np.searchsorted(names, category).clip(max=names.size - 1)
    return np.asarray(np.where(names[place] == category, share[place], known_truth.mean()))


def _prevalence(truth: Bool[np.ndarray, " n"]) -> float:
    check_both_classes(truth, measure="floor")
    return float(truth.mean())
