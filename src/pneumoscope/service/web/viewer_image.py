"""The radiograph as the viewer gets it (16-bit grey values, orientation, scale), and its heat map."""

import io
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from PIL import Image as Pictures
from pydicom import Dataset

from pneumoscope.core import Geometry, InputError, UnreadableError
from pneumoscope.intake import read_radiograph
from pneumoscope.results import HEAT_THRESHOLD, heat_opacity, heat_rgb

LONGEST_PX = 4096
"""A larger image is reduced for the screen: the largest detectors have 4300 pixels on a side."""

_WHITE = 65535
_HEAT_PX = 512  # the heat is smooth, and the browser stretches it over the image
_BOX_GRID_PX = 128
_SMALLEST_BOX = 12  # grid cells: less is noise of the interpolation
_OPPOSITE = str.maketrans("LRAPHF", "RLPAFH")


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewerImage:
    """A radiograph as the viewer shows it.

    Attributes:
        grey: Rows of little-endian 16-bit values, 0 black, as the header's own transforms make them.
        spacing_mm: Size of a pixel; None where the header does not say.
        at_detector: Whether that is at the detector, and so larger than in the patient.
        sides: Anatomical direction at the left, right, top and bottom edge; empty where the header does not say.
    """

    grey: bytes
    rows: int
    columns: int
    spacing_mm: float | None
    at_detector: bool
    sides: tuple[str, str, str, str]

    @property
    def headers(self) -> dict[str, str]:
        """Return all but the grey values, as HTTP headers."""
        return {
            "image-rows": str(self.rows),
            "image-columns": str(self.columns),
            "image-spacing-mm": "" if self.spacing_mm is None else f"{self.spacing_mm:.5g}",
            "image-spacing-at": "detector" if self.at_detector else "",
            "image-sides": "|".join(self.sides),
        }


@lru_cache(maxsize=4)
def viewer_image(path: Path) -> ViewerImage:
    """Read a received file for the viewer.

    Raises:
        InputError: It cannot be shown; the words are fit for a person and do not name the file.
    """
    try:
        radiograph = read_radiograph(path)
    except UnreadableError as error:
        raise InputError(f"{error.check}: expected {error.expected}, found {error.found}") from error
    if radiograph.pixels is None:
        raise InputError("pixels: expected a single grey frame, found something else")
    pixels, scale = _reduced(radiograph.pixels)
    rows, columns = pixels.shape
    header = radiograph.header if radiograph.header is not None else Dataset()
    spacing_mm, at_detector = _spacing(header, radiograph.geometry)
    return ViewerImage(
        grey=np.rint(np.clip(pixels, 0, 1) * _WHITE).astype("<u2").tobytes(),
        rows=rows,
        columns=columns,
        spacing_mm=None if spacing_mm is None else spacing_mm * scale,
        at_detector=at_detector,
        sides=_sides(header, radiograph.geometry),
    )


def heat_of(path: Path) -> Float32[np.ndarray, "h w"]:
    """Return local suspicion in [0, 1] as it was kept beside the result.

    Raises:
        InputError: There is none.
    """
    try:
        with Pictures.open(path) as picture:
            grey = picture.convert("L")
            grey.thumbnail((_HEAT_PX, _HEAT_PX), Pictures.Resampling.BOX)
            return np.asarray(grey, dtype=np.float32) / 255
    except OSError as error:
        raise InputError("heat map: expected one beside the result, found none") from error


def heat_layer(heat: Float32[np.ndarray, "h w"]) -> bytes:
    """Return the heat as a transparent PNG in the Secondary Capture's colours, to lie over the image."""
    opacity = (heat_opacity(heat) * 255).round().astype(np.uint8)
    stream = io.BytesIO()
    Pictures.fromarray(np.concatenate([heat_rgb(heat), opacity[..., None]], axis=2)).save(stream, format="PNG")
    return stream.getvalue()


def scale_bar() -> bytes:
    """Return the heat's colours from 0 to 1 over mid grey, as a PNG."""
    heat = np.repeat(np.linspace(0, 1, 168, dtype=np.float32)[None], 2, axis=0)
    opacity = heat_opacity(heat)[..., None]
    mixed: UInt8[np.ndarray, "h w 3"] = (110 * (1 - opacity) + heat_rgb(heat) * opacity).round().astype(np.uint8)
    stream = io.BytesIO()
    Pictures.fromarray(mixed).save(stream, format="PNG")
    return stream.getvalue()


