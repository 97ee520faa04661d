"""How many patients a validation study needs: for a rate, for an area, for a rate no worse than another's.

All errors are one-sided: 0.025 goes with a 95 % two-sided interval whose lower end must clear the goal. Numbers are of
independent patients; `design_effect` says by how much rows of the same patients must exceed them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pneumoscope.core import InputError
from pneumoscope.stats.distributions import normal_quantile, normal_tail
from pneumoscope.stats.validation import check_share

_MOST = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProportionSize:
    """Patients with the finding (for a sensitivity) or without it (for a specificity).

    Attributes:
        n: Fewest with the power. Power rises in a saw-tooth: a few more patients can have less of it.
        n_lasting: Fewest from which on every larger number has the power.
        successes: Of `n`, the fewest that put the exact interval's lower end above the goal.
        power: At `n`.
    """

    n: int
    n_lasting: int
    successes: int
    power: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AurocSize:
    """Patients of each class, and the power with them."""

    positives: int
    negatives: int
    power: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedSize:
    """Patients of the class whose rate is compared, and the power with them."""

    n: int
    power: float


def proportion_power(n: int, *, expected: float, goal: float, error: float = 0.025) -> float:
    """Chance that the exact lower limit of `n` patients' share clears `goal` if `expected` is true.

    Raises:
        InputError: A share is not between 0 and 1, or n is below 1.

    Source:
        Chernick and Liu, The American Statistician 56(2), 2002, p. 149 (exact power, its saw-tooth).
    """
    from scipy.stats import binom

    _check_goal(expected, goal=goal, error=error)
    if n < 1:
        raise InputError(f"expected at least 1 patient, found {n}")
    return float(binom.sf(_successes(n, goal=goal, error=error) - 1, n, expected))


def proportion_size(*, expected: float, goal: float, power: float = 0.8, error: float = 0.025) -> ProportionSize:
    """Patients needed to show that a rate exceeds `goal` by the lower end of its Clopper-Pearson interval.

    Raises:
        InputError: A share is not between 0 and 1, `expected` does not exceed `goal`, or no number below ten million
            is enough.

    Source:
        As `proportion_power`.
    """
    from scipy.stats import binom

    _check_goal(expected, goal=goal, error=error)
    check_share(power, name="power")
    # Beyond twice the normal approximation and a bit, the saw-tooth no longer falls below the power.
    most = 2 * int(np.ceil(_normal_proportion(expected, goal=goal, power=power, error=error))) + 200
    if most > _MOST:
        raise InputError(f"expected rates that {_MOST:,} patients can tell apart, found {expected} and {goal}")
    n = np.arange(1, most + 1)
    successes = binom.isf(error, n, goal).astype(int) + 1
    powers = binom.sf(successes - 1, n, expected)
    first = int(np.argmax(powers >= power))
    return ProportionSize(
        n=int(n[first]),
        n_lasting=int(n[np.flatnonzero(powers < power)[-1]]) + 1,
        successes=int(successes[first]),
        power=float(powers[first]),
    )


def auroc_standard_error(
    auroc: float, *, positives: int, negatives: int, method: Literal["hanley-mcneil", "obuchowski"] = "hanley-mcneil"
) -> float:
    """Return the standard error of an area that a study of this size would have.

    Raises:
        InputError: The area is not between 0 and 1, a class is empty, or the method is not known.

    Source:
        Hanley and McNeil, Radiology 143(1), 1982, p. 29 (scores negative-exponential); Obuchowski, Investigative
        Radiology 29(2), 1994, p. 238 (scores normal, of unknown spread; larger, on the safe side).
    """
    check_share(auroc, name="area")
    if min(positives, negatives) < 1:
        raise InputError(f"expected patients of both classes, found {positives} and {negatives}")
    if method == "hanley-mcneil":
        q1, q2 = auroc / (2 - auroc), 2 * auroc**2 / (1 + auroc)
        spread = auroc * (1 - auroc) + (positives - 1) * (q1 - auroc**2) + (negatives - 1) * (q2 - auroc**2)
        return float(np.sqrt(spread / (positives * negatives)))
    if method != "obuchowski":
        raise InputError(f"expected hanley-mcneil or obuchowski, found {method}")
    a = normal_quantile(auroc) * np.sqrt(2)
    each = 0.0099 * np.exp(-(a**2) / 2) * ((5 * a**2 + 8) + (a**2 + 8) * positives / negatives)
    return float(np.sqrt(each / positives))


def auroc_size(
    *,
    expected: float,
    goal: float,
    negatives_per_positive: float,
    power: float = 0.8,
    error: float = 0.025,
    method: Literal["hanley-mcneil", "obuchowski"] = "hanley-mcneil",
) -> AurocSize:
    """Patients needed to show that an area exceeds `goal`, by a normal test with the goal's standard error.

    Raises:
        InputError: As `auroc_standard_error`, `expected` does not exceed `goal`, or ten million are not enough.

    Source:
        As `auroc_standard_error`.
    """
    _check_goal(expected, goal=goal, error=error)
    check_share(power, name="power")
    if not (np.isfinite(negatives_per_positive) and negatives_per_positive > 0):
        raise InputError(f"expected negatives per positive above 0, found {negatives_per_positive}")

    def attained(positives: int) -> float:
        negatives = int(np.ceil(positives * negatives_per_positive))
        under_goal, under_truth = (
            auroc_standard_error(area, positives=positives, negatives=negatives, method=method)
            for area in (goal, expected)
        )
        return normal_tail(float((normal_quantile(1 - error) * under_goal - (expected - goal)) / under_truth))

    positives = smallest(lambda count: attained(count) >= power, what="patients with the finding")
    return AurocSize(
        positives=positives,
        negatives=int(np.ceil(positives * negatives_per_positive)),
        power=attained(positives),
    )


def paired_non_inferiority_size(
    *, discordant: float, margin: float, difference: float = 0.0, power: float = 0.8, error: float = 0.025
) -> PairedSize:
    """Patients needed to show that a rate is at most `margin` below another's on the same patients (Tango's test).

    Args:
        discordant: Share of patients on whom only one of the two is right; from a pilot, or at most the sum of both
            shares wrong.
        margin: Largest loss that would be accepted; 0 asks for superiority (McNemar's test).
        difference: First rate less second in truth.
        power: Wanted.
        error: One-sided.

    Raises:
        InputError: A share is out of range, the true difference is not above minus the margin, or ten million are not
            enough.

    Source:
        Tango, Statistics in Medicine 17(8), 1998, p. 891; sample size: Nam, Biometrics 53(4), 1997, p. 1422.
    """
    for share, name in ((discordant, "share of discordant patients"), (power, "power"), (error, "one-sided error")):
        check_share(share, name=name)
    if not 0 <= margin < 1:
        raise InputError(f"expected a margin from 0 to below 1, found {margin}")
    if abs(difference) > discordant:
        raise InputError(f"expected a difference of at most {discordant:g}, the discordant share, found {difference:g}")
    if difference <= -margin:
        raise InputError(f"expected a true difference above {-margin:g}, minus the margin, found {difference:g}")
    wins, losses = (discordant + difference) / 2, (discordant - difference) / 2
    edge = _restricted_losses(wins, losses, total=1.0, delta=-margin)
    under_margin = np.sqrt(2 * edge - margin * (1 + margin))
    under_truth = np.sqrt(discordant - difference**2)

    def attained(n: int) -> float:
        reach = normal_quantile(1 - error) * under_margin - np.sqrt(n) * (difference + margin)
        return normal_tail(float(reach / under_truth))

    n = smallest(lambda count: attained(count) >= power, what="patients")
    return PairedSize(n=n, power=attained(n))


def design_effect(*, rows_per_patient: float, correlation: float, variation: float = 0.0) -> float:
    """Factor by which rows must exceed independent patients for the same precision.

    Args:
        rows_per_patient: Mean, at least 1.
        correlation: Of two rows of one patient (intra-cluster).
        variation: Standard deviation of rows per patient over their mean.

    Raises:
        InputError: An argument is out of range.

    Source:
        Kish, Survey Sampling, 1965, section 5.4; unequal numbers: Eldridge, Ashby and Kerry, International Journal of
        Epidemiology 35(5), 2006, p. 1292.
    """
    if rows_per_patient < 1 or variation < 0 or not -1 <= correlation <= 1:
        raise InputError(
            f"expected at least 1 row a patient, a correlation in [-1, 1] and a variation of at least 0, found "
            f"{rows_per_patient}, {correlation} and {variation}"
        )
    effect = 1 + ((variation**2 + 1) * rows_per_patient - 1) * correlation
    if effect <= 0:
        raise InputError(f"expected a correlation that {rows_per_patient} rows a patient can have, found {correlation}")
    return effect


def smallest(enough: Callable[[int], bool], *, what: str, least: int = 2) -> int:
    """Fewest, from `least`, that are enough, where more are enough too.

    Raises:
        InputError: Ten million are not.
    """
    high = least
    while not enough(high):
        if high > _MOST:
            raise InputError(f"expected a difference that {_MOST:,} {what} can show, found one that they cannot")
        high *= 2
    low = max(high // 2, least - 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _successes(n: int, *, goal: float, error: float) -> int:
    """Fewest successes that reject the goal: no more likely than `error` if it were true."""
    from scipy.stats import binom

    return int(binom.isf(error, n, goal)) + 1


def _normal_proportion(expected: float, *, goal: float, power: float, error: float) -> float:
    reach = normal_quantile(1 - error) * np.sqrt(goal * (1 - goal)) + normal_quantile(power) * np.sqrt(
        expected * (1 - expected)
    )
    return float((reach / (expected - goal)) ** 2)


def _check_goal(expected: float, *, goal: float, error: float) -> None:
    for share, name in ((expected, "expected value"), (goal, "goal"), (error, "one-sided error")):
        check_share(share, name=name)
    if expected <= goal:
        raise InputError(f"expected a true value above the goal, found {expected:g} and {goal:g}")


def _restricted_losses(wins: float, losses: float, *, total: float, delta: float) -> float:
    """Likeliest share of losses where the share of wins exceeds it by `delta`: the larger root of a quadratic.

    Source:
        Tango, Statistics in Medicine 17(8), 1998, p. 891, equation 4.
    """
    b = -wins - losses + (2 * total - wins + losses) * delta
    c = -losses * delta * (1 - delta)
    return float((np.sqrt(max(b * b - 8 * total * c, 0.0)) - b) / (4 * total))
