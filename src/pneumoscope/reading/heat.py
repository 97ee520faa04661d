"""Class activation maps as heat maps on the radiograph's own pixel grid."""

import numpy as np
from jaxtyping import Float, Float32
from PIL import Image

from pneumoscope.image import Crop
from pneumoscope.model import Calibration


def heat_map(
    cam: Float[np.ndarray, "y x"], calibration: Calibration, *, crop: Crop, shape: tuple[int, int]
) -> Float32[np.ndarray, "h w"]:
    """Return local suspicion in [0, 1]: the probability if the whole image looked like this place.

    The map's mean is the image's logit, so it is on an absolute scale: a calm image stays calm, where a map that is
    stretched to its own maximum would show a hot spot in every lung. Zero outside the crop that the model saw.

    Args:
        cam: The artefact's output `cam` of one image and label, logits.
        calibration: The card's, as for the probability.
        crop: Where in the radiograph the model looked.
        shape: Rows and columns of the radiograph.

    Source:
        Zhou et al., CVPR 2016, equation 2; Rajpurkar et al., arXiv 1711.05225, section 4.
    """
    size = (crop.right - crop.left, crop.bottom - crop.top)
    logits = Image.fromarray(cam.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    heat = np.zeros(shape, dtype=np.float32)
    heat[crop.top : crop.bottom, crop.left : crop.right] = calibration.probability(np.asarray(logits))
    return heat
