"""Stored values -> grey values in [0, 1], by the standard's pipeline (PS3.3 C.11, PS3.4 N.2).

Padding, modality, VOI and polarity are functions of the stored value alone, so each is worked out once for the
256 or 65,536 values that can occur, and the frame is looked up once at the end.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64, Integer, UInt
from pydicom import Dataset

from pneumoscope.core import Voi, VoiTable, VoiWindow
from pneumoscope.intake.header import integer, items, numbers, text
from pneumoscope.intake.limits import FEWEST_LEVELS, LARGEST_FLAT_SHARE, LARGEST_WHITE_SHARE
from pneumoscope.intake.lut import LookupTable, first_table, tables
from pneumoscope.intake.ranges import robust_range
from pneumoscope.intake.window import Window

_ROWS_AT_A_TIME = 256
_GREY_LEVELS = 255


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Levels:
    """Every value that the pixels' type can hold, in order of its bits, on its way through the pipeline.

    Attributes:
        values: What each stored value has become.
        counts: How many pixels have it; 0 for padding.
        padding: Which are Pixel Padding Values.
        steps: What was done so far.
        voi: What made grey of the values after the modality transform; None before that was done.
    """

    values: Float64[np.ndarray, " levels"]
    counts: Int64[np.ndarray, " levels"]
    padding: Bool[np.ndarray, " levels"]
    steps: tuple[str, ...] = ()
    voi: Voi | None = None

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and largest value of a pixel that is no padding; (0, 0) where all are."""
        present = self.values[self.counts > 0]
        return (float(present.min()), float(present.max())) if present.size else (0.0, 0.0)

    def become(self, values: Float64[np.ndarray, " levels"], *, step: str) -> "Levels":
        """Return these levels after one more transform."""
        return replace(self, values=values, steps=(*self.steps, step))

    def note(self, step: str) -> "Levels":
        """Return these levels, unchanged, with a remark."""
        return replace(self, steps=(*self.steps, step))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grey:
    """An image as grey values in [0, 1], 0 for air and for padding, how they came about and what displays the same."""

    pixels: Float32[np.ndarray, "h w"]
    steps: tuple[str, ...]
    voi: Voi | None


def to_grey(stored: Integer[np.ndarray, "h w"], header: Dataset) -> Grey:
    """Return the grey values of a frame, by padding, modality, VOI and polarity."""
    codes: UInt[np.ndarray, "h w"] = stored.view(f"u{stored.itemsize}")
    levels = without_padding(levels_of(stored), header)
    levels = with_polarity(with_voi(with_modality(levels, header), header), header)
    table = np.where(levels.padding, 0.0, levels.values).astype(np.float32)
    return Grey(pixels=table[codes], steps=levels.steps, voi=levels.voi)


def levels_of(stored: Integer[np.ndarray, "h w"]) -> Levels:
    """Return the levels of a frame, before any transform."""
    kind = f"u{stored.itemsize}"
    n_levels = 256**stored.itemsize
    counts = np.zeros(n_levels, dtype=np.int64)
    for row in range(0, stored.shape[0], _ROWS_AT_A_TIME):  # bincount widens its input to 64 bits
        block = stored[row : row + _ROWS_AT_A_TIME].view(kind)
        counts += np.bincount(block.ravel(), minlength=n_levels)
    values = np.arange(n_levels, dtype=kind).view(stored.dtype).astype(np.float64)
    levels = Levels(values=values, counts=counts, padding=np.zeros(n_levels, dtype=np.bool_))
    sign = "signed" if np.issubdtype(stored.dtype, np.signedinteger) else "unsigned"
    low, high = levels.range
    return levels.note(f"stored values: {low:g} to {high:g}, {sign}")


