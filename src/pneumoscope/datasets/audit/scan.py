"""Each image looked at once: what its pixels are like, small enough to hold for all of them."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float32
from PIL import Image
from scipy.ndimage import laplace

from pneumoscope.core import InputError
from pneumoscope.datasets.pixels import read_grey, resized

THUMBNAIL_PX = 32
# Sharpness is compared at one size, or the file's size would be measured.
_SHARPNESS_PX = 128
# An image whose grey values lie closer together than this, or of which nearly all is one value, shows nothing.
_FLAT_DEVIATION = 0.01
_ONE_VALUE = 0.98

Progress = Callable[[Iterable["Look"]], Iterator["Look"]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """One image: `problem` where it could not be read, else its numbers; grey in [0, 1]."""

    problem: str | None = None
    sha256: str = ""
    mode: str = ""
    width_px: int = 0
    height_px: int = 0
    mean: float = np.nan
    deviation: float = np.nan
    sharpness: float = np.nan
    blank: bool = False
    thumbnail: Float32[np.ndarray, "a b"] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """All looks as a table (index as the rows'), and thumbnails of those that could be read."""

    table: pd.DataFrame
    thumbnails: Float32[np.ndarray, "n a b"]


def scan(paths: "pd.Series[str]", *, progress: Progress = iter) -> Scan:
    """Look at every file; unreadable ones have a `problem` and NaN."""
    with ThreadPoolExecutor() as pool:
        looks = list(progress(pool.map(look, paths)))
    fields = ("problem", "sha256", "mode", "width_px", "height_px", "mean", "deviation", "sharpness", "blank")
    table = pd.DataFrame({name: [getattr(one, name) for one in looks] for name in fields}, index=paths.index)
    thumbnails = [one.thumbnail for one in looks if one.thumbnail is not None]
    empty = np.zeros((0, THUMBNAIL_PX, THUMBNAIL_PX), dtype=np.float32)
    return Scan(table, np.stack(thumbnails) if thumbnails else empty)


def look(path: str) -> Look:
    """One file's numbers."""
    try:
        pixels = read_grey(path)
        sha256 = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except (InputError, OSError) as error:
        return Look(problem=str(error))
    height, width = pixels.shape
    thumbnail = resized(pixels, (THUMBNAIL_PX, THUMBNAIL_PX))
    deviation = float(pixels.std())
    counts = np.bincount((pixels * 255).astype(np.uint8).ravel(), minlength=256)
    return Look(
        sha256=sha256,
        mode=_mode(path),
        width_px=width,
        height_px=height,
        mean=float(pixels.mean()),
        deviation=deviation,
        sharpness=_sharpness(pixels),
        blank=bool(deviation < _FLAT_DEVIATION or counts.max() >= _ONE_VALUE * pixels.size),
        thumbnail=thumbnail,
    )


def _sharpness(pixels: Float32[np.ndarray, "h w"]) -> float:
    """Deviation of the Laplacian, as a share of the image's own, at one size; 0 where the image is flat."""
    small = resized(pixels, (_SHARPNESS_PX, _SHARPNESS_PX))
    deviation = small.std()
    return float(laplace(small).std() / deviation) if deviation > 0 else 0.0


def _mode(path: str) -> str:
    """How the file stores a pixel, such as L, RGB or RGBA; DICOM for DICOM."""
    try:
        with Image.open(path) as picture:
            return picture.mode
    except (OSError, ValueError, SyntaxError):
        return "DICOM"
