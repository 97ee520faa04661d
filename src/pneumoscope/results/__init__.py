"""Readings -> JSON lines, CSV, overlays, DICOM reports and captures, and a gallery; one file per object."""

from pneumoscope.results.capture import notice_capture, secondary_capture
from pneumoscope.results.fhir import fhir_bundle
from pneumoscope.results.heat_colour import HEAT_THRESHOLD, heat_opacity, heat_rgb
from pneumoscope.results.line import Outputs, ResultLine, to_json, to_line
from pneumoscope.results.not_analysed import not_analysed_report
from pneumoscope.results.notice import notice
from pneumoscope.results.objects import DICOM_OBJECTS, Objects, make_objects
from pneumoscope.results.oru import control_id_of, oru_message
from pneumoscope.results.overlay import overlay
from pneumoscope.results.presentation import outlines, presentation_state
from pneumoscope.results.reading import ModelSummary, Reading
from pneumoscope.results.report import structured_report
from pneumoscope.results.study import StudyLine, study_line
from pneumoscope.results.wording import (
    HEAT_MEANING,
    NOT_NEGATIVE,
    RESEARCH_USE,
    answer,
    headline,
    kind,
    leaning,
    percent,
    percent_beside,
)
from pneumoscope.results.writer import DEFAULT_OBJECTS, ResultWriter

__all__ = [
    "DEFAULT_OBJECTS",
    "DICOM_OBJECTS",
    "HEAT_MEANING",
    "HEAT_THRESHOLD",
    "NOT_NEGATIVE",
    "RESEARCH_USE",
    "ModelSummary",
    "Objects",
    "Outputs",
    "Reading",
    "ResultLine",
    "ResultWriter",
    "StudyLine",
    "answer",
    "control_id_of",
    "fhir_bundle",
    "headline",
    "heat_opacity",
    "heat_rgb",
    "kind",
    "leaning",
    "make_objects",
    "not_analysed_report",
    "notice",
    "notice_capture",
    "oru_message",
    "outlines",
    "overlay",
    "percent",
    "percent_beside",
    "presentation_state",
    "secondary_capture",
    "structured_report",
    "study_line",
    "to_json",
    "to_line",
]
