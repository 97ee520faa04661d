"""Fleiss' kappa: agreement of several readers beyond chance."""

import numpy as np
from jaxtyping import Bool, Float, Int

from pneumoscope.core import InputError
from pneumoscope.stats.distributions import two_sided
from pneumoscope.stats.estimates import Estimate
from pneumoscope.stats.validation import check_share


def fleiss_kappa(flagged: Bool[np.ndarray, "readers n"], *, level: float = 0.95) -> Estimate:
    """Agreement of readers who each said yes or no to every row; 1 is perfect, 0 is chance, below 0 is worse.

    The interval is a jackknife over rows, for any true agreement (the usual error formula holds at 0 only). Kappa
    falls with prevalence at the same reading skill: compare it only at like prevalences. `positives` counts the rows
    that most readers flag.

    Raises:
        InputError: There are fewer than 2 readers or 3 rows, or all readers said the same to all rows (or to all but
            one).

    Source:
        Fleiss, Psychological Bulletin 76(5), 1971, p. 378; jackknife: Efron and Tibshirani, An Introduction to the
        Bootstrap, 1993, chapter 11.
    """
    check_share(level, name="level")
    if flagged.ndim != 2 or flagged.dtype != np.bool_ or flagged.shape[0] < 2 or flagged.shape[1] < 3:
        raise InputError(
            f"Fleiss' kappa: expected booleans of at least 2 readers and 3 rows, found {flagged.dtype} of shape "
            f"{flagged.shape}"
        )
    readers, n = flagged.shape
    yes = flagged.sum(axis=0)
    agreement = (yes * (yes - 1) + (readers - yes) * (readers - yes - 1)) / (readers * (readers - 1))
    value = float(_kappa(agreement.sum(keepdims=True), yes.sum(keepdims=True), n=n, readers=readers)[0])
    without = _kappa(agreement.sum() - agreement, yes.sum() - yes, n=n - 1, readers=readers)
    if not np.isfinite([value, *without]).all():
        raise InputError("Fleiss' kappa is undefined: all readers said the same to all rows, or to all but one")
    error = float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))
    half = two_sided(level) * error
    return Estimate(
        value=value,
        low=max(value - half, -1.0),
        high=min(value + half, 1.0),
        level=level,
        n=n,
        positives=int((2 * yes > readers).sum()),
        method=f"Fleiss, {readers} readers, jackknife over rows",
    )


def _kappa(
    agreement: Float[np.ndarray, " sums"], yes: Int[np.ndarray, " sums"], *, n: int, readers: int
) -> Float[np.ndarray, " sums"]:
    """Kappa from sums over `n` rows; NaN where chance alone would agree on everything."""
    share = np.asarray(yes / (n * readers))
    chance = share**2 + (1 - share) ** 2
    room = np.where(chance < 1, 1 - chance, np.nan)
    return np.asarray((agreement / n - chance) / room)