def without_padding(levels: Levels, header: Dataset) -> Levels:
    """Return levels whose statistics leave out Pixel Padding Value (to Pixel Padding Range Limit), air in the end.

    Source:
        PS3.3 C.7.5.1.1.2.
    """
    value = integer(header, "PixelPaddingValue")
    if value is None:
        return levels
    limit = integer(header, "PixelPaddingRangeLimit")
    ends = [_as_stored(end, levels) for end in (value, value if limit is None else limit)]
    padding = (levels.values >= min(ends)) & (levels.values <= max(ends))
    step = f"padding: {int(levels.counts[padding].sum()):,} pixels of {min(ends):g} to {max(ends):g} set to air"
    return replace(levels, padding=padding, counts=np.where(padding, 0, levels.counts), steps=(*levels.steps, step))


def with_modality(levels: Levels, header: Dataset) -> Levels:
    """Return the levels through the Modality LUT, or Rescale Slope and Intercept.

    Source:
        PS3.3 C.11.1.1.
    """
    if items(header, "ModalityLUTSequence"):
        table = first_table(header, "ModalityLUTSequence", signed=bool(levels.values.min() < 0))
        if table is None:
            return levels.note("modality LUT: ignored, its descriptor and data do not agree")
        return levels.become(table.apply(levels.values), step=f"modality LUT: {table}")
    rescale = rescale_of(header)
    if rescale is None:
        said = [text(header, keyword) or "none" for keyword in ("RescaleSlope", "RescaleIntercept")]
        ignored = f"rescale: slope {said[0]} intercept {said[1]}: ignored, it has no meaning"
        return levels if said == ["none", "none"] else levels.note(ignored)
    if rescale == (1.0, 0.0):
        return levels
    slope, intercept = rescale
    return levels.become(levels.values * slope + intercept, step=f"rescale: slope {slope:g} intercept {intercept:g}")


def rescale_of(header: Dataset) -> tuple[float, float] | None:
    """Return Rescale Slope and Intercept; None where they are not one finite number each, or the slope is 0."""
    slopes, intercepts = numbers(header, "RescaleSlope"), numbers(header, "RescaleIntercept")
    if len(slopes) != 1 or len(intercepts) != 1:
        return None
    slope, intercept = slopes[0], intercepts[0]
    return (slope, intercept) if slope != 0 and np.isfinite([slope, intercept]).all() else None


def with_voi(levels: Levels, header: Dataset) -> Levels:
    """Return grey levels: the first VOI LUT or window that shows the image, else the range of its values.

    One that leaves the image blank does not show it, and one that saturates half of it only where there is no other: a
    stray value in the header must not make a blank image. Each one that is passed over is among the steps.

    Source:
        PS3.3 C.11.2.1 (VOI LUTs and windows are alternatives, each of them several).
    """
    inverted = text(header, "PhotometricInterpretation") == "MONOCHROME1"
    found = tables(header, "VOILUTSequence", signed=bool(levels.values.min() < 0))
    windows = list(windows_of(header))
    if len(found) < len(items(header, "VOILUTSequence")):
        levels = levels.note("VOI LUT: ignored, its descriptor and data do not agree")
    if not windows and (text(header, "WindowCenter") or text(header, "WindowWidth")):
        levels = levels.note("window: ignored, not two numbers")
    alternatives = [_through_voi_table(levels, table) for table in found]
    for window in windows:
        if problem := window.problem:
            levels = levels.note(f"window: {window}: ignored, {problem}")
        else:
            alternatives.append(_through_window(levels, window))
    views = [(seen, _share_lost(seen, inverted=inverted)) for seen in alternatives]
    best = next((seen for seen, lost in views if lost is _Lost.LITTLE), None)
    best = best or next((seen for seen, lost in views if lost is _Lost.MUCH), None)
    passed_over = alternatives if best is None else alternatives[: alternatives.index(best)]
    for seen in passed_over:
        levels = levels.note(f"{seen.steps[-1]}: ignored, {_BLANK}")
    return _stretched(levels) if best is None else replace(best, steps=(*levels.steps, best.steps[-1]))


_BLANK = "it leaves nearly all of the image in one grey level, or white"


class _Lost(Enum):
    """How much of an image a transform to grey leaves unseen."""

    LITTLE = auto()
    MUCH = auto()
    ALL = auto()


