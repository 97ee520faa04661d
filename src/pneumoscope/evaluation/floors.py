"""What needs no pixels: how far view, age, sex and follow-up number alone tell the images apart.

A model that is no better than these may have learnt them.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from jaxtyping import Float

from pneumoscope import stats
from pneumoscope.evaluation.numbers import Leaf, NotEstimable, Tree, estimate
from pneumoscope.evaluation.questions import Sample
from pneumoscope.evaluation.settings import Settings


def _is(rows: pd.DataFrame, column: str, value: str) -> Float[np.ndarray, " n"]:
    flag: np.ndarray = (rows[column] == value).astype(float).where(rows[column].notna()).to_numpy(dtype=float)
    return flag


# Each ranks in the direction that it has for pneumonia among the 86,524 films of NIH's official training and
# validation (v2020; AP first .56, younger .52, more earlier films .62, men .51), whatever the images at hand say.
FLOORS: dict[str, Callable[[pd.DataFrame], Float[np.ndarray, " n"]]] = {
    "view": lambda rows: _is(rows, "view", "AP"),
    "sex": lambda rows: _is(rows, "sex", "M"),
    "age": lambda rows: -rows["age_years"].to_numpy(dtype=float, na_value=np.nan),
    "follow_up": lambda rows: rows["follow_up"].to_numpy(dtype=float, na_value=np.nan),
}


def floors(sample: Sample, rows: pd.DataFrame, *, settings: Settings) -> Tree:
    """AUROC of each predictor alone, on the images for which it is known; below 0.5 where it falls otherwise."""
    return {name: _area(sample, predictor(rows), settings) for name, predictor in FLOORS.items()}


def _area(sample: Sample, predictor: Float[np.ndarray, " n"], settings: Settings) -> Leaf:
    known = ~np.isnan(predictor)
    if not known.any():
        return NotEstimable("the source does not say it")
    part, value = sample.of(known), predictor[known]
    return estimate(lambda: stats.auroc_clustered(part.truth, value, **settings.exact(part.patient)))
