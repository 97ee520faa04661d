"""Shares of images as evidence has them."""

import numpy as np
from jaxtyping import Bool

from pneumoscope.evaluation import Leaf, estimate
from pneumoscope.stats import accuracy


def share(hit: Bool[np.ndarray, " n"], patient: np.ndarray) -> Leaf:
    """Return the share of images that are hit; the interval knows patients and does not vanish at none or all."""
    return estimate(lambda: accuracy(np.ones(hit.size, dtype=bool), hit.astype(float), threshold=0.5, cluster=patient))
