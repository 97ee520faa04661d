"""The preprocessing recipe: data that travels inside the model artefact, so training and reading cannot differ."""

from dataclasses import dataclass
from typing import Literal, get_args

from pneumoscope.core import ArtifactError

Fit = Literal["stretch", "centre square"]
Resampling = Literal["bilinear", "bicubic", "gaussian"]
Grey = Literal["percentiles", "full range"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How grey values in [0, 1] become the model's input.

    Attributes:
        size_px: Side of the square model input, pixels.
        flat_tolerance: A border line is trimmed while nearly all its pixels lie this close to black or white.
        flat_share: What "nearly all" means: share of the line's pixels, in (0, 1].
        largest_trim: At most this share of rows (columns) is trimmed from each side.
        low_percentile: Grey percentile of the trimmed image that becomes -1; below it is clipped.
        high_percentile: Grey percentile that becomes +1; above it is clipped.
        fit: How the trimmed image becomes a square: stretched, or its central square alone.
        centre_share: Share of the square's side that the model sees, around its centre, in (0, 1].
        resampling: `bilinear` and `bicubic` are Pillow's, with antialiasing; `gaussian` is scikit-image's: a Gaussian
            filter, then linear interpolation.
        grey: `percentiles` as above, or `full range`: 0 becomes -1 and 1 becomes +1 whatever the image holds.
    """

    size_px: int = 224
    flat_tolerance: float = 0.02
    flat_share: float = 0.98
    largest_trim: float = 0.25
    low_percentile: float = 0.5
    high_percentile: float = 99.5
    fit: Fit = "stretch"
    centre_share: float = 1.0
    resampling: Resampling = "bilinear"
    grey: Grey = "percentiles"

    def __post_init__(self) -> None:
        problems = [
            f"{name} must lie in {bounds}, got {value}"
            for name, value, bounds, valid in (
                ("size_px", self.size_px, "[32, 4096]", 32 <= self.size_px <= 4096),
                ("flat_tolerance", self.flat_tolerance, "[0, 0.5)", 0 <= self.flat_tolerance < 0.5),
                ("flat_share", self.flat_share, "(0, 1]", 0 < self.flat_share <= 1),
                ("largest_trim", self.largest_trim, "[0, 0.5)", 0 <= self.largest_trim < 0.5),
                ("centre_share", self.centre_share, "(0, 1]", 0 < self.centre_share <= 1),
                ("fit", self.fit, " or ".join(get_args(Fit)), self.fit in get_args(Fit)),
                (
                    "resampling",
                    self.resampling,
                    " or ".join(get_args(Resampling)),
                    self.resampling in get_args(Resampling),
                ),
                ("grey", self.grey, " or ".join(get_args(Grey)), self.grey in get_args(Grey)),
                (
                    "low_percentile and high_percentile",
                    (self.low_percentile, self.high_percentile),
                    "[0, 100], in order",
                    0 <= self.low_percentile < self.high_percentile <= 100,
                ),
            )
            if not valid
        ]
        if problems:
            raise ArtifactError(f"preprocessing recipe: {'; '.join(problems)}")

    def describe(self) -> str:
        """Return the recipe in one line, for reports."""
        trimmed = "flat borders trimmed, " if self.largest_trim > 0 else ""
        fit = "stretched" if self.fit == "stretch" else "central square resized"
        share = f", the central {self.centre_share:.1%} of each side" if self.centre_share < 1 else ""
        grey = (
            f"grey percentiles {self.low_percentile:g} to {self.high_percentile:g} scaled to [-1, 1]"
            if self.grey == "percentiles"
            else "full grey range scaled to [-1, 1]"
        )
        return f"{trimmed}{fit} to {self.size_px} x {self.size_px} pixels{share}, {grey}"
