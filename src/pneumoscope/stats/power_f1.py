"""Power of showing a higher F1 than another reader's on the same images, by simulated studies."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pneumoscope.core import InputError
from pneumoscope.stats.distributions import normal_quantile
from pneumoscope.stats.sample_size import smallest
from pneumoscope.stats.validation import check_share

# Cells of a study: (finding, first flags, second flags), 0 or 1 each.
_CELLS = np.array([[finding, first, second] for finding in (1, 0) for first in (1, 0) for second in (1, 0)])


@dataclass(frozen=True, slots=True, kw_only=True)
class F1Study:
    """What is thought to be true of two raters of the same images, one image a patient.

    Attributes:
        prevalence: Of the finding in the study.
        first: Sensitivity and specificity of the rater who should be shown better.
        second: Of the other.
        correlation: Of the two raters' answers within either class (phi coefficient); 0 is the cautious choice.
    """

    prevalence: float
    first: tuple[float, float]
    second: tuple[float, float]
    correlation: float = 0.0

    def __post_init__(self) -> None:
        check_share(self.prevalence, name="prevalence")
        for rate in (*self.first, *self.second):
            check_share(rate, name="sensitivity or specificity")
        if (self.cells() < 0).any():
            raise InputError(f"expected a correlation that these rates can have, found {self.correlation}")

    def cells(self) -> Float[np.ndarray, " 8"]:
        """Probability of each combination of finding, first and second answer."""
        shares = []
        for weight, one, two in (
            (self.prevalence, self.first[0], self.second[0]),
            (1 - self.prevalence, 1 - self.first[1], 1 - self.second[1]),
        ):
            both = one * two + self.correlation * np.sqrt(one * (1 - one) * two * (1 - two))
            shares += [weight * both, weight * (one - both), weight * (two - both), weight * (1 - one - two + both)]
        return np.array(shares)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedPower:
    """Share of simulated studies of `n` images that show it, and the standard error of that share."""

    n: int
    power: float
    standard_error: float
    difference: float


def f1_superiority_power(
    study: F1Study, *, n: int, rng: np.random.Generator, margin: float = 0.0, error: float = 0.025, studies: int = 4000
) -> SimulatedPower:
    """Share of studies in which the F1 difference exceeds `margin` by the lower end of its (delta-method) interval.

    Raises:
        InputError: There are fewer than 2 images or studies, or the error is out of range.

    Source:
        Takahashi et al., Applied Intelligence 52, 2022, p. 4961 (delta method for F1), here of a paired difference.
    """
    check_share(error, name="one-sided error")
    if n < 2 or studies < 2:
        raise InputError(f"expected at least 2 images and 2 studies, found {n} and {studies}")
    cells = study.cells()
    difference, _ = _difference((cells * 1e9)[None])
    value, spread = _difference(rng.multinomial(n, cells, studies).astype(float))
    shown = value - normal_quantile(1 - error) * spread > margin
    power = float(shown.mean())
    return SimulatedPower(
        n=n, power=power, standard_error=float(np.sqrt(power * (1 - power) / studies)), difference=float(difference[0])
    )


def f1_superiority_size(
    study: F1Study,
    *,
    rng: np.random.Generator,
    margin: float = 0.0,
    power: float = 0.8,
    error: float = 0.025,
    studies: int = 4000,
) -> SimulatedPower:
    """Fewest images with the power, up to the simulation's own error (about 2 % of the number).

    Raises:
        InputError: As `f1_superiority_power`; or the true difference does not exceed the margin.

    Source:
        As `f1_superiority_power`.
    """
    check_share(power, name="power")
    seed = int(rng.integers(2**63))

    def plan(n: int) -> SimulatedPower:
        drawn = np.random.default_rng(seed)
        return f1_superiority_power(study, n=n, rng=drawn, margin=margin, error=error, studies=studies)

    if (true := plan(2).difference) <= margin:
        raise InputError(f"expected a true F1 difference above the margin of {margin:g}, found {true:.3g}")
    return plan(smallest(lambda n: plan(n).power >= power, what="images", least=10))


def _difference(
    counts: Float[np.ndarray, "studies 8"],
) -> tuple[Float[np.ndarray, " studies"], Float[np.ndarray, " studies"]]:
    """F1 of the first rater less that of the second in each study, and its standard error; a rater's F1 is 0 where
    there is neither a finding nor a flag.
    """
    n = counts.sum(axis=1)
    value, influence = np.zeros(len(counts)), np.zeros(counts.shape)
    for answer, sign in ((_CELLS[:, 1], 1), (_CELLS[:, 2], -1)):
        found, either = _CELLS[:, 0] * answer, _CELLS[:, 0] + answer
        total = np.maximum(counts @ either, 1)
        f1 = 2 * (counts @ found) / total
        value += sign * f1
        influence += sign * (2 * found - f1[:, None] * either) / total[:, None]
    return value, np.sqrt((counts * influence**2).sum(axis=1) * n / np.maximum(n - 1, 1))
