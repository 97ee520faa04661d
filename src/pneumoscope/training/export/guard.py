"""The out-of-distribution guard's statistics: how far an embedding lies from those of the training images."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

# Directions kept of the shared covariance, and images needed for each; the rest is one isotropic variance. More
# adds directions whose variance the images do not settle.
DIRECTIONS = 128
IMAGES_PER_DIRECTION = 8
# Of the largest variance; rounding makes zero ones negative.
_LEAST_VARIANCE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class GroupedGaussian:
    """Gaussians of equal covariance, one a group (adults, children), by probabilistic PCA.

    Source: Lee et al., NeurIPS 2018, equation 1 (shared covariance); Tipping and Bishop, J. R. Stat. Soc. B 61(3),
    1999, section 3.2 (maximum likelihood solution).
    """

    means: Float[np.ndarray, "groups features"]
    directions: Float[np.ndarray, "features kept"]
    variances: Float[np.ndarray, " kept"]
    rest_variance: float


def fit_gaussian(embeddings: Float[np.ndarray, "n features"], groups: Shaped[np.ndarray, " n"]) -> GroupedGaussian:
    """Fit the group means and the covariance around them, which the groups share."""
    directions = min(DIRECTIONS, len(embeddings) // IMAGES_PER_DIRECTION, embeddings.shape[1] - 1)
    names = np.unique(groups)
    means = np.stack([embeddings[groups == name].mean(axis=0) for name in names])
    centred = embeddings - means[np.searchsorted(names, groups)]
    variances, vectors = np.linalg.eigh(centred.T @ centred / (len(centred) - len(names)))
    variances, vectors = variances[::-1].copy(), vectors[:, ::-1].copy()
    variances = np.maximum(variances, _LEAST_VARIANCE * variances[0])  # a feature that never varies
    kept, rest = variances[:directions], variances[directions:]
    return GroupedGaussian(means, vectors[:, :directions], kept, float(rest.mean()))


class Distance(nn.Module):
    """Mahalanobis distance of each embedding from the nearest group; part of the exported graph."""

    means: Tensor
    directions: Tensor
    kept_scale: Tensor

    def __init__(self, gaussian: GroupedGaussian) -> None:
        super().__init__()
        kept_scale = gaussian.variances**-0.5 - gaussian.rest_variance**-0.5
        # Whitening that treats what is outside the kept directions alike: x / s + V (1/sqrt(l) - 1/s) V' x.
        self.register_buffer("means", torch.tensor(gaussian.means, dtype=torch.float32))
        self.register_buffer("directions", torch.tensor(gaussian.directions, dtype=torch.float32))
        self.register_buffer("kept_scale", torch.tensor(kept_scale, dtype=torch.float32))
        self.rest_scale = gaussian.rest_variance**-0.5

    def forward(self, embedding: Float[Tensor, "n features"]) -> Float[Tensor, " n"]:
        """Return distances, unitless: the number of standard deviations, over all directions together."""
        centred = embedding[:, None, :] - self.means
        kept = (centred @ self.directions) * self.kept_scale
        white = centred * self.rest_scale + kept @ self.directions.T
        nearest: Tensor = white.square().sum(dim=2).amin(dim=1).sqrt()
        return nearest
