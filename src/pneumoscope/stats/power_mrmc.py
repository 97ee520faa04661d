"""How many readers and cases a multi-reader study needs."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pneumoscope.core import InputError
from pneumoscope.stats.mrmc_records import Components
from pneumoscope.stats.sample_size import auroc_standard_error, smallest
from pneumoscope.stats.validation import check_share

_ENDLESS = 1_000_000

Generalises = Literal["readers and cases", "cases", "readers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MrmcPower:
    """Power of a planned study with two tests, and what it comes from."""

    power: float
    readers: int
    cases: int
    df: float
    noncentrality: float


def conjectured_components(
    *,
    auroc: float,
    positives: int,
    negatives: int,
    reader_sd: float,
    between_tests: float,
    correlations: tuple[float, float, float],
) -> Components:
    """Components for planning without a pilot study, from what is known of similar ones.

    Args:
        auroc: Readers' mean area.
        positives: Cases with the finding that the correlations and the standard error refer to.
        negatives: Cases without it.
        reader_sd: Standard deviation of readers' true areas with one test.
        between_tests: Correlation of readers' true areas with the two tests.
        correlations: Of figures by the cases: same reader with two tests, two readers with one test, two readers with
            two tests.

    Raises:
        InputError: An argument is out of range, or the correlations don't fall.

    Source:
        Obuchowski, AJR 175(3), 2000, p. 603; Hillis, Obuchowski and Berbaum, Academic Radiology 18(2), 2011, p. 129.
    """
    error = auroc_standard_error(auroc, positives=positives, negatives=negatives, method="obuchowski") ** 2
    first, second, third = correlations
    if not (1 > first >= third >= 0 and 1 > second >= third):
        raise InputError(f"expected correlations of which the third is least, in [0, 1), found {correlations}")
    if reader_sd < 0 or not 0 <= between_tests <= 1:
        raise InputError(
            f"expected a spread of at least 0 and a correlation in [0, 1], found {reader_sd}, {between_tests}"
        )
    return Components(
        reader=between_tests * reader_sd**2,
        test_reader=(1 - between_tests) * reader_sd**2,
        cov1=first * error,
        cov2=second * error,
        cov3=third * error,
        error=error,
        cases=positives + negatives,
    )


def mrmc_power(
    components: Components,
    *,
    difference: float,
    readers: int,
    cases: int,
    generalises_to: Generalises = "readers and cases",
    alpha: float = 0.05,
) -> MrmcPower:
    """Chance that a study of this size finds a true difference of two tests' mean figures, two-sided.

    Cases keep the classes' shares of the study that the components come from.

    Raises:
        InputError: There are fewer than 2 readers or cases, alpha is out of range, or the components leave no error.

    Source:
        Hillis, Obuchowski and Berbaum, Academic Radiology 18(2), 2011, p. 129; Hillis and Schartz, Journal of Medical
        Imaging 5(4), 2018, 045503.
    """
    from scipy.stats import f, ncf

    check_share(alpha, name="alpha")
    if readers < 2 or cases < 2:
        raise InputError(f"expected at least 2 readers and 2 cases, found {readers} and {cases}")
    scale = components.cases / cases
    common = scale * max(components.cov2 - components.cov3, 0.0)
    rest = scale * (components.error - components.cov1) - common
    interaction = max(components.test_reader, 0.0) + rest
    if generalises_to == "readers and cases":
        square = interaction + readers * common
        df = square**2 / (interaction**2 / (readers - 1)) if interaction > 0 else np.inf
    elif generalises_to == "cases":
        square, df = rest + readers * common, float(cases - 1)
    else:
        square, df = interaction, float(readers - 1)
    if square <= 0:
        raise InputError(f"power is undefined: the components leave an error variance of {square:.3g}")
    noncentrality = readers * difference**2 / (2 * square)
    df = min(float(df), 1e6)
    limit = f.isf(alpha, 1, df)
    power = float(ncf.sf(limit, 1, df, noncentrality)) if noncentrality else alpha
    return MrmcPower(power=power, readers=readers, cases=cases, df=df, noncentrality=noncentrality)


def mrmc_cases(
    components: Components,
    *,
    difference: float,
    readers: int,
    power: float = 0.8,
    generalises_to: Generalises = "readers and cases",
    alpha: float = 0.05,
) -> MrmcPower:
    """Fewest cases with the power, for that many readers.

    Raises:
        InputError: As `mrmc_power`; or with so few readers no number of cases is enough.

    Source:
        As `mrmc_power`.
    """
    check_share(power, name="power")

    def plan(cases: int) -> MrmcPower:
        return mrmc_power(
            components, difference=difference, readers=readers, cases=cases, generalises_to=generalises_to, alpha=alpha
        )

    if plan(_ENDLESS).power < power:
        raise InputError(
            f"{readers} readers are too few: expected a power of {power:g}, found {plan(_ENDLESS).power:.3g} with "
            f"{_ENDLESS:,} cases"
        )
    return plan(smallest(lambda cases: plan(cases).power >= power, what="cases"))
