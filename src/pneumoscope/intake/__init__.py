"""From files, folders and zips to `Radiograph`, and the checks that hold it against the intended use."""

from pneumoscope.intake.checks import CHECKS, RADIOGRAPH_CLASSES, check
from pneumoscope.intake.completeness import missing_from_data_set, missing_from_file
from pneumoscope.intake.faults import quieten_pydicom
from pneumoscope.intake.frame import SUPPORTED as TRANSFER_SYNTAXES
from pneumoscope.intake.grey import rescale_of, window_of
from pneumoscope.intake.header import age_years
from pneumoscope.intake.identity import Identity, identify, same_image
from pneumoscope.intake.lut import LookupTable, first_table
from pneumoscope.intake.memory import AnySource, image_source, read_array
from pneumoscope.intake.projection import view_of
from pneumoscope.intake.reader import read_radiograph
from pneumoscope.intake.sources import ImageSource, find_images

__all__ = [
    "CHECKS",
    "RADIOGRAPH_CLASSES",
    "TRANSFER_SYNTAXES",
    "AnySource",
    "Identity",
    "ImageSource",
    "LookupTable",
    "age_years",
    "check",
    "find_images",
    "first_table",
    "identify",
    "image_source",
    "missing_from_data_set",
    "missing_from_file",
    "quieten_pydicom",
    "read_array",
    "read_radiograph",
    "rescale_of",
    "same_image",
    "view_of",
    "window_of",
]
