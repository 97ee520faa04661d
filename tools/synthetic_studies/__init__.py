"""Synthetic chest radiographs, drawn by our own code, and the demo's studies made of them; no patient's image."""

from synthetic_studies.anatomy import Anatomy
from synthetic_studies.chest import Opacity, Zone, chest_phantom
from synthetic_studies.film import Film
from synthetic_studies.header import Header
from synthetic_studies.lateral import lateral_phantom
from synthetic_studies.others import axial_slice, hand_phantom
from synthetic_studies.studies import Drawing, drawings, write_studies

__all__ = [
    "Anatomy",
    "Drawing",
    "Film",
    "Header",
    "Opacity",
    "Zone",
    "axial_slice",
    "chest_phantom",
    "drawings",
    "hand_phantom",
    "lateral_phantom",
    "write_studies",
]
