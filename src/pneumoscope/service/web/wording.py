"""The page's wording: times, states, checks, populations."""

import time

from pneumoscope.core import PopulationSource
from pneumoscope.service.config import Column
from pneumoscope.service.store import State, What

DATE, DAY_AND_TIME = "%d %b %Y", "%d %b %H:%M"
"""Months as words: 03/04 is another day in America than in Germany."""

KINDS = {
    "suspicious": "Suspicious",
    "uncertain": "Uncertain",
    "clear": "Not suspicious",
    "waiting": "Waiting",
    "refused": "Refused",
    "failed": "Failed",
}
"""What the worklist can be narrowed to; also the CSS class of each."""

STATES = {
    State.RECEIVED: "Waiting to be read",
    State.READING: "Being read",
    State.DELIVERING: "Read, result being sent",
    State.DONE: "Read",
    State.REFUSED: "Not analysed",
    State.FAILED: "Could not be read",
}

OBJECTS = {
    What.SR: "Structured report",
    What.SC: "Secondary capture",
    What.GSPS: "Presentation state",
    What.NOT_ANALYSED: "Notice “not analysed”",
    What.IMAGE_RESULT: "Result of an image",
    What.STUDY_RESULT: "Result of a study",
}

COLUMNS = {
    Column.CALLER: "From",
    Column.MODALITY: "Modality",
    Column.STUDY_DATE: "Study date",
    Column.ACCESSION: "Accession",
    Column.PATIENT_ID: "Patient ID",
    Column.PATIENT_NAME: "Patient",
}

# What each check is about, as it would be told to someone who never saw its name.
CHECKS = {
    "sop_class": "Kind of DICOM object",
    "modality": "Modality",
    "body_part": "Body part",
    "view": "View",
    "patient_age": "Patient's age",
    "matrix": "Image size",
    "photometric": "Grey image",
    "frames": "Number of frames",
    "presentation": "Prepared for display",
    "burned_in_annotation": "Burned-in text",
    "pixel_content": "Pixel content",
    "appearance": "Appearance",
}


_POPULATION_SOURCES = {
    PopulationSource.AGE: "by the age in the header",
    PopulationSource.GIVEN: "set by this site",
    PopulationSource.DEFAULT: "by default: the image has no usable age",
}


def population_words(population: str, source: str | None) -> str:
    """Return whose rule read an image, and why that one."""
    why = _POPULATION_SOURCES.get(PopulationSource(source)) if source in list(PopulationSource) else None
    return f"{population.capitalize()}, {why}" if why else population.capitalize()


def check_name(name: str) -> str:
    """Return the check's name for people."""
    return CHECKS.get(name, name.replace("_", " ").capitalize())


def moment(at: float | None, form: str = "%d %b %Y %H:%M:%S") -> str:
    """Return a time in the server's zone; a dash where there is none."""
    return "–" if at is None else time.strftime(form, time.localtime(at))


def ago(at: float, now: float) -> str:
    """Return how long ago that was, in one unit."""
    passed = duration(max(0.0, now - at))
    return f"{passed} ago"


def duration(seconds: float | None) -> str:
    """Return a span of time in its largest unit; a dash where there is none."""
    if seconds is None:
        return "–"
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
