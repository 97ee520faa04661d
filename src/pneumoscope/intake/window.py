"""The window functions of PS3.3 C.11.2.1.2 and C.11.2.1.3, with output in [0, 1]."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

import numpy as np
from jaxtyping import Float64

Values = Float64[np.ndarray, " levels"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One of the header's windows: Window Center, Window Width and VOI LUT Function."""

    center: float
    width: float
    function: str = "LINEAR"

    @property
    def problem(self) -> str | None:
        """Why the standard gives it no meaning; None where it does."""
        if self.function not in _FUNCTIONS:
            return "its function is not known"
        if not (isfinite(self.center) and isfinite(self.width)):
            return "it is not finite"
        narrowest = 1 if self.function == "LINEAR" else 0
        if self.width < narrowest or self.width == 0:
            return "its width is too small"
        return None

    def apply(self, values: Values) -> Values:
        """Return the values as the window maps them, in [0, 1]; for windows without `problem`."""
        return _FUNCTIONS[self.function](values, self.center, self.width)

    def __str__(self) -> str:
        return f"{self.function} center {self.center:g} width {self.width:g}"


def _linear(values: Values, center: float, width: float) -> Values:
    """Apply C.11.2.1.2.1; a width of 1 is a threshold."""
    low = center - 0.5 - (width - 1) / 2
    high = center - 0.5 + (width - 1) / 2
    if width == 1:
        return (values > low).astype(np.float64)
    inside = (values - (center - 0.5)) / (width - 1) + 0.5
    return np.where(values <= low, 0.0, np.where(values > high, 1.0, inside))


def _linear_exact(values: Values, center: float, width: float) -> Values:
    """Apply C.11.2.1.3.2."""
    return np.clip((values - center) / width + 0.5, 0.0, 1.0)


def _sigmoid(values: Values, center: float, width: float) -> Values:
    """Apply C.11.2.1.3.1."""
    exponent = np.clip(-4 * (values - center) / width, -700, 700)  # beyond, exp overflows and the result is 0 or 1
    return 1 / (1 + np.exp(exponent))


_FUNCTIONS: dict[str, Callable[[Values, float, float], Values]] = {
    "LINEAR": _linear,
    "LINEAR_EXACT": _linear_exact,
    "SIGMOID": _sigmoid,
}
