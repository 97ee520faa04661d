"""The numbers of a reader study: multi-reader analyses, F1 against the other readers, and agreement."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Bool

from pneumoscope import stats
from pneumoscope.core import InputError
from pneumoscope.evaluation.numbers import Leaf, Node, NotEstimable, Number, Tree, estimate
from pneumoscope.evaluation.readers.table import Ratings, key_of
from pneumoscope.stats import MrmcAnalysis, MrmcDifference, MrmcMean

# Ratings with at most so many different values are an ordinal scale, for which weighted kappa means something.
_MOST_GRADES = 11
_ANALYSES = ("readers_and_cases", "cases", "readers")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySettings:
    """How a reader study is analysed; all of it goes into the evidence.

    Attributes:
        threshold: A reader flags a case where rating >= threshold; None where ratings are 0 or 1, or to leave out what
            needs flags.
        model_threshold: Likewise for the model.
        covariance: Of readers' figures by the cases: "delong" or "jackknife".
        level: Confidence of every interval.
        resamples: Of the F1 protocol's bootstrap.
        seed: Of the bootstrap.
    """

    threshold: float | None = None
    model_threshold: float | None = None
    covariance: str = "delong"
    level: float = 0.95
    resamples: int = 10_000
    seed: int = 0


def analyse(ratings: Ratings, *, settings: StudySettings) -> Tree:
    """Return every number of the study, as the group `readers` of its evidence."""
    flagged = _flagged(ratings, settings)
    found: dict[str, Node] = {
        "design": _design(ratings, settings),
        "tests": {
            key_of(test): _test(ratings, place, flagged=flagged, settings=settings)
            for place, test in enumerate(ratings.tests)
        },
    }
    if len(ratings.tests) > 1:
        found["mrmc"] = _mrmc(ratings, settings, flags=flagged is not None)
        found["dbm"] = _dbm(ratings)
    if ratings.model is not None:
        found["f1"] = _f1(ratings, flagged, settings)
    return found


def _flagged(ratings: Ratings, settings: StudySettings) -> Bool[np.ndarray, "tests readers cases"] | None:
    """Return what each reader flags; None where ratings are graded and no threshold says."""
    threshold = 0.5 if settings.threshold is None and ratings.is_binary else settings.threshold
    return None if threshold is None else np.asarray(ratings.rating >= threshold)


def _design(ratings: Ratings, settings: StudySettings) -> Tree:
    return {
        "tests": ", ".join(ratings.tests),
        "readers": len(ratings.readers),
        "cases": len(ratings.cases),
        "positives": int(ratings.truth.sum()),
        "patients": int(np.unique(ratings.patient).size),
        "ratings": "yes or no" if ratings.is_binary else f"{np.unique(ratings.rating).size} different values",
        "threshold": "none" if settings.threshold is None else settings.threshold,
    }


def _test(
    ratings: Ratings, place: int, *, flagged: Bool[np.ndarray, "tests readers cases"] | None, settings: StudySettings
) -> Tree:
    """Return each reader's figures with one test, and the readers' agreement."""
    options: dict[str, Any] = {"cluster": ratings.patient, "level": settings.level}
    readers: dict[str, Node] = {}
    for reader, name in enumerate(ratings.readers):
        rating = ratings.rating[place, reader]
        figures: dict[str, Node] = {"auroc": estimate(lambda: stats.auroc_clustered(ratings.truth, rating, **options))}  # noqa: B023
        if flagged is not None:
            flags = flagged[place, reader].astype(float)
            for figure, measure in (("sensitivity", stats.sensitivity), ("specificity", stats.specificity)):
                figures[figure] = estimate(lambda: measure(ratings.truth, flags, threshold=0.5, **options))  # noqa: B023
        readers[key_of(name)] = figures
    agreement: dict[str, Node] = {}
    if flagged is not None:
        agreement["fleiss"] = estimate(lambda: stats.fleiss_kappa(flagged[place], level=settings.level))
        agreement["cohen"] = dict(_pairs(ratings, flagged[place], weights="none", options=options))
    if 2 < np.unique(ratings.rating).size <= _MOST_GRADES:
        agreement["weighted"] = dict(_pairs(ratings, ratings.rating[place], weights="quadratic", options=options))
    return {"readers": readers, **({"agreement": agreement} if agreement else {})}


def _pairs(
    ratings: Ratings, values: np.ndarray, *, weights: Any, options: dict[str, Any]
) -> Iterator[tuple[str, Leaf]]:
    """Yield Cohen's kappa of each pair of readers."""
    for one, two in combinations(range(len(ratings.readers)), 2):
        name = f"{key_of(ratings.readers[one])} and {key_of(ratings.readers[two])}"
        yield name, estimate(lambda: stats.cohen_kappa(values[one], values[two], weights=weights, **options))  # noqa: B023


