"""Shortcut floors: how well the finding is told without looking at the lungs.

A model that does not clear them has learned nothing of the disease; one that does may still lean on them.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from pneumoscope.core import InputError
from pneumoscope.datasets import patient_numbers
from pneumoscope.datasets.audit import category_rates
from pneumoscope.eda.acquisition import common, size_names, spacing_names
from pneumoscope.eda.groups import SEXES, age_bands, has
from pneumoscope.eda.shift import RELEASES
from pneumoscope.eda.sides import sides
from pneumoscope.stats import Auroc, auroc_clustered

FOLDS = 5
_FORMATS = 20
JOINT = "All of these together"

_Rounds = list[tuple[Bool[np.ndarray, " n"], Bool[np.ndarray, " n"]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """What one variable, or all together, reach."""

    variable: str
    auroc: Auroc


@dataclass(frozen=True, slots=True, kw_only=True)
class Floors:
    """The floors of one label.

    Attributes:
        label: The label, and its release where there are two.
        measured_on: Where scores come from and where they are measured, in words.
        undefined: Variables for which the area is not defined, such as a view that never varies.
    """

    label: str
    measured_on: str
    floors: tuple[Floor, ...]
    undefined: tuple[str, ...]


def floors(manifest: pd.DataFrame, *, finding: str, pixels: pd.DataFrame | None = None) -> tuple[Floors, ...]:
    """Floors of each release of the label: scores fitted on the learning side and measured on the test.

    Where the manifest has no such split, scores are those of `FOLDS` folds by patient. Categories (view, sex, age
    band, size, spacing, source) score by the finding's share in them; numbers (follow-up, and of `pixels`, one row a
    measured image: mean, contrast, sharpness) by themselves, the direction learned. Together: a logistic regression on
    the categories and on tenths of the numbers.

    Args:
        manifest: The images.
        finding: Its label is what is told.
        pixels: Measurements of some images, indexed as the manifest; adds floors on these alone.
    """
    rows = manifest[manifest[finding].notna()]
    columns = {name: column for column, name in RELEASES.items() if finding == "Pneumonia" and has(rows, column)}
    released = rows[rows[list(columns.values())].notna().all(axis=1)] if columns else rows.iloc[:0]
    answers = []
    if len(released):
        answers += _floors(released, finding, truths={name: released[column] for name, column in columns.items()})
    if len(released) < len(rows):
        answers += _floors(rows, finding, truths={f"{finding}, all sources" if columns else finding: rows[finding]})
    if pixels is not None and len(pixels):
        seen = rows.loc[pixels.index.intersection(rows.index)]
        truth = {f"{finding}, images at hand": seen[finding]}
        answers += _floors(seen, finding, truths=truth, pixels=pixels.loc[seen.index])
    return tuple(answer for answer in answers if answer.floors)


def _floors(
    rows: pd.DataFrame, finding: str, *, truths: dict[str, "pd.Series[float]"], pixels: pd.DataFrame | None = None
) -> list[Floors]:
    """Scores learned from the finding's label, measured against each truth."""
    patients = patient_numbers(rows)
    label = (rows[finding] == 1).to_numpy()
    rounds, where = _rounds(rows, patients, images=pixels is not None)
    rounds = [(learn, test) for learn, test in rounds if label[learn].any() and not label[learn].all()]
    if not rounds:
        return []
    measured = np.any([test for _, test in rounds], axis=0)
    scores = _scores(rows, label, rounds=rounds, pixels=pixels)
    answers = []
    for name, labels in truths.items():
        truth = (labels == 1).to_numpy()[measured]
        found, undefined = [], []
        for variable, score in scores.items():
            try:
                area = auroc_clustered(truth, score[measured], cluster=patients[measured])
                found.append(Floor(variable=variable, auroc=area))
            except InputError:
                undefined.append(variable)
        answers.append(Floors(label=name, measured_on=where, floors=tuple(found), undefined=tuple(undefined)))
    return answers


def _rounds(rows: pd.DataFrame, patients: Int[np.ndarray, " n"], *, images: bool) -> tuple[_Rounds, str]:
    """Rows to learn from and rows to score, in each round; and the same in words."""
    split = None if images else sides(rows)
    if split is None:
        fold = np.random.default_rng(0).permutation(patients.max() + 1)[patients] % FOLDS
        words = f"{len(rows):,} images, each scored by a fit on the other {FOLDS - 1} of {FOLDS} folds by patient"
        return [(fold != index, fold == index) for index in range(FOLDS)], words
    test = "official test" if split.column == "official_split" else "test"
    words = f"{test}, {int(split.test.sum()):,} images, scores fitted on the other {int(split.learn.sum()):,}"
    return [(split.learn, split.test)], words


