"""The model artefact: ONNX graph, card, checksum; and the model that ships."""

from pneumoscope.model.artifact import OUTPUTS, Artifact, load, seal, shipped_path
from pneumoscope.model.card import (
    OPERATING_POINTS,
    SCHEMA,
    Calibration,
    Card,
    Conformal,
    DecisionRule,
    Guard,
    OperatingPoint,
    parse_card,
)

__all__ = [
    "OPERATING_POINTS",
    "OUTPUTS",
    "SCHEMA",
    "Artifact",
    "Calibration",
    "Card",
    "Conformal",
    "DecisionRule",
    "Guard",
    "OperatingPoint",
    "load",
    "parse_card",
    "seal",
    "shipped_path",
]
