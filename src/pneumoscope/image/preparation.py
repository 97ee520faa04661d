"""From a radiograph's grey values to the model's input, and the way back to the radiograph's pixel grid."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32
from PIL import Image

from pneumoscope.image.recipe import Recipe
from pneumoscope.image.resampling import gaussian_linear

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
    """Take the part of the image that the model sees, resize it to a square, and scale grey values to [-1, 1].

    The shipped model stretches: the NIH, RSNA and Kermany images that it learnt from were published, or are at hand,
    as squares already (Wang et al., CVPR 2017, section 2.1: "1024 x 1024 bitmap images").
    """
    crop = _seen(pixels, recipe)
    inside = pixels[crop.top : crop.bottom, crop.left : crop.right]
    if recipe.grey == "full range":
        return Prepared(np.clip(_resized(inside * 2 - 1, recipe), -1, 1)[np.newaxis], crop)
    low, high = np.percentile(_sampled(inside), [recipe.low_percentile, recipe.high_percentile])
    scaled = (_resized(inside, recipe) - low) / max(high - low, np.finfo(np.float32).eps)
    return Prepared((np.clip(scaled, 0, 1) * 2 - 1).astype(np.float32)[np.newaxis], crop)


def _resized(inside: Float32[np.ndarray, "h w"], recipe: Recipe) -> Float32[np.ndarray, "size size"]:
    if recipe.resampling == "gaussian":
        return gaussian_linear(inside, size_px=recipe.size_px)
    filters = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
    size = (recipe.size_px, recipe.size_px)
    # Reducing first costs nothing in bilinear antialiasing; bicubic weights would change.
    gap = 3.0 if recipe.resampling == "bilinear" else None
    return np.asarray(Image.fromarray(inside).resize(size, filters[recipe.resampling], reducing_gap=gap))


def _seen(pixels: Float32[np.ndarray, "h w"], recipe: Recipe) -> Crop:
    """Return the part of the image that the model sees: trimmed, then its central square or share, if asked for."""
    crop = trim(pixels, recipe) if recipe.largest_trim > 0 else Crop(0, 0, *pixels.shape)
    height, width = crop.bottom - crop.top, crop.right - crop.left
    if recipe.fit == "centre square":
        tall = wide = min(height, width)
    else:
        tall, wide = height, width
    tall, wide = max(1, round(tall * recipe.centre_share)), max(1, round(wide * recipe.centre_share))
    top, left = crop.top + height // 2 - tall // 2, crop.left + width // 2 - wide // 2
    return Crop(top, left, top + tall, left + wide)


def trim(pixels: Float32[np.ndarray, "h w"], recipe: Recipe) -> Crop:
    """Return the image without the flat black or white lines at its edges: collimation, padding, scanner frames.

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
    """Return start and end of what is left when flat lines are taken off both ends."""
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
