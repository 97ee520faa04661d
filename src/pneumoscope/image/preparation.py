"""From a radiograph's grey values to the model's input, and the way back to the radiograph's pixel grid."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32
from PIL import Image

from pneumoscope.image.recipe import Recipe

# Borders and percentiles are estimated on a grid of about this many lines, so that a 10-megapixel image costs
# what a 1-megapixel image does.
_SAMPLED_LINES = 256


@dataclass(frozen=True, slots=True)
class Crop:
    """The part of a radiograph that the model sees, in its own pixels: rows [top, bottom), columns [left, right)."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A model input in [-1, 1] and the crop of the radiograph that it shows, stretched to a square."""

    array: Float32[np.ndarray, "1 size size"]
    crop: Crop


def prepare(pixels: Float32[np.ndarray, "h w"], recipe: Recipe) -> Prepared:
    """Trim flat borders, stretch to a square, scale grey percentiles to [-1, 1].

    The aspect ratio is not kept: the NIH, RSNA and Kermany images that the models learn from were published, or
    are at hand, as squares already (Wang et al., CVPR 2017, section 2.1: "1024 x 1024 bitmap images").
    """
    crop = trim(pixels, recipe)
    inside = pixels[crop.top : crop.bottom, crop.left : crop.right]
    low, high = np.percentile(_sampled(inside), [recipe.low_percentile, recipe.high_percentile])
    size = (recipe.size_px, recipe.size_px)
    small = np.asarray(Image.fromarray(inside).resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0))
    scaled = (small - low) / max(high - low, np.finfo(np.float32).eps)
    return Prepared((np.clip(scaled, 0, 1) * 2 - 1).astype(np.float32)[np.newaxis], crop)


def trim(pixels: Float32[np.ndarray, "h w"], recipe: Recipe) -> Crop:
    """The image without the flat black or white lines at its edges: collimation, padding, scanner frames.

    A side on which more than `largest_trim` of the image is flat keeps all of its lines: that is not a border.
    """
    height, width = pixels.shape
    step = _stride(pixels)
    sampled = pixels[::step, ::step]
    flat = (sampled <= recipe.flat_tolerance) | (sampled >= 1 - recipe.flat_tolerance)
    top, bottom = _inner_span(flat.mean(axis=1) >= recipe.flat_share, recipe.largest_trim)
    left, right = _inner_span(flat.mean(axis=0) >= recipe.flat_share, recipe.largest_trim)
    return Crop(top * step, left * step, min(bottom * step, height), min(right * step, width))


def _inner_span(flat: Bool[np.ndarray, " n"], largest_trim: float) -> tuple[int, int]:
    """Start and end of what is left when flat lines are taken off both ends."""
    if flat.all():
        return 0, flat.size
    start = int(np.argmin(flat))
    trimmed_end = int(np.argmin(flat[::-1]))
    most = int(flat.size * largest_trim)
    return (start if start <= most else 0), flat.size - (trimmed_end if trimmed_end <= most else 0)


def _stride(pixels: Float32[np.ndarray, "h w"]) -> int:
    return max(1, int(min(pixels.shape)) // _SAMPLED_LINES)


def _sampled(pixels: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "a b"]:
    step = _stride(pixels)
    return pixels[::step, ::step]
