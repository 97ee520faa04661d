"""The preprocessing recipe: data that travels inside the model artefact, so training and reading cannot differ."""

from dataclasses import dataclass

from pneumoscope.core import ArtifactError


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
    """

    size_px: int = 224
    flat_tolerance: float = 0.02
    flat_share: float = 0.98
    largest_trim: float = 0.25
    low_percentile: float = 0.5
    high_percentile: float = 99.5

    def __post_init__(self) -> None:
        problems = [
            f"{name} must lie in {bounds}, got {value}"
            for name, value, bounds, valid in (
                ("size_px", self.size_px, "[32, 4096]", 32 <= self.size_px <= 4096),
                ("flat_tolerance", self.flat_tolerance, "[0, 0.5)", 0 <= self.flat_tolerance < 0.5),
                ("flat_share", self.flat_share, "(0, 1]", 0 < self.flat_share <= 1),
                ("largest_trim", self.largest_trim, "[0, 0.5)", 0 <= self.largest_trim < 0.5),
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
        """The recipe in one line, for reports."""
        return (
            f"flat borders trimmed, stretched to {self.size_px} x {self.size_px} pixels, grey percentiles "
            f"{self.low_percentile:g} to {self.high_percentile:g} scaled to [-1, 1]"
        )
