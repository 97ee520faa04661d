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
from pneumoscope.explain.lungs import heat_outside_lungs, lung_field
from pneumoscope.explain.showing import HeatVerdict, judge_heat

__all__ = [
    "Agreement",
    "HeatVerdict",
    "Marks",
    "agreement",
    "box_mask",
    "free_response",
    "heat_map",
    "heat_outside_lungs",
    "hottest",
    "judge_heat",
    "lung_field",
    "marks",
    "upsampled",
]
