"""Whether the heat lies in the lungs: heat elsewhere raised the score by something that pneumonia is not."""

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image, ImageFilter

from pneumoscope.reading.localisation import hottest, upsampled

# Share of the places that count as hot; a threshold on heat would find none on a calm image.
HOT_SHARE = 0.2
# Places (of `explain.localisation.GRID` a side) around the lungs that still count as lungs: pleura and hila, and a
# map as coarse as 7 x 7 cannot keep to an edge.
MARGIN = 3


def heat_outside_lungs(cam: Float[np.ndarray, "y x"], lungs: Float[np.ndarray, "rows columns"]) -> float:
    """Return the share, in [0, 1], of the heat in the map's hottest fifth that lies outside the lungs.

    Heat counts above the map's own median. Neither the map's scale nor its offset matters. A flat map has its heat
    everywhere: the share of area outside.

    Args:
        cam: Activation map of one image.
        lungs: Probability of lying in a lung, on any grid over the same part of the image.
    """
    outside, heat = ~lung_field(lungs), upsampled(cam)
    hot = hottest(heat, count=round(HOT_SHARE * heat.size))
    excess = np.where(hot, np.maximum(heat - np.median(heat), 0), 0)
    return float(excess[outside].sum() / excess.sum()) if excess.any() else float(outside.mean())


def lung_field(lungs: Float[np.ndarray, "rows columns"]) -> Bool[np.ndarray, "grid grid"]:
    """Return the lungs with their margin, on the grid on which heat is judged."""
    inside = (upsampled(lungs) >= 0.5).astype(np.uint8)
    return np.asarray(Image.fromarray(inside).filter(ImageFilter.MaxFilter(2 * MARGIN + 1))) > 0