def boxes(heat: Float32[np.ndarray, "h w"]) -> list[tuple[float, float, float, float]]:
    """Return boxes around what is above the outline's threshold: left, top, right, bottom as shares of the image."""
    grid = np.asarray(Pictures.fromarray(heat).resize((_BOX_GRID_PX, _BOX_GRID_PX), Pictures.Resampling.BOX))
    left = np.asarray(grid > HEAT_THRESHOLD)
    found = []
    for start in zip(*np.nonzero(left), strict=True):
        if left[start]:
            rows, columns = np.array(_region(left, (int(start[0]), int(start[1])))).T
            if rows.size >= _SMALLEST_BOX:
                edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
                found.append(tuple(round(float(edge) / _BOX_GRID_PX, 4) for edge in edges))
    return found  # type: ignore[return-value]


def _region(left: Bool[np.ndarray, "h w"], start: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the connected cells around `start`, and take them out of `left`."""
    left[start] = False
    found, edge = [start], deque([start])
    while edge:
        row, column = edge.popleft()
        for cell in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            if min(cell) >= 0 and max(cell) < _BOX_GRID_PX and left[cell]:
                left[cell] = False
                found.append(cell)
                edge.append(cell)
    return found


def _reduced(pixels: Float32[np.ndarray, "h w"]) -> tuple[Float32[np.ndarray, "a b"], float]:
    """Return the pixels with at most `LONGEST_PX` on a side, and how many of them one pixel then stands for."""
    scale = max(pixels.shape) / LONGEST_PX
    if scale <= 1:
        return pixels, 1.0
    size = (round(pixels.shape[1] / scale), round(pixels.shape[0] / scale))
    return np.asarray(Pictures.fromarray(pixels).resize(size, Pictures.Resampling.BOX)), scale


def _spacing(header: Dataset, geometry: Geometry | None) -> tuple[float | None, bool]:
    """Return the size of an upright pixel, mm, and whether it is that at the detector; None where it is not known.

    Source:
        PS3.3 10.7.1.3: where the two differ, Pixel Spacing is corrected or calibrated; where they are alike, both are
        at the detector's front plane (C.8.11.7).
    """
    at_detector, calibrated = (_square(header, keyword, geometry) for keyword in ("ImagerPixelSpacing", "PixelSpacing"))
    if calibrated is None:
        return at_detector, at_detector is not None
    return calibrated, calibrated == at_detector


def _square(header: Dataset, keyword: str, geometry: Geometry | None) -> float | None:
    """Return the spacing where pixels, once upright, are square, mm; None where there is none to rely on."""
    try:
        down, across = (float(value) for value in header.get(keyword) or ())
    except (TypeError, ValueError):
        return None
    if geometry is not None:  # the size of the image stays, its grid changes
        stored, shown = geometry.stored_shape, geometry.shape[::-1] if geometry.transposed else geometry.shape
        down, across = down * stored[0] / shown[0], across * stored[1] / shown[1]
    return down if 0 < down < 10 and abs(down - across) < 0.01 * down else None


def _sides(header: Dataset, geometry: Geometry | None) -> tuple[str, str, str, str]:
    """Return letters for the edges of the upright image: left, right, top, bottom; empty where not known.

    Source:
        PS3.3 C.7.6.1.1.1: Patient Orientation has the direction of the rows, then of the columns.
    """
    words: tuple[str, ...]
    if geometry is not None and geometry.patient_orientation is not None:
        words = geometry.patient_orientation
    elif geometry is not None and geometry.is_turned:
        return "", "", "", ""  # turned by something else than the header's directions, which hold no longer
    else:
        said = header.get("PatientOrientation") or ()
        words = tuple(str(word).strip().upper() for word in said) if not isinstance(said, str) else ()
    if len(words) != 2 or not all(word and set(word) <= set("LRAPHF") for word in words):
        return "", "", "", ""
    across, down = words
    return across.translate(_OPPOSITE), across, down.translate(_OPPOSITE), down
