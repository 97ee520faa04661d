"""From files, folders and zips to `Radiograph`, and the checks that hold it against the intended use."""

from pneumoscope.intake.checks import RADIOGRAPH_CLASSES, check
from pneumoscope.intake.faults import quieten_pydicom
from pneumoscope.intake.frame import SUPPORTED as TRANSFER_SYNTAXES
from pneumoscope.intake.reader import read_radiograph
from pneumoscope.intake.sources import ImageSource, find_images

__all__ = [
    "RADIOGRAPH_CLASSES",
    "TRANSFER_SYNTAXES",
    "ImageSource",
    "check",
    "find_images",
    "quieten_pydicom",
    "read_radiograph",
]
