"""How far activation maps agree with radiologists' boxes."""

from pneumoscope.explain.localisation import (
    Agreement,
    Marks,
    agreement,
    box_mask,
    free_response,
    hottest,
    marks,
    upsampled,
)

__all__ = ["Agreement", "Marks", "agreement", "box_mask", "free_response", "hottest", "marks", "upsampled"]
