"""Stored values -> grey values in [0, 1], by the standard's pipeline (PS3.3 C.11, PS3.4 N.2).

Padding, modality, VOI and polarity are functions of the stored value alone, so each is worked out once for the
256 or 65,536 values that can occur, and the frame is looked up once at the end.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64, Integer, UInt
from pydicom import Dataset

from pneumoscope.intake.header import integer, items, numbers, text
from pneumoscope.intake.lut import first_table
from pneumoscope.intake.window import Window

_ROWS_AT_A_TIME = 256
_FLAT_SHARE = 0.99
_GREY_LEVELS = 255


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Levels:
    """Every value that the pixels' type can hold, in order of its bits, on its way through the pipeline.

    Attributes:
        values: What each stored value has become.
        counts: How many pixels have it; 0 for padding.
        padding: Which are Pixel Padding Values.
        steps: What was done so far.
    """

    values: Float64[np.ndarray, " levels"]
    counts: Int64[np.ndarray, " levels"]
    padding: Bool[np.ndarray, " levels"]
    steps: tuple[str, ...] = ()

    @property
    def range(self) -> tuple[float, float]:
        """Smallest and largest value of a pixel that is no padding; (0, 0) where all are."""
        present = self.values[self.counts > 0]
        return (float(present.min()), float(present.max())) if present.size else (0.0, 0.0)

    def become(self, values: Float64[np.ndarray, " levels"], *, step: str) -> "Levels":
        """These levels after one more transform."""
        return replace(self, values=values, steps=(*self.steps, step))

    def note(self, step: str) -> "Levels":
        """These levels, unchanged, with a remark."""
        return replace(self, steps=(*self.steps, step))


def to_grey(stored: Integer[np.ndarray, "h w"], header: Dataset) -> tuple[Float32[np.ndarray, "h w"], tuple[str, ...]]:
    """Grey values in [0, 1], 0 for air and for padding, and the steps that led to them."""
    codes: UInt[np.ndarray, "h w"] = stored.view(f"u{stored.itemsize}")
    levels = without_padding(levels_of(stored), header)
    levels = with_polarity(with_voi(with_modality(levels, header), header), header)
    table = np.where(levels.padding, 0.0, levels.values).astype(np.float32)
    return table[codes], levels.steps


def levels_of(stored: Integer[np.ndarray, "h w"]) -> Levels:
    """The levels of a frame, before any transform."""
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
    """Pixel Padding Value (to Pixel Padding Range Limit) left out of statistics; it becomes air in the end.

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
    """Modality LUT, or Rescale Slope and Intercept.

    Source:
        PS3.3 C.11.1.1.
    """
    if items(header, "ModalityLUTSequence"):
        return _through_table(levels, "ModalityLUTSequence", header=header, name="modality LUT")
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
    """Rescale Slope and Intercept; None where they are not one finite number each, or the slope is 0."""
    slopes, intercepts = numbers(header, "RescaleSlope"), numbers(header, "RescaleIntercept")
    if len(slopes) != 1 or len(intercepts) != 1:
        return None
    slope, intercept = slopes[0], intercepts[0]
    return (slope, intercept) if slope != 0 and np.isfinite([slope, intercept]).all() else None


def with_voi(levels: Levels, header: Dataset) -> Levels:
    """The first VOI LUT, else the first window, if it shows the image; else smallest to largest value.

    A window that puts 99 % of the pixels into one of 256 grey levels does not show it: a stray value in the
    header must not make a blank image.

    Source:
        PS3.3 C.11.2.1.
    """
    if items(header, "VOILUTSequence"):
        seen = _through_table(levels, "VOILUTSequence", header=header, name="VOI LUT", full_scale=True)
        if seen.values is not levels.values:
            return _unless_flat(seen, before=levels)
        levels = seen
    window = window_of(header)
    if window is not None and window.problem is None:
        seen = levels.become(window.apply(levels.values), step=f"window: {window}")
        return _unless_flat(seen, before=levels)
    if window is not None:
        levels = levels.note(f"window: {window}: ignored, {window.problem}")
    elif text(header, "WindowCenter") or text(header, "WindowWidth"):
        levels = levels.note("window: ignored, not two numbers")
    return _stretched(levels)


def window_of(header: Dataset) -> Window | None:
    """The first window, with or without a `problem`; None where Window Center or Width are not numbers."""
    centers, widths = numbers(header, "WindowCenter"), numbers(header, "WindowWidth")
    if not centers or not widths:
        return None
    return Window(center=centers[0], width=widths[0], function=text(header, "VOILUTFunction").upper() or "LINEAR")


def with_polarity(levels: Levels, header: Dataset) -> Levels:
    """MONOCHROME1, whose smallest value is white, inverted; after VOI, so that windows are in its own values.

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


def _through_table(levels: Levels, keyword: str, *, header: Dataset, name: str, full_scale: bool = False) -> Levels:
    """Levels through a LUT; with `full_scale` the output's bits become [0, 1]. Unchanged where it is damaged."""
    table = first_table(header, keyword, signed=bool(levels.values.min() < 0))
    if table is None:
        return levels.note(f"{name}: ignored, its descriptor and data do not agree")
    values = table.apply(levels.values)
    return levels.become(values / (2**table.bits - 1) if full_scale else values, step=f"{name}: {table}")


def _unless_flat(seen: Levels, *, before: Levels) -> Levels:
    total = seen.counts.sum()
    shares = np.bincount(np.rint(seen.values * _GREY_LEVELS).astype(np.intp), weights=seen.counts)
    if shares.max() < _FLAT_SHARE * total:
        return seen
    return _stretched(before.note(f"{seen.steps[-1]}: ignored, it leaves 99 % of the image in one grey level"))


def _stretched(levels: Levels) -> Levels:
    low, high = levels.range
    width = high - low
    values = np.clip((levels.values - low) / width, 0.0, 1.0) if width > 0 else np.zeros_like(levels.values)
    return levels.become(values, step=f"range: {low:g} to {high:g}")


def _as_stored(value: int, levels: Levels) -> float:
    """A padding value as the pixels' type holds it; headers write the same 16 bits as signed or unsigned."""
    return float(levels.values[value % levels.values.size])
