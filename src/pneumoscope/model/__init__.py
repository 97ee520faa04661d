"""The model artefact: ONNX graph, card, checksum; and the model that ships."""

from pneumoscope.model.artifact import LUNGS, MEMBER_OUTPUTS, OUTPUTS, Artifact, load, seal, shipped_path
from pneumoscope.model.card import (
    OPERATING_POINTS,
    SCHEMA,
    UNJUDGED_HEAT,
    Calibration,
    Card,
    Conformal,
    DecisionRule,
    Guard,
    HeatRule,
    OperatingPoint,
    ReportOutput,
    ViewRule,
    parse_card,
)

__all__ = [
    "LUNGS",
    "MEMBER_OUTPUTS",
    "OPERATING_POINTS",
    "OUTPUTS",
    "SCHEMA",
    "UNJUDGED_HEAT",
    "Artifact",
    "Calibration",
    "Card",
    "Conformal",
    "DecisionRule",
    "Guard",
    "HeatRule",
    "OperatingPoint",
    "ReportOutput",
    "ViewRule",
    "load",
    "parse_card",
    "seal",
    "shipped_path",
]
