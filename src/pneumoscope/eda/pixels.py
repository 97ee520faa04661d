"""Measurements of the images themselves: brightness, contrast, sharpness, borders, and the mean image of a class."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32

from pneumoscope.datasets import each_image
from pneumoscope.eda.groups import NO_FINDING, VIEWS, has, require_finding, without_findings
from pneumoscope.image import Recipe, trim

GRID_PX = 128
DETAIL_PX = 224
BINS = 64
# A share of the side: lead markers (L, R, AP, PORTABLE) lie in the upper corners.
_CORNER, _BRIGHT = 0.15, 0.95

MEASURES = {
    "mean": "Mean intensity",
    "contrast": "Contrast",
    "sharpness": "Sharpness",
    "border": "Flat border",
    "corners": "Bright corners",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassMap:
    """The mean image of a class in a view, and the deviation between its images, in deviations of an image's pixels."""

    group: str
    view: str
    images: int
    mean: Float[np.ndarray, "grid grid"]
    deviation: Float[np.ndarray, "grid grid"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Share of pixels in each of `BINS` equal steps from black to white, over all images of a class in a view."""

    group: str
    view: str
    images: int
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """What was measured.

    Attributes:
        table: A row a readable image, indexed as the manifest: `mean` and `contrast` (mean and deviation of grey in
            [0, 1]), `sharpness` (deviation of the Laplacian at `DETAIL_PX` over the contrast), `border` (share of the
            area that is a flat frame), `corners` (share of the upper corners that is nearly white).
        unreadable: A sentence for each image that could not be read.
    """

    table: pd.DataFrame
    maps: tuple[ClassMap, ...]
    histograms: tuple[Histogram, ...]
    unreadable: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Film:
    numbers: tuple[float, ...]
    small: Float32[np.ndarray, "grid grid"]
    histogram: Float[np.ndarray, " bins"]


def measure_pixels(
    manifest: pd.DataFrame, *, finding: str, watch: Callable[[Iterable[Any]], Iterable[Any]] = iter
) -> Measured:
    """Measure every image that the manifest has a path for; `watch` sees them pass, for progress.

    Raises:
        ConfigError: The finding is unknown, or labelled in no row.
    """
    require_finding(manifest, finding)
    rows = manifest[manifest["path"].notna()] if has(manifest, "path") else manifest.iloc[:0]
    group = np.where(manifest[finding] == 1, finding, np.where(without_findings(manifest), NO_FINDING, ""))
    keys = dict(zip(manifest.index, zip(group.tolist(), manifest["view"].fillna("unknown"), strict=True), strict=True))
    sums: dict[tuple[str, str], _Sums] = {}
    numbers: dict[Any, tuple[float, ...]] = {}
    unreadable = []
    for seen in watch(each_image(rows, _measured)):
        film = seen.found
        if film is None:
            unreadable.append(str(seen.problem))
            continue
        index = rows.index[seen.row]
        numbers[index] = film.numbers
        name, view = keys[index]
        if name:
            sums.setdefault((name, view), _Sums()).add(film)
    order = sorted(sums, key=lambda key: (key[0] != finding, key[1] not in VIEWS or VIEWS.index(key[1])))
    return Measured(
        table=pd.DataFrame.from_dict(numbers, orient="index", columns=list(MEASURES)),
        maps=tuple(sums[key].map(*key) for key in order),
        histograms=tuple(sums[key].shares(*key) for key in order),
        unreadable=tuple(unreadable),
    )


class _Sums:
    """Running sums of one class in one view."""

    def __init__(self) -> None:
        self.images = 0
        self.total = np.zeros((GRID_PX, GRID_PX))
        self.squares = np.zeros((GRID_PX, GRID_PX))
        self.histogram = np.zeros(BINS)

    def add(self, film: _Film) -> None:
        self.images += 1
        self.total += film.small
        self.squares += film.small.astype(float) ** 2
        self.histogram += film.histogram

    def map(self, group: str, view: str) -> ClassMap:
        mean = self.total / self.images
        variance = np.maximum(self.squares / self.images - mean**2, 0)
        return ClassMap(group=group, view=view, images=self.images, mean=mean, deviation=np.sqrt(variance))

    def shares(self, group: str, view: str) -> Histogram:
        shares = self.histogram / self.images
        return Histogram(group=group, view=view, images=self.images, shares=tuple(shares.round(5).tolist()))


def _measured(pixels: Float32[np.ndarray, "h w"]) -> _Film:
    mean, contrast = float(pixels.mean()), float(pixels.std())
    detail = _resized(pixels, DETAIL_PX)
    small = _resized(detail, GRID_PX)
    crop = trim(pixels, Recipe())
    inside = (crop.bottom - crop.top) * (crop.right - crop.left) / pixels.size
    numbers = (mean, contrast, _sharpness(detail, contrast), 1 - inside, _corners(detail))
    histogram = np.histogram(detail, bins=BINS, range=(0, 1))[0] / detail.size
    scaled = (small - small.mean()) / max(float(small.std()), 1e-6)
    return _Film(numbers, scaled.astype(np.float32), histogram)


def _resized(pixels: Float32[np.ndarray, "h w"], side_px: int) -> Float32[np.ndarray, "side side"]:
    from PIL import Image

    size = (side_px, side_px)
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0))


def _sharpness(detail: Float32[np.ndarray, "h w"], contrast: float) -> float:
    middle = detail[1:-1, 1:-1]
    laplacian = detail[:-2, 1:-1] + detail[2:, 1:-1] + detail[1:-1, :-2] + detail[1:-1, 2:] - 4 * middle
    return float(laplacian.std()) / max(contrast, 1e-6)


def _corners(detail: Float32[np.ndarray, "h w"]) -> float:
    side = round(_CORNER * DETAIL_PX)
    return float(np.mean([(corner >= _BRIGHT).mean() for corner in (detail[:side, :side], detail[:side, -side:])]))
