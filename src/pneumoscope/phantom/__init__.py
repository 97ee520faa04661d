"""Synthetic chest radiographs, drawn by our own code, and the demo's studies made of them; no patient's image."""

from pneumoscope.phantom.anatomy import Anatomy
from pneumoscope.phantom.chest import Opacity, Zone, chest_phantom
from pneumoscope.phantom.film import Film
from pneumoscope.phantom.header import Header
from pneumoscope.phantom.lateral import lateral_phantom
from pneumoscope.phantom.others import axial_slice, hand_phantom
from pneumoscope.phantom.studies import Study, studies, studies_folder, write_studies

__all__ = [
    "Anatomy",
    "Film",
    "Header",
    "Opacity",
    "Study",
    "Zone",
    "axial_slice",
    "chest_phantom",
    "hand_phantom",
    "lateral_phantom",
    "studies",
    "studies_folder",
    "write_studies",
]
