"""Records of a multi-reader multi-case analysis."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """What makes readers' figures vary; analysis-of-variance estimates, which can be negative.

    Attributes:
        reader: Variance between readers, alike with every test.
        test_reader: Variance of how much a reader gains from a test.
        cov1: Covariance, by the cases, of one reader's figures with two tests.
        cov2: Of two readers' figures with one test.
        cov3: Of two readers' figures with two tests.
        error: Variance, by the cases, of one figure.
        cases: In the study that they come from; covariances are inversely proportional to it.
    """

    reader: float
    test_reader: float
    cov1: float
    cov2: float
    cov3: float
    error: float
    cases: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MrmcMean:
    """Mean figure of all readers with one test."""

    test: str
    value: float
    low: float
    high: float
    level: float
    standard_error: float
    df: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MrmcDifference:
    """Mean figure with the first test less that with the second; `reader` is None where it is all readers' mean."""

    first: str
    second: str
    reader: int | None
    value: float
    low: float
    high: float
    level: float
    standard_error: float
    df: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MrmcAnalysis:
    """One way to generalise: the test that all means are equal, the pairs, and each mean.

    Attributes:
        generalises_to: "readers and cases", "cases" or "readers"; what is not named is only the study's own.
        statistic: F, or chi-square over its degrees of freedom where the readers are fixed.
        df: Numerator and denominator; the latter infinite for chi-square.
        reader_differences: Each reader by itself, where the readers are fixed; else empty.
    """

    generalises_to: str
    statistic: float
    df: tuple[float, float]
    p_value: float
    differences: tuple[MrmcDifference, ...]
    means: tuple[MrmcMean, ...]
    reader_differences: tuple[MrmcDifference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mrmc:
    """The whole study.

    Attributes:
        values: Figure of each test (row) and reader (column).
        mean_squares: Of the analysis of variance of `values`: tests, readers, their interaction.
        readers_and_cases: The analysis for a claim about the tool; the other two are narrower.
    """

    figure: str
    covariance: str
    values: Float[np.ndarray, "tests readers"]
    mean_squares: tuple[float, float, float]
    components: Components
    readers_and_cases: MrmcAnalysis
    cases: MrmcAnalysis
    readers: MrmcAnalysis
