"""The two sides of a split that a report compares: what a model learns from, and what it is measured on."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool

_LEARNING = ("train", "val", "train_val")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sides:
    """Rows to learn from (training and validation) and rows of the test, by a column of the manifest."""

    column: str
    learn: Bool[np.ndarray, " n"]
    test: Bool[np.ndarray, " n"]


def sides(manifest: pd.DataFrame) -> Sides | None:
    """By `split` where it has both sides, else by `official_split`; None where neither has."""
    for column in ("split", "official_split"):
        if column in manifest:
            learn = manifest[column].isin(_LEARNING).to_numpy()
            test = (manifest[column] == "test").to_numpy()
            if learn.any() and test.any():
                return Sides(column=column, learn=learn, test=test)
    return None
