"""How well heat agrees with radiologists' boxes; pure functions on one image's heat over the part that the model saw.

Heat is on any absolute scale, higher is more suspicious. Boxes are shares of the same part: left, top, right,
bottom in [0, 1]. What chance alone would reach stands beside each measure, since a large box is easily hit.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped
from PIL import Image

from pneumoscope.core import InputError

# Finer than any activation map; boxes are drawn on it.
GRID = 56


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """One image's heat against its boxes.

    Attributes:
        hit: Whether the hottest place lies in a box (pointing game).
        covered: Share of the image in boxes: the chance that a random place lies in one.
        overlap: Intersection over union of the boxes with the hottest places, as many as the boxes cover.
    """

    hit: bool
    covered: float
    overlap: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Local maxima of one image's heat, for free-response analysis.

    Attributes:
        scores: Heat of each mark, hottest first.
        box: Index of the box that each mark lies in (the smallest, where several do); -1 outside of all.
    """

    scores: Float[np.ndarray, " marks"]
    box: Float[np.ndarray, " marks"]


def agreement(cam: Float[np.ndarray, "y x"], boxes: Float[np.ndarray, "b 4"]) -> Agreement:
    """Compare the heat of one activation map with the boxes of the same image.

    Raises:
        InputError: There is no box, or the boxes cover no place of the grid or all of them.

    Source:
        Zhang et al., ECCV 2016, section 4.1 (pointing game). The overlap's area is the boxes' own, so that a
        threshold that paints much or little wins nothing.
    """
    inside = box_mask(boxes)
    if not 0 < inside.sum() < inside.size:
        raise InputError(f"expected boxes that cover part of the image, found {inside.mean():.0%} covered")
    heat = upsampled(cam)
    both = int((hottest(heat, count=int(inside.sum())) & inside).sum())
    return Agreement(
        hit=bool(inside.flat[int(heat.argmax())]),
        covered=float(inside.mean()),
        overlap=both / (2 * int(inside.sum()) - both),
    )


def marks(cam: Float[np.ndarray, "y x"], boxes: Float[np.ndarray, "b 4"]) -> Marks:
    """Return the heat's local maxima among eight neighbours on the map's own grid, and the box that each lies in.

    Equal neighbours that are a maximum together are one mark, at the first of them in reading order; a flat map has
    none.

    Source:
        Chakraborty, Medical Physics 16(4), 1989, p. 561 (free response: marks with scores, hit or not).
    """
    rows, columns = cam.shape
    y, x = np.nonzero(_maxima(cam))
    order = np.argsort(-cam[y, x], kind="stable")
    y, x = y[order], x[order]
    place = np.stack([(x + 0.5) / columns, (y + 0.5) / rows])
    return Marks(scores=cam[y, x].astype(np.float64), box=_smallest_around(place, boxes))


def free_response(found: list[Marks], *, boxes: int, false_marks_per_image: float) -> float:
    """Return the share of all boxes with a mark in them, at the threshold that allows so many false marks an image.

    Args:
        found: Every image that was read, those without a box too.
        boxes: Number of boxes on them.
        false_marks_per_image: False marks allowed, as a mean over the images.

    Raises:
        InputError: There is no image or no box.

    Source:
        Chakraborty, Medical Physics 16(4), 1989, p. 561.
    """
    if not found or boxes < 1:
        raise InputError(f"free response is undefined: expected images and boxes, found {len(found)} and {boxes}")
    false = np.sort(np.concatenate([image.scores[image.box < 0] for image in found]))[::-1]
    allowed = int(false_marks_per_image * len(found))
    threshold = false[allowed] if allowed < false.size else -np.inf
    hit = sum(np.unique(image.box[(image.box >= 0) & (image.scores > threshold)]).size for image in found)
    return hit / boxes


def hottest(heat: Float[np.ndarray, "y x"], *, count: int) -> Bool[np.ndarray, "y x"]:
    """Return the `count` places with most heat; of equal ones the earlier in reading order."""
    chosen = np.zeros(heat.size, dtype=bool)
    chosen[np.argsort(-heat, axis=None, kind="stable")[:count]] = True
    return chosen.reshape(heat.shape)


def upsampled(cam: Float[np.ndarray, "y x"]) -> Float[np.ndarray, "grid grid"]:
    """Return the activation map on the grid of `GRID` places a side, bicubic as it is shown."""
    picture = Image.fromarray(cam.astype(np.float32)).resize((GRID, GRID), Image.Resampling.BICUBIC)
    return np.asarray(picture, dtype=np.float64)


def box_mask(boxes: Float[np.ndarray, "b 4"]) -> Bool[np.ndarray, "grid grid"]:
    """Return the places of the grid whose centre lies in a box."""
    centre = (np.arange(GRID) + 0.5) / GRID
    mask = np.zeros((GRID, GRID), dtype=bool)
    for left, top, right, bottom in boxes:
        mask |= np.outer((centre >= top) & (centre < bottom), (centre >= left) & (centre < right))
    return mask


def _maxima(cam: Float[np.ndarray, "y x"]) -> Bool[np.ndarray, "y x"]:
    """Return the first place of each plateau (or single place) with only lower neighbours, of a map that has any."""
    first = np.zeros(cam.shape, dtype=bool)
    left = cam >= _highest_around(cam)
    while left.any():
        start = np.unravel_index(left.argmax(), cam.shape)
        plateau = np.zeros_like(left)
        plateau[start] = True
        while (wider := (_highest_around(plateau) > 0) & (cam == cam[start])).sum() > plateau.sum():
            plateau = wider
        rim = (_highest_around(plateau) > 0) & ~plateau
        first[start] = rim.any() and bool((cam[rim] < cam[start]).all())
        left &= ~plateau
    return first


def _highest_around(grid: Shaped[np.ndarray, "y x"]) -> Float[np.ndarray, "y x"]:
    """Return the highest of each place and its eight neighbours."""
    padded = np.pad(grid.astype(np.float64), 1, constant_values=-np.inf)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, (3, 3)).max(axis=(2, 3)))


def _smallest_around(place: Float[np.ndarray, "2 n"], boxes: Float[np.ndarray, "b 4"]) -> Float[np.ndarray, " n"]:
    """Return the index of the smallest box around each place; -1 where there is none."""
    index = np.full(place.shape[1], -1.0)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    for number in np.argsort(-area, kind="stable"):
        left, top, right, bottom = boxes[number]
        index[(place[0] >= left) & (place[0] < right) & (place[1] >= top) & (place[1] < bottom)] = number
    return index
