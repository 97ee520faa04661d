"""Where in the image the model's answer comes from, and how far radiologists agree."""

from pneumoscope.explain.heat import heat_map
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

__all__ = ["Agreement", "Marks", "agreement", "box_mask", "free_response", "heat_map", "hottest", "marks", "upsampled"]
