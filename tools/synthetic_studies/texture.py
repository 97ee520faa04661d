"""Blur and random texture."""

import numpy as np
from jaxtyping import Float32
from PIL import Image

from synthetic_studies.grid import Map


def blurred(image: Map, sigma_px: float) -> Map:
    """Return the image after a Gaussian blur; its edge values continue beyond its edges."""
    if sigma_px > 8:
        return _coarsely_blurred(image, sigma_px)
    reach = max(1, round(3.5 * sigma_px))
    offset = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (offset / sigma_px) ** 2)
    kernel = (kernel / kernel.sum()).astype(np.float32)
    for _ in range(2):
        padded = np.pad(image, ((reach, reach), (0, 0)), mode="edge")
        height = image.shape[0]
        image = sum((weight * padded[k : k + height] for k, weight in enumerate(kernel)), np.zeros_like(image)).T
    return np.ascontiguousarray(image)


def fractal(
    rng: np.random.Generator, *, shape: tuple[int, int], largest_px: float, octaves: int, fall: float = 0.55
) -> Map:
    """Draw cloudy texture, mean 0 and deviation 1: value noise, each octave half the size and `fall` the height."""
    height, width = shape
    total = np.zeros(shape, dtype=np.float32)
    for octave in range(octaves):
        spacing = max(largest_px / 2**octave, 1.0)
        cells = (int(height / spacing) + 3, int(width / spacing) + 3)
        coarse: Float32[np.ndarray, "a b"] = rng.standard_normal(cells, dtype=np.float32)
        total += fall**octave * resized(coarse, shape)
    texture: Map = (total - total.mean()) / total.std()
    return texture


def resized(image: Map, shape: tuple[int, int]) -> Map:
    """Return the image at another size in pixels, by cubic interpolation."""
    return np.asarray(Image.fromarray(image).resize(shape[::-1], Image.Resampling.BICUBIC))


def _coarsely_blurred(image: Map, sigma_px: float) -> Map:
    """Blur widely at a quarter of the pixels or fewer: nothing that the blur would keep is lost."""
    factor = int(sigma_px // 4)
    height, width = image.shape
    small_shape = (max(2, height // factor), max(2, width // factor))
    small = np.asarray(Image.fromarray(image).resize(small_shape[::-1], Image.Resampling.BOX))
    return resized(blurred(small, sigma_px * small_shape[0] / height), image.shape)
