"""p-values of many comparisons."""

import numpy as np
from jaxtyping import Float

from pneumoscope.core import InputError


def holm(p_values: Float[np.ndarray, " tests"]) -> Float[np.ndarray, " tests"]:
    """p-values adjusted so that any below alpha is wrong with at most alpha in all, however the tests depend.

    Raises:
        InputError: A p-value is outside [0, 1] or NaN.

    Source:
        Holm, Scandinavian Journal of Statistics 6(2), 1979, p. 65.
    """
    if not ((p_values >= 0) & (p_values <= 1)).all():
        raise InputError(f"expected p-values in [0, 1], found {p_values}")
    order = np.argsort(p_values)
    adjusted = np.empty(p_values.size)
    adjusted[order] = np.maximum.accumulate(p_values[order] * np.arange(p_values.size, 0, -1)).clip(max=1)
    return adjusted
