"""The axes that subgroups are cut along, and the groups on each; every image is in exactly one group of an axis."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from jaxtyping import Bool

from pneumoscope.core import InputError

UNKNOWN = "unknown"
MOST_GROUPS = 30
# Inclusive from; years. NIH's own adults and children, then about equal thirds of the adults.
_AGES = ((0, "under 18"), (18, "18 to 39"), (40, "40 to 64"), (65, "65 and over"))
# Earlier examinations of the patient; a high number goes with a long and severe illness.
_FOLLOW_UPS = ((0, "first"), (1, "1 to 4"), (5, "5 to 19"), (20, "20 and more"))


def _cut(values: "pd.Series[float]", steps: tuple[tuple[int, str], ...]) -> "pd.Series[str]":
    edges = [low for low, _ in steps] + [np.inf]
    return pd.cut(values, edges, right=False, labels=[name for _, name in steps]).astype("str")


def _name(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


AXES: dict[str, Callable[[pd.DataFrame], "pd.Series[str]"]] = {
    "view": lambda rows: rows["view"],
    "sex": lambda rows: rows["sex"],
    "age": lambda rows: _cut(rows["age_years"], _AGES),
    "follow_up": lambda rows: _cut(rows["follow_up"], _FOLLOW_UPS),
    "source": lambda rows: rows["source"],
}
_ORDER = [name for _, name in _AGES + _FOLLOW_UPS]


def groups(rows: pd.DataFrame, axis: str) -> dict[str, Bool[np.ndarray, " n"]]:
    """Return the groups on an axis that there are images of; youngest and earliest first, unknown last.

    An axis that is none of `AXES` is a column, whose values are the groups.

    Raises:
        InputError: There is no such column, or it has more than `MOST_GROUPS` values.
    """
    if axis not in AXES and axis not in rows:
        raise InputError(f"expected a manifest with the column {axis} to cut subgroups by, found none")
    values = AXES[axis](rows) if axis in AXES else rows[axis].map(_name, na_action="ignore")
    group = values.astype(object).fillna(UNKNOWN).to_numpy()
    if len(set(group)) > MOST_GROUPS:
        raise InputError(
            f"expected a column of at most {MOST_GROUPS} groups, found {axis} with {len(set(group))} values"
        )
    # A dot would end a step of a number's address.
    group = np.array([str(name).replace(".", "·") for name in group], dtype=object)
    names = sorted(set(group), key=lambda name: (name == UNKNOWN, _ORDER.index(name) if name in _ORDER else 0, name))
    return {name: group == name for name in names}