def _mrmc(ratings: Ratings, settings: StudySettings, *, flags: bool) -> Tree:
    found: dict[str, Node] = {}
    threshold = 0.5 if settings.threshold is None else settings.threshold
    for figure in ("auroc", "sensitivity", "specificity") if flags else ("auroc",):
        options: dict[str, Any] = {"figure": figure, "covariance": settings.covariance, "level": settings.level}
        if figure != "auroc":
            options["threshold"] = threshold
        try:
            study = stats.mrmc(ratings.truth, ratings.rating, names=ratings.tests, **options)
        except InputError as error:
            found[figure] = NotEstimable(str(error))
            continue
        found[figure] = {name: _analysis(getattr(study, name), ratings) for name in _ANALYSES} | {
            "components": {
                name: getattr(study.components, name)
                for name in ("reader", "test_reader", "cov1", "cov2", "cov3", "error")
            }
        }
    return found


def _analysis(found: MrmcAnalysis, ratings: Ratings) -> Tree:
    own: dict[str, Node] = {}
    for one in found.reader_differences:
        assert one.reader is not None
        own.setdefault(key_of(ratings.readers[one.reader]), {})[_pair(one)] = _number(one, found, ratings)  # type: ignore[index]
    return {
        "generalises_to": found.generalises_to,
        "statistic": found.statistic,
        "df": found.df[0],
        "df_error": "infinite" if np.isinf(found.df[1]) else found.df[1],
        "p_value": found.p_value,
        "means": {key_of(one.test): _number(one, found, ratings) for one in found.means},
        "differences": {_pair(one): _number(one, found, ratings) for one in found.differences},
        **({"of_each_reader": own} if own else {}),
    }


def _pair(one: MrmcDifference) -> str:
    return f"{key_of(one.first)} less {key_of(one.second)}"


def _number(one: MrmcMean | MrmcDifference, found: MrmcAnalysis, ratings: Ratings) -> Number:
    distribution = "normal" if np.isinf(one.df) else f"Student's t, {one.df:.1f} df"
    return Number(
        value=one.value,
        low=one.low,
        high=one.high,
        level=one.level,
        n=len(ratings.cases),
        positives=int(ratings.truth.sum()),
        method=f"Obuchowski-Rockette, for other {found.generalises_to}, {distribution} (Hillis)",
        p_value=one.p_value if isinstance(one, MrmcDifference) else None,
    )


def _dbm(ratings: Ratings) -> Node:
    try:
        found = stats.dbm(ratings.truth, ratings.rating, names=ratings.tests)
    except InputError as error:
        return NotEstimable(str(error))
    return {
        "statistic": found.statistic,
        "df": found.df[0],
        "df_error": "infinite" if np.isinf(found.df[1]) else found.df[1],
        "p_value": found.p_value,
    }


def _f1(ratings: Ratings, flagged: Bool[np.ndarray, "tests readers cases"] | None, settings: StudySettings) -> Node:
    """Return the CheXNet paper's protocol with each test's readings."""
    assert ratings.model is not None
    if flagged is None:
        return NotEstimable("ratings are graded: expected a threshold from which on a reader flags a case")
    binary = np.isin(ratings.model, (0.0, 1.0)).all()
    threshold = 0.5 if settings.model_threshold is None and binary else settings.model_threshold
    if threshold is None:
        return NotEstimable("the model's ratings are graded: expected a threshold from which on it flags a case")
    model = np.asarray(ratings.model >= threshold)
    found: dict[str, Node] = {}
    for place, test in enumerate(ratings.tests):
        rng = np.random.default_rng([settings.seed, place])
        try:
            one = stats.reader_f1(
                flagged[place],
                model,
                rng=rng,
                cluster=ratings.patient,
                level=settings.level,
                resamples=settings.resamples,
            )
        except InputError as error:
            found[key_of(test)] = NotEstimable(str(error))
            continue
        found[key_of(test)] = {
            "model": estimate(lambda: one.model),  # noqa: B023
            "readers_mean": estimate(lambda: one.readers_mean),  # noqa: B023
            "difference": estimate(lambda: one.difference),  # noqa: B023
            "readers": {
                key_of(name): estimate(lambda: value)  # noqa: B023
                for name, value in zip(ratings.readers, one.readers, strict=True)
            },
        }
    return found
