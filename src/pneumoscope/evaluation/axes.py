"""The axes that subgroups are cut along, and the groups on each; every image is in exactly one group of an axis."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from jaxtyping import Bool

UNKNOWN = "unknown"
# Inclusive from; years. NIH's own adults and children, then about equal thirds of the adults.
_AGES = ((0, "under 18"), (18, "18 to 39"), (40, "40 to 64"), (65, "65 and over"))
# Earlier examinations of the patient; a high number goes with a long and severe illness.
_FOLLOW_UPS = ((0, "first"), (1, "1 to 4"), (5, "5 to 19"), (20, "20 and more"))


def _cut(values: "pd.Series[float]", steps: tuple[tuple[int, str], ...]) -> "pd.Series[str]":
    edges = [low for low, _ in steps] + [np.inf]
    return pd.cut(values, edges, right=False, labels=[name for _, name in steps]).astype("str")


AXES: dict[str, Callable[[pd.DataFrame], "pd.Series[str]"]] = {
    "view": lambda rows: rows["view"],
    "sex": lambda rows: rows["sex"],
    "age": lambda rows: _cut(rows["age_years"], _AGES),
    "follow_up": lambda rows: _cut(rows["follow_up"], _FOLLOW_UPS),
    "source": lambda rows: rows["source"],
}
_ORDER = [name for _, name in _AGES + _FOLLOW_UPS]


def groups(rows: pd.DataFrame, axis: str) -> dict[str, Bool[np.ndarray, " n"]]:
    """The groups on an axis that there are images of, and which; youngest and earliest first, unknown last."""
    group = AXES[axis](rows).astype(object).fillna(UNKNOWN).to_numpy()
    names = sorted(set(group), key=lambda name: (name == UNKNOWN, _ORDER.index(name) if name in _ORDER else 0, name))
    return {name: group == name for name in names}
