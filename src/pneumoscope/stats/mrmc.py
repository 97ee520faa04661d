"""Multi-reader multi-case analysis: do readers do better with one test (say, the tool) than with another?

The method of Obuchowski and Rockette with Hillis' degrees of freedom, for a factorial study: every reader reads every
case with every test. It generalises to other readers and cases, to other cases only, or to other readers only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Num

from pneumoscope.core import InputError
from pneumoscope.stats.distributions import t_quantile, t_tail
from pneumoscope.stats.mrmc_records import Components, Mrmc, MrmcAnalysis, MrmcDifference, MrmcMean
from pneumoscope.stats.reader_figures import Figure, check_readings, covariance_of, reader_figures
from pneumoscope.stats.validation import check_share


@dataclass(frozen=True, slots=True, eq=False)
class _Study:
    """The figures and what the analyses share; covariances by test (mean over readers) and by reader (over tests)."""

    names: Sequence[str]
    values: Float[np.ndarray, "tests readers"]
    squares: tuple[float, float, float]
    components: Components
    test_error: Float[np.ndarray, " tests"]
    test_cov2: Float[np.ndarray, " tests"]
    reader_error: Float[np.ndarray, " readers"]
    reader_cov1: Float[np.ndarray, " readers"]
    level: float


def mrmc(
    truth: Bool[np.ndarray, " cases"],
    rating: Num[np.ndarray, "tests readers cases"],
    *,
    names: Sequence[str],
    figure: Figure = "auroc",
    threshold: float | None = None,
    covariance: Literal["delong", "jackknife"] = "delong",
    level: float = 0.95,
) -> Mrmc:
    """Compare readers' mean figure between tests, three ways.

    Args:
        truth: Which cases have the finding; a case is a patient.
        rating: Higher is more suspicious; nothing missing.
        names: Of the tests, such as ("without", "with").
        figure: "auroc", or "sensitivity" or "specificity" of rating >= threshold.
        threshold: For those two.
        covariance: How the cases' share in the variance is estimated.
        level: Of the intervals.

    Raises:
        InputError: Ratings are missing or don't fit, there are fewer than 2 tests, readers or cases of a class, or
            all figures are alike.

    Source:
        Obuchowski and Rockette, Communications in Statistics 24(2), 1995, p. 285; Hillis, Statistics in Medicine
        26(3), 2007, p. 596 (degrees of freedom), and 33(2), 2014, p. 330 (one mean, fixed readers, fixed cases).
    """
    check_share(level, name="level")
    check_readings(truth, rating, names=names)
    values, parts = reader_figures(truth, rating, figure=figure, threshold=threshold)
    study = _study(values, covariance_of(values, parts, method=covariance), names=names, cases=truth.size, level=level)
    return Mrmc(
        figure=figure,
        covariance=covariance,
        values=values,
        mean_squares=study.squares,
        components=study.components,
        readers_and_cases=_random_readers_and_cases(study),
        cases=_fixed_readers(study),
        readers=_fixed_cases(study),
    )


def _study(
    values: Float[np.ndarray, "tests readers"],
    covariance: Float[np.ndarray, "tests readers tests readers"],
    *,
    names: Sequence[str],
    cases: int,
    level: float,
) -> _Study:
    tests, readers = values.shape
    rows, columns = values.mean(axis=1), values.mean(axis=0)
    between_tests = readers * float(rows.var(ddof=1))
    between_readers = tests * float(columns.var(ddof=1))
    rest = values - rows[:, None] - columns + values.mean()
    interaction = float((rest**2).sum()) / ((tests - 1) * (readers - 1))
    # One line a pair of tests, one column a pair of readers.
    pairs = np.einsum("isjt->ijst", covariance)
    own = np.einsum("iiss->is", pairs)
    same_reader = np.einsum("ijss->s", pairs)
    same_test = np.einsum("iist->i", pairs)
    reader_cov1 = (same_reader - own.sum(axis=0)) / (tests * (tests - 1))
    test_cov2 = (same_test - own.sum(axis=1)) / (readers * (readers - 1))
    cov1, cov2, error = float(reader_cov1.mean()), float(test_cov2.mean()), float(own.mean())
    all_others = pairs.sum() - same_reader.sum() - same_test.sum() + own.sum()
    cov3 = float(all_others) / (tests * (tests - 1) * readers * (readers - 1))
    if error <= 0:
        raise InputError("multi-reader analysis is undefined: no reader's figure varies with the cases")
    components = Components(
        reader=(between_readers - interaction) / tests - cov1 + cov3,
        test_reader=interaction - error + cov1 + (cov2 - cov3),
        cov1=cov1,
        cov2=cov2,
        cov3=cov3,
        error=error,
        cases=cases,
    )
    squares = between_tests, between_readers, interaction
    return _Study(names, values, squares, components, own.mean(axis=1), test_cov2, own.mean(axis=0), reader_cov1, level)


def _random_readers_and_cases(study: _Study) -> MrmcAnalysis:
    tests, readers = study.values.shape
    common = readers * max(study.components.cov2 - study.components.cov3, 0.0)
    interaction = study.squares[2]
    square = interaction + common
    df = square**2 / (interaction**2 / ((tests - 1) * (readers - 1))) if interaction > 0 else np.inf
    reader_squares = study.values.var(axis=1, ddof=1)
    mean_squares = reader_squares + readers * np.maximum(study.test_cov2, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_df = mean_squares**2 / (reader_squares**2 / (readers - 1))
    mean_df[reader_squares == 0] = np.inf
    return _analysis(
        study,
        generalises_to="readers and cases",
        square=square,
        df=df,
        mean_errors=np.sqrt(mean_squares / readers),
        mean_df=mean_df,
    )


def _fixed_readers(study: _Study) -> MrmcAnalysis:
    readers = study.values.shape[1]
    parts = study.components
    square = parts.error - parts.cov1 + (readers - 1) * max(parts.cov2 - parts.cov3, 0.0)
    mean_variance = (study.test_error + (readers - 1) * np.maximum(study.test_cov2, 0)) / readers
    errors = np.sqrt(np.maximum(2 * (study.reader_error - study.reader_cov1), 0))
    own = tuple(
        _difference(study, first, second, reader=reader, error=float(errors[reader]), df=np.inf)
        for reader in range(readers)
        for first, second in combinations(range(len(study.names)), 2)
    )
    return _analysis(
        study,
        generalises_to="cases",
        square=square,
        df=np.inf,
        mean_errors=np.sqrt(mean_variance),
        mean_df=np.full(len(study.names), np.inf),
        own=own,
    )


def _fixed_cases(study: _Study) -> MrmcAnalysis:
    tests, readers = study.values.shape
    return _analysis(
        study,
        generalises_to="readers",
        square=study.squares[2],
        df=float((tests - 1) * (readers - 1)),
        mean_errors=study.values.std(axis=1, ddof=1) / np.sqrt(readers),
        mean_df=np.full(tests, readers - 1.0),
    )


def _analysis(
    study: _Study,
    *,
    generalises_to: str,
    square: float,
    df: float,
    mean_errors: Float[np.ndarray, " tests"],
    mean_df: Float[np.ndarray, " tests"],
    own: tuple[MrmcDifference, ...] = (),
) -> MrmcAnalysis:
    """Return the analysis whose error mean square is `square` with `df` degrees of freedom."""
    from scipy.stats import chi2, f

    if square <= 0:
        raise InputError(f"analysis for other {generalises_to} is undefined: its error variance is {square:.3g}")
    tests, readers = study.values.shape
    statistic = study.squares[0] / square
    if np.isinf(df):
        p_value = float(chi2.sf(statistic * (tests - 1), tests - 1))
    else:
        p_value = float(f.sf(statistic, tests - 1, df))
    error = float(np.sqrt(2 / readers * square))
    return MrmcAnalysis(
        generalises_to=generalises_to,
        statistic=statistic,
        df=(float(tests - 1), float(df)),
        p_value=p_value,
        differences=tuple(
            _difference(study, first, second, reader=None, error=error, df=df)
            for first, second in combinations(range(tests), 2)
        ),
        means=tuple(
            _mean(study, test, error=float(mean_errors[test]), df=float(mean_df[test])) for test in range(tests)
        ),
        reader_differences=own,
    )


def _difference(
    study: _Study, first: int, second: int, *, reader: int | None, error: float, df: float
) -> MrmcDifference:
    change = study.values[first] - study.values[second]
    value = float(change.mean() if reader is None else change[reader])
    half = _quantile(study.level, df) * error
    score = abs(value) / error if error else (np.inf if value else 0.0)
    return MrmcDifference(
        first=study.names[first],
        second=study.names[second],
        reader=reader,
        value=value,
        low=value - half,
        high=value + half,
        level=study.level,
        standard_error=error,
        df=float(df),
        p_value=2 * t_tail(score, df),
    )


def _mean(study: _Study, test: int, *, error: float, df: float) -> MrmcMean:
    value, half = float(study.values[test].mean()), _quantile(study.level, df) * error
    return MrmcMean(
        test=study.names[test],
        value=value,
        low=value - half,
        high=value + half,
        level=study.level,
        standard_error=error,
        df=df,
    )


def _quantile(level: float, df: float) -> float:
    return t_quantile((1 + level) / 2, df)
