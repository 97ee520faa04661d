"""A manifest -> tables, figures and an exploratory report: who is in the data, and what a model could cheat with.

Functions of a manifest give frozen records of numbers; figures are drawn from the records; the page shows both.
"""

from pneumoscope.eda.acquisition import Acquisition, acquisition
from pneumoscope.eda.advice import Advice
from pneumoscope.eda.demographics import Demographics, demographics
from pneumoscope.eda.figures import Section, draw
from pneumoscope.eda.films import FilmReport, report_films
from pneumoscope.eda.floors import Floors, floors
from pneumoscope.eda.page import Provenance, write_report
from pneumoscope.eda.pixels import Measured, measure_pixels
from pneumoscope.eda.profile import Profile, profile
from pneumoscope.eda.readers import Readers, readers
from pneumoscope.eda.report import Exploration, explore, to_json
from pneumoscope.eda.shift import Shift, shift
from pneumoscope.plotting import Figure, to_svg

__all__ = [
    "Acquisition",
    "Advice",
    "Demographics",
    "Exploration",
    "Figure",
    "FilmReport",
    "Floors",
    "Measured",
    "Profile",
    "Provenance",
    "Readers",
    "Section",
    "Shift",
    "acquisition",
    "demographics",
    "draw",
    "explore",
    "floors",
    "measure_pixels",
    "profile",
    "readers",
    "report_films",
    "shift",
    "to_json",
    "to_svg",
    "write_report",
]
