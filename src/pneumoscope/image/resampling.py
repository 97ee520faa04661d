"""Resizing as scikit-image does it, for networks that learnt on images resized so."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Float32

# Standard deviations at which the Gaussian kernel ends; scipy.ndimage's default.
_TRUNCATE = 4.0


def gaussian_linear(image: Float32[np.ndarray, "h w"], *, size_px: int) -> Float32[np.ndarray, "size size"]:
    """Return the image resized to a square: a Gaussian filter against aliasing, then linear interpolation.

    Outside the image is 0, so scale grey values around 0 first. Both steps are linear and separable: one matrix a
    side.

    Source:
        `skimage.transform.resize(image, ..., mode="constant", preserve_range=True)`, scikit-image 0.26.
    """
    height, width = image.shape
    rows, columns = _weights(height, size_px), _weights(width, size_px)
    low, high = image.min(), image.max()
    resized: Float32[np.ndarray, "size size"] = np.clip(rows @ image @ columns.T, low, high).astype(np.float32)
    return resized


@lru_cache(maxsize=8)
def _weights(length: int, size: int) -> Float[np.ndarray, "size length"]:
    """Return the matrix that filters and resamples one axis."""
    factor = length / size
    position = (np.arange(size) + 0.5) * factor - 0.5
    lower = np.floor(position).astype(int)
    share = position - lower
    linear = np.zeros((size, length))
    for neighbour, weight in ((lower, 1 - share), (lower + 1, share)):
        place = np.flatnonzero((neighbour >= 0) & (neighbour < length))
        linear[place, neighbour[place]] += weight[place]
    return linear if factor <= 1 else linear @ _gaussian(length, (factor - 1) / 2)


def _gaussian(length: int, sigma: float) -> Float[np.ndarray, "length length"]:
    """Return the matrix of a Gaussian filter along one axis, with zeros outside."""
    radius = int(_TRUNCATE * sigma + 0.5)
    offset = np.arange(-radius, radius + 1)
    kernel = np.exp(-0.5 * (offset / sigma) ** 2)
    kernel /= kernel.sum()
    distance = np.arange(length)[None, :] - np.arange(length)[:, None]
    return np.where(np.abs(distance) <= radius, kernel[np.clip(distance + radius, 0, 2 * radius)], 0.0)
