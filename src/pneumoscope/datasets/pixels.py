"""The one way from a manifest to pixels: every source, every format, decoded as the reading path decodes.

    for image in load_images(manifest, recipe):        # in order, bounded memory
        if image.problem is None:
            use(image.row, image.levels)

Training, cache, audit, EDA and evaluation read images through here and through nothing else.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import pandas as pd
from jaxtyping import Float32, UInt8
from PIL import Image

from pneumoscope.core import UnreadableError, map_in_order
from pneumoscope.image import Crop, Recipe, prepare
from pneumoscope.intake import read_radiograph

Grey = Float32[np.ndarray, "h w"]
Found = TypeVar("Found")

NO_PATH = "no file: the manifest has no path"
_WORKERS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Seen(Generic[Found]):
    """One row of a manifest and what its image gave; exactly one of `found` and `problem` is None.

    Attributes:
        row: Its position in the manifest.
        found: What was computed from the pixels.
        problem: Why there is nothing: what was expected and what was found, with the path.
    """

    row: int
    found: Found | None
    problem: str | None


@dataclass(frozen=True, slots=True, eq=False)
class LoadedImage:
    """One image, prepared for a model.

    Attributes:
        row: Position in the manifest.
        levels: The model's input, from [-1, 1] to 0..255 (8 bits, as training holds it); None where it failed.
        crop: The part of the image that the model sees; None where it failed.
        shape: Rows and columns of the whole image.
        problem: Why the image could not be loaded; None where it was.
    """

    row: int
    levels: UInt8[np.ndarray, "size size"] | None = None
    crop: Crop | None = None
    shape: tuple[int, int] = (0, 0)
    problem: str | None = None


def load_images(
    manifest: pd.DataFrame, recipe: Recipe, *, change: Callable[[Grey], Grey] | None = None
) -> Iterator[LoadedImage]:
    """Yield every row's image by the recipe that inference uses; what failed says why, and no row is left out.

    Args:
        manifest: Any source; `path` names a DICOM, PNG or JPEG file of any bit depth.
        recipe: Of the model.
        change: Done to the grey values before they are prepared.
    """

    def loaded(grey: Grey) -> tuple[UInt8[np.ndarray, "size size"], Crop, tuple[int, int]]:
        prepared = prepare(grey if change is None else change(grey), recipe)
        return np.round((prepared.array[0] + 1) * 127.5).astype(np.uint8), prepared.crop, grey.shape

    for seen in each_image(manifest, loaded):
        if seen.found is None:
            yield LoadedImage(seen.row, problem=seen.problem)
        else:
            yield LoadedImage(seen.row, *seen.found)


def each_image(manifest: pd.DataFrame, measure: Callable[[Grey], Found]) -> Iterator[Seen[Found]]:
    """Yield what `measure` makes of every row's grey values, in order; decoded in threads, bounded memory."""

    def see(at: tuple[int, object]) -> Seen[Found]:
        row, path = at
        if not isinstance(path, str) or not path:
            return Seen(row, None, NO_PATH)
        try:
            return Seen(row, measure(read_grey(path)), None)
        except UnreadableError as error:
            return Seen(row, None, str(error))

    paths = manifest["path"] if "path" in manifest else pd.Series([None] * len(manifest))
    yield from map_in_order(see, enumerate(paths), workers=_WORKERS)


def read_grey(path: str | Path) -> Grey:
    """Return the grey values in [0, 1], 0 black, of a DICOM, PNG or JPEG file, as the reading path decodes it.

    Raises:
        UnreadableError: It cannot be read, or is coloured or has several frames.
    """
    pixels = read_radiograph(Path(path)).pixels
    if pixels is None:
        raise UnreadableError("pixel_data", expected="one grey frame", found="colour or several", path=str(path))
    return pixels


def resized(pixels: Grey, size: tuple[int, int]) -> Float32[np.ndarray, "a b"]:
    """Return the whole image stretched to `size` (width, height) by averaging."""
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))


def to_bytes(pixels: Grey) -> UInt8[np.ndarray, "h w"]:
    """Return [0, 1] as 0 to 255, rounded."""
    levels: UInt8[np.ndarray, "h w"] = np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    return levels
