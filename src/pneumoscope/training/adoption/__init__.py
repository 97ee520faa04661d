"""Turn an open chest X-ray network into an artefact: graph, card, calibration and limits from a site's own images."""

from pneumoscope.training.adoption.adopt import Adoption, Network, adopt
from pneumoscope.training.adoption.recipes import RECIPES, AdoptionRecipe, recipe_named

__all__ = ["RECIPES", "Adoption", "AdoptionRecipe", "Network", "adopt", "recipe_named"]
