"""An image to a `Reading`: one, or many at a time; the model that reads it."""

from pneumoscope.core import EngineName
from pneumoscope.reading.engine import Engine, Outputs, open_engine
from pneumoscope.reading.localisation import (
    Agreement,
    Marks,
    agreement,
    box_mask,
    free_response,
    hottest,
    marks,
    upsampled,
)
from pneumoscope.reading.lungs import heat_outside_lungs, lung_field
from pneumoscope.reading.model import Model, Prediction, load_model, shipped_model
from pneumoscope.reading.pipeline import Settings, read, read_image, read_many
from pneumoscope.reading.scores import KnownImage, Score, score_images

__all__ = [
    "Agreement",
    "Engine",
    "EngineName",
    "KnownImage",
    "Marks",
    "Model",
    "Outputs",
    "Prediction",
    "Score",
    "Settings",
    "agreement",
    "box_mask",
    "free_response",
    "heat_outside_lungs",
    "hottest",
    "load_model",
    "lung_field",
    "marks",
    "open_engine",
    "read",
    "read_image",
    "read_many",
    "score_images",
    "shipped_model",
    "upsampled",
]
