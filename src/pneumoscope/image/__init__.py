"""One recipe from grey values to model input, used by training and reading alike."""

from pneumoscope.image.preparation import Crop, Prepared, prepare, trim
from pneumoscope.image.recipe import Recipe

__all__ = ["Crop", "Prepared", "Recipe", "prepare", "trim"]
