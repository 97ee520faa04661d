"""Shares of images as evidence has them."""

import numpy as np
from jaxtyping import Bool

from pneumoscope.evaluation import Leaf, estimate
from pneumoscope.stats import accuracy


def share(hit: Bool[np.ndarray, " n"], patient: np.ndarray) -> Leaf:
    """Share of images with an interval that knows patients, and that does not vanish where none or all are hit."""
    return estimate(lambda: accuracy(np.ones(hit.size, dtype=bool), hit.astype(float), threshold=0.5, cluster=patient))
