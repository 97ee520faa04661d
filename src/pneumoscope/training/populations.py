"""Whom each manifest row is of, by the rule that reading uses."""

import numpy as np
import pandas as pd
from jaxtyping import Shaped

from pneumoscope.core import Population

# Sources that publish no ages, and say of whom they are.
_BY_SOURCE = {"kermany": Population.CHILDREN}


def populations(manifest: pd.DataFrame) -> Shaped[np.ndarray, " n"]:
    """`Population` of each row: by `age_years`; where it is unknown by the source, or else adults, as in reading."""
    of_source = manifest["source"].map(_BY_SOURCE).fillna(Population.ADULTS)
    of_age = manifest["age_years"].map(lambda age: None if np.isnan(age) else Population.of_age(age))
    of_row: Shaped[np.ndarray, " n"] = of_age.fillna(of_source).to_numpy(dtype=object)
    return of_row
