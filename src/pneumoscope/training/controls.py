"""Controls: what a measure would be if it knew nothing of the image that it is of."""

import numpy as np
from jaxtyping import Int, Shaped

from pneumoscope.core import InputError


def other_patients(patient: Shaped[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Return for each image the index of the next image of another patient; after the last comes the first.

    Raises:
        InputError: All images are of one patient.
    """
    if np.unique(patient).size < 2:
        raise InputError(f"expected images of at least 2 patients, found {patient.size} of one")
    place = np.arange(patient.size)
    steps = (place - place[:, None]) % patient.size
    return np.asarray(np.where(patient == patient[:, None], patient.size, steps).argmin(axis=1))
