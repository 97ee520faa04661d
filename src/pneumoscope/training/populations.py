"""Whom each manifest row is of, and so whose calibration it has, by the rule that reading uses."""

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Shaped

from pneumoscope.core import Population
from pneumoscope.model import Card

# Sources that publish no ages, and say of whom they are.
_BY_SOURCE = {"kermany": Population.CHILDREN}


def populations(manifest: pd.DataFrame) -> Shaped[np.ndarray, " n"]:
    """`Population` of each row: by `age_years`; where it is unknown by the source, or else adults, as in reading."""
    of_source = manifest["source"].map(_BY_SOURCE).fillna(Population.ADULTS)
    of_age = manifest["age_years"].map(lambda age: None if np.isnan(age) else Population.of_age(age))
    of_row: Shaped[np.ndarray, " n"] = of_age.fillna(of_source).to_numpy(dtype=object)
    return of_row


def columns_of(card: Card, population: Shaped[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """The graph's column that answers for each image."""
    return np.array([card.rules[one].output for one in population], dtype=int)


def probability(
    card: Card, logit: Float[np.ndarray, " n"], population: Shaped[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Each image's probability, by the calibration of its patient's population."""
    found = np.full(logit.shape, np.nan)
    for name, rule in card.rules.items():
        part = population == name
        found[part] = rule.calibration.probability(logit[part])
    return found
