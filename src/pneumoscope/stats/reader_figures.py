"""Figures of merit of many readers on the same cases, and how they covary over the cases."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Num

from pneumoscope.core import InputError
from pneumoscope.stats.roc import structural_components
from pneumoscope.stats.validation import check_both_classes

Figure = Literal["auroc", "sensitivity", "specificity"]


def check_readings(
    truth: Bool[np.ndarray, " cases"], rating: Num[np.ndarray, "tests readers cases"], *, names: Sequence[str]
) -> None:
    """Check that readings are complete: every reader rated every case with every test, of which there are two at least.

    Raises:
        InputError: They are not.
    """
    check_both_classes(truth, measure="multi-reader analysis", least=2)
    if rating.ndim != 3 or rating.shape[2] != truth.size or min(rating.shape[:2]) < 2:
        raise InputError(
            f"multi-reader analysis: expected ratings of at least 2 tests by at least 2 readers of {truth.size} cases, "
            f"found shape {rating.shape}"
        )
    if len(names) != rating.shape[0] or len(set(names)) != len(names):
        raise InputError(f"multi-reader analysis: expected {rating.shape[0]} different test names, found {list(names)}")
    if not np.isfinite(rating).all():
        raise InputError(
            f"multi-reader analysis: expected a rating of every case by every reader with every test, found "
            f"{int((~np.isfinite(rating)).sum())} missing; leave those cases out for everyone"
        )


def reader_figures(
    truth: Bool[np.ndarray, " cases"],
    rating: Num[np.ndarray, "tests readers cases"],
    *,
    figure: Figure,
    threshold: float | None,
) -> tuple[Float[np.ndarray, "tests readers"], list[Float[np.ndarray, "tests readers _"]]]:
    """Each reader's figure with each test, and for each class of cases that it uses, what each case adds to it.

    Raises:
        InputError: The figure is not known, or lacks its threshold or has one that it doesn't use.
    """
    if figure == "auroc":
        if threshold is not None:
            raise InputError(f"expected no threshold for the area under the curve, found {threshold}")
        components = np.apply_along_axis(lambda line: structural_components(truth, line), 2, rating)
        return components[..., truth].mean(axis=2), [components[..., truth], components[..., ~truth]]
    if threshold is None or not np.isfinite(threshold):
        raise InputError(f"{figure}: expected a finite threshold, found {threshold}")
    if figure not in ("sensitivity", "specificity"):
        raise InputError(f"expected auroc, sensitivity or specificity, found {figure}")
    flagged = rating >= threshold
    right = flagged[..., truth] if figure == "sensitivity" else ~flagged[..., ~truth]
    return right.mean(axis=2), [right.astype(float)]


def covariance_of(
    values: Float[np.ndarray, "tests readers"],
    parts: list[Float[np.ndarray, "tests readers _"]],
    *,
    method: Literal["delong", "jackknife"],
) -> Float[np.ndarray, "tests readers tests readers"]:
    """Covariance of all figures over the cases.

    Raises:
        InputError: The method is not known.

    Source:
        DeLong, DeLong and Clarke-Pearson, Biometrics 44(3), 1988, p. 837; jackknife: Efron and Tibshirani, An
        Introduction to the Bootstrap, 1993, section 11.5.
    """
    figures = values.size
    if method == "delong":
        total = sum(np.cov(part.reshape(figures, -1)) / part.shape[2] for part in parts)
    elif method == "jackknife":
        off = without_each_case(values, parts).reshape(figures, -1)
        off = off - off.mean(axis=1, keepdims=True)
        total = (off.shape[1] - 1) / off.shape[1] * (off @ off.T)
    else:
        raise InputError(f"expected covariance by delong or jackknife, found {method}")
    return np.asarray(total).reshape(*values.shape, *values.shape)


def without_each_case(
    values: Float[np.ndarray, "tests readers"], parts: list[Float[np.ndarray, "tests readers _"]]
) -> Float[np.ndarray, "tests readers cases"]:
    """Every figure without each case in turn, class by class; exact, as a figure is linear in each class's cases."""
    return np.concatenate([(part.shape[2] * values[..., None] - part) / (part.shape[2] - 1) for part in parts], axis=2)
