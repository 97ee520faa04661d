"""Whether the answer rests on where the map is hot: it is painted over piece by piece, or shown piece by piece."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from pneumoscope.reading import hottest, upsampled

Images = UInt8[np.ndarray, "n size size"]
Maps = Float32[np.ndarray, "n y x"]

# Shares of the image that are painted over on the way from all shown to nothing shown.
STEPS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
CURVES = ("deletion_area", "insertion_area", "random_area")
_SEED = 0


def curve_areas(
    score: Callable[[Images], Float[np.ndarray, " n"]], images: Images, maps: Maps
) -> Float[np.ndarray, "n 3"]:
    """Return the areas under each image's curves, as `CURVES` names them; of the score, in its unit.

    Deletion paints over the hottest places first: a faithful map's area is small. Insertion shows the hottest first:
    large. The control does so in random order, from cells as large as the map's.

    Args:
        score: Answer for each image.
        images: Prepared images.
        maps: Their activation maps.

    Source:
        Petsiuk, Das and Saenko, BMVC 2018, section 4.2; here the image's mean grey stands for "nothing shown".
    """
    rng = np.random.default_rng(_SEED)
    shuffled = np.stack([rng.permutation(one.ravel()).reshape(one.shape) for one in maps])
    ends = [score(painted_over(images, maps, share=share)) for share in (STEPS[0], STEPS[-1])]
    areas = []
    for order in (maps, -maps, shuffled):
        between = [score(painted_over(images, order, share=share)) for share in STEPS[1:-1]]
        areas.append(np.trapezoid([ends[0], *between, ends[1]], STEPS, axis=0))
    return np.stack(areas, axis=1)


def painted_over(images: Images, maps: Maps, *, share: float) -> Images:
    """Return the images with their hottest places, that share of all, set to each image's mean grey."""
    painted = images.copy()
    for picture, one in zip(painted, maps, strict=True):
        grid = upsampled(one)
        mask = hottest(grid, count=round(share * grid.size))
        repeats = [-(-size // grid.shape[0]) for size in picture.shape]
        places: Bool[np.ndarray, "size size"] = np.kron(mask, np.ones(repeats, dtype=bool))[
            : picture.shape[0], : picture.shape[1]
        ]
        picture[places] = round(float(picture.mean()))
    return painted