def _scores(
    rows: pd.DataFrame, truth: Bool[np.ndarray, " n"], *, rounds: _Rounds, pixels: pd.DataFrame | None
) -> dict[str, Float[np.ndarray, " n"]]:
    categories, numbers = _categories(rows, images=pixels is not None), _numbers(rows, pixels)
    scores = {name: _by_rate(codes, truth, rounds=rounds) for name, codes in categories.items()}
    scores |= {name: _by_itself(values, truth, rounds=rounds) for name, values in numbers.items()}
    if len(scores) > 1:
        scores[JOINT] = _jointly([*categories.values(), *map(_tenths, numbers.values())], truth, rounds=rounds)
    return scores


def _categories(rows: pd.DataFrame, *, images: bool) -> dict[str, Int[np.ndarray, " n"]]:
    """Variables with more than one value, as codes from 0; null is a value of its own."""
    columns: dict[str, pd.Series | pd.Categorical] = {
        "View": rows["view"],
        "Age": age_bands(rows),
        "Sex": pd.Categorical(rows["sex"], categories=list(SEXES)),
        "Original size": common(size_names(rows), most=_FORMATS),
        "Pixel spacing": common(spacing_names(rows), most=_FORMATS),
        "Source": rows["source"],
    }
    if images and has(rows, "folder"):
        columns["Image folder"] = rows["folder"]
    codes = {name: pd.factorize(values, use_na_sentinel=False)[0] for name, values in columns.items()}
    return {name: values for name, values in codes.items() if values.max(initial=0) > 0}


def _numbers(rows: pd.DataFrame, pixels: pd.DataFrame | None) -> dict[str, Float[np.ndarray, " n"]]:
    """Variables with more than one value, the median in place of null."""
    columns = {"Follow-up number": rows["follow_up"]} if has(rows, "follow_up") else {}
    if pixels is not None:
        columns |= {
            "Mean intensity": pixels["mean"],
            "Contrast": pixels["contrast"],
            "Sharpness": pixels["sharpness"],
            "Flat border": pixels["border"],
            "Bright corners": pixels["corners"],
        }
    filled = {name: values.fillna(values.median()).to_numpy(dtype=float) for name, values in columns.items()}
    return {name: values for name, values in filled.items() if np.ptp(values) > 0}


def _by_rate(
    codes: Int[np.ndarray, " n"], truth: Bool[np.ndarray, " n"], *, rounds: _Rounds
) -> Float[np.ndarray, " n"]:
    """Each row's category's share of positives among the rows learned from."""
    score = np.zeros(truth.size)
    for learn, test in rounds:
        score[test] = category_rates(codes, truth, learn=learn)[codes[test]]
    return score


def _by_itself(
    values: Float[np.ndarray, " n"], truth: Bool[np.ndarray, " n"], *, rounds: _Rounds
) -> Float[np.ndarray, " n"]:
    """Return the number, or less it where positives have the smaller mean among the rows learned from."""
    score = np.zeros(truth.size)
    for learn, test in rounds:
        rises = values[learn & truth].mean() >= values[learn & ~truth].mean()
        score[test] = values[test] if rises else -values[test]
    return score


def _tenths(values: Float[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    edges = np.unique(np.quantile(values, np.arange(1, 10) / 10))
    return np.searchsorted(edges, values, side="right")


def _jointly(
    columns: list[Int[np.ndarray, " n"]], truth: Bool[np.ndarray, " n"], *, rounds: _Rounds
) -> Float[np.ndarray, " n"]:
    """Log odds by a ridge-penalised logistic regression on indicators, fitted on the distinct rows."""
    from scipy.sparse import csr_array
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    sizes = [int(column.max()) + 1 for column in columns]
    keys, row = np.unique(np.ravel_multi_index(columns, sizes), return_inverse=True)
    distinct = np.column_stack(np.unravel_index(keys, sizes))
    first = np.cumsum([0, *sizes])
    entries = (
        np.ones(distinct.size),
        (distinct + first[:-1]).ravel(),
        np.arange(0, distinct.size + 1, distinct.shape[1]),
    )
    indicators = csr_array(entries, shape=(len(distinct), first[-1]))
    score = np.zeros(truth.size)
    for learn, test in rounds:
        positive = np.bincount(row[learn & truth], minlength=len(distinct))
        negative = np.bincount(row[learn & ~truth], minlength=len(distinct))
        weight = np.concatenate([positive, negative])
        used = np.flatnonzero(weight)
        model = LogisticRegression(C=1.0, max_iter=300)
        with threadpool_limits(1, "blas"):  # on so few columns threads wait for each other longer than they work
            model.fit(indicators[used % len(distinct)], used < len(distinct), sample_weight=weight[used])
        score[test] = model.decision_function(indicators)[row[test]]
    return score
