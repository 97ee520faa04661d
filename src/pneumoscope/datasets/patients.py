"""Patients as numbers, for whatever counts or resamples them."""

import numpy as np
import pandas as pd
from jaxtyping import Int


def patient_numbers(table: pd.DataFrame) -> Int[np.ndarray, " n"]:
    """Return the patient of each row, numbered from 0; a row without one is a patient of its own."""
    number: Int[np.ndarray, " n"] = pd.factorize(table["patient_id"])[0]
    unknown = number < 0
    number[unknown] = number.max(initial=-1) + 1 + np.arange(unknown.sum())
    return number
