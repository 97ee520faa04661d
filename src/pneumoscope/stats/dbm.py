"""The method of Dorfman, Berbaum and Metz: analysis of variance of jackknife pseudovalues.

With Hillis' degrees of freedom it gives the same test as `mrmc` with jackknife covariances, by another road; it is
here for studies that were planned or published in its terms.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Num

from pneumoscope.core import InputError
from pneumoscope.stats.reader_figures import check_readings, reader_figures, without_each_case


@dataclass(frozen=True, slots=True, kw_only=True)
class Dbm:
    """Test that all mean areas are equal, for other readers and cases, and the variance components (may be negative).

    Attributes:
        error: Of the three-way interaction and what is left, which one reading a case cannot tell apart.
    """

    statistic: float
    df: tuple[float, float]
    p_value: float
    reader: float
    case: float
    test_reader: float
    test_case: float
    reader_case: float
    error: float


def dbm(
    truth: Bool[np.ndarray, " cases"], rating: Num[np.ndarray, "tests readers cases"], *, names: Sequence[str]
) -> Dbm:
    """Compare readers' mean area under the ROC curve between tests; arguments as `mrmc`.

    Raises:
        InputError: As `mrmc`.

    Source:
        Dorfman, Berbaum and Metz, Investigative Radiology 27(9), 1992, p. 723; Hillis, Berbaum and Metz, Academic
        Radiology 15(5), 2008, p. 647 (normalised pseudovalues, degrees of freedom).
    """
    from scipy.stats import f

    check_readings(truth, rating, names=names)
    values, parts = reader_figures(truth, rating, figure="auroc", threshold=None)
    cases = truth.size
    pseudo = cases * values[..., None] - (cases - 1) * without_each_case(values, parts)
    square = _mean_squares(pseudo + (values - pseudo.mean(axis=2))[..., None])
    tests, readers = values.shape
    denominator = square["tr"] + max(square["tc"] - square["trc"], 0.0)
    if denominator <= 0:
        raise InputError("multi-reader analysis is undefined: no reader's area varies")
    df = denominator**2 / (square["tr"] ** 2 / ((tests - 1) * (readers - 1))) if square["tr"] > 0 else np.inf
    statistic = square["t"] / denominator
    return Dbm(
        statistic=statistic,
        df=(float(tests - 1), float(df)),
        p_value=float(f.sf(statistic, tests - 1, df)),
        reader=(square["r"] - square["tr"] - square["rc"] + square["trc"]) / (tests * cases),
        case=(square["c"] - square["tc"] - square["rc"] + square["trc"]) / (tests * readers),
        test_reader=(square["tr"] - square["trc"]) / cases,
        test_case=(square["tc"] - square["trc"]) / readers,
        reader_case=(square["rc"] - square["trc"]) / tests,
        error=square["trc"],
    )


def _mean_squares(pseudo: Float[np.ndarray, "tests readers cases"]) -> dict[str, float]:
    """Mean squares of the three-way table without replication, by the letters of the factors."""
    axis = {"t": 0, "r": 1, "c": 2}
    effects: dict[str, Float[np.ndarray, "tests readers cases"]] = {"": np.full_like(pseudo, pseudo.mean())}
    squares = {}
    for name in ("t", "r", "c", "tr", "tc", "rc", "trc"):
        others = tuple(axis[letter] for letter in "trc" if letter not in name)
        mean = pseudo.mean(axis=others, keepdims=True) if others else pseudo
        # An effect is its mean less all effects of fewer of its factors.
        inner = sum(effect for known, effect in effects.items() if set(known) < set(name))
        effects[name] = np.broadcast_to(mean, pseudo.shape) - inner
        df = np.prod([pseudo.shape[axis[letter]] - 1 for letter in name])
        squares[name] = float((effects[name] ** 2).sum() / df)
    return squares