def windows_of(header: Dataset) -> Iterator[Window]:
    """Yield the header's windows in order, with or without a `problem`; none where they are not numbers."""
    function = text(header, "VOILUTFunction").upper() or "LINEAR"
    for center, width in zip(numbers(header, "WindowCenter"), numbers(header, "WindowWidth"), strict=False):
        yield Window(center=center, width=width, function=function)


def declared_voi(header: Dataset) -> Voi | None:
    """Return the header's first VOI LUT, else its first window that has a meaning, whatever the pixels are."""
    if table := first_table(header, "VOILUTSequence", signed=False):
        return VoiTable(first=table.first, entries=table.grey)
    window = next((one for one in windows_of(header) if one.problem is None), None)
    return None if window is None else VoiWindow(center=window.center, width=window.width, function=window.function)


def with_polarity(levels: Levels, header: Dataset) -> Levels:
    """Return MONOCHROME1 levels, whose smallest value is white, inverted; after VOI, whose windows are not inverted.

    Presentation LUT Shape says the same of the same images (INVERSE with MONOCHROME1, IDENTITY with MONOCHROME2)
    and is no second inversion; where it disagrees, Photometric Interpretation holds.

    Source:
        PS3.3 C.7.6.3.1.2, C.8.11.3.1.2, C.11.6.
    """
    inverted = text(header, "PhotometricInterpretation") == "MONOCHROME1"
    shape = text(header, "PresentationLUTShape")
    if shape in {"INVERSE", "IDENTITY"} and inverted != (shape == "INVERSE"):
        levels = levels.note(f"Presentation LUT Shape {shape} ignored: it contradicts Photometric Interpretation")
    return levels.become(1 - levels.values, step="MONOCHROME1: inverted") if inverted else levels


def _through_voi_table(levels: Levels, table: LookupTable) -> Levels:
    seen = levels.become(table.apply(levels.values) / (2**table.bits - 1), step=f"VOI LUT: {table}")
    return replace(seen, voi=VoiTable(first=table.first, entries=table.grey))


def _through_window(levels: Levels, window: Window) -> Levels:
    seen = levels.become(window.apply(levels.values), step=f"window: {window}")
    return replace(seen, voi=VoiWindow(center=window.center, width=window.width, function=window.function))


def _share_lost(seen: Levels, *, inverted: bool) -> _Lost:
    """Return how much is lost, by the bounds that `check_pixel_content` has."""
    total = seen.counts.sum()
    if not total:
        return _Lost.LITTLE
    grey = np.rint(seen.values * _GREY_LEVELS).astype(np.intp)
    shares = np.bincount(grey, weights=seen.counts, minlength=_GREY_LEVELS + 1) / total
    n_levels, n_values = np.count_nonzero(shares), np.count_nonzero(seen.counts)
    if shares.max() >= LARGEST_FLAT_SHARE or (n_levels < FEWEST_LEVELS and n_values > _GREY_LEVELS):
        return _Lost.ALL
    white = shares[0] if inverted else shares[-1]
    return _Lost.MUCH if white > LARGEST_WHITE_SHARE else _Lost.LITTLE


def _stretched(levels: Levels) -> Levels:
    if not levels.counts.any():
        return levels.become(np.zeros_like(levels.values), step="range: 0 to 0")
    low, high, beyond = robust_range(levels.values, levels.counts)
    width = high - low
    values = np.clip((levels.values - low) / width, 0.0, 1.0) if width > 0 else np.zeros_like(levels.values)
    clipped = ", {:,} pixels outside it clipped, of {:g} to {:g}".format(beyond, *levels.range) if beyond else ""
    seen = levels.become(values, step=f"range: {low:g} to {high:g}{clipped}")
    voi = VoiWindow(center=(low + high) / 2, width=width, function="LINEAR_EXACT") if width > 0 else None
    return replace(seen, voi=voi)


def _as_stored(value: int, levels: Levels) -> float:
    """Return a padding value as the pixels' type holds it; headers write the same 16 bits as signed or unsigned."""
    return float(levels.values[value % levels.values.size])
