"""From files, folders and zips to `Radiograph`, and the checks that hold it against the intended use."""

from pneumoscope.intake.age import Age, age_of, age_years
from pneumoscope.intake.charset import charsets_of, is_undecodable
from pneumoscope.intake.checks import CHECKS, RADIOGRAPH_CLASSES, check, is_uid
from pneumoscope.intake.completeness import missing_from_data_set, missing_from_file
from pneumoscope.intake.faults import quieten_pydicom
from pneumoscope.intake.frame import SUPPORTED as TRANSFER_SYNTAXES
from pneumoscope.intake.grey import declared_voi, rescale_of
from pneumoscope.intake.identity import Identity, identify, same_image
from pneumoscope.intake.lut import LookupTable, first_table
from pneumoscope.intake.memory import AnySource, image_source, read_array
from pneumoscope.intake.projection import view_of
from pneumoscope.intake.reader import radiograph_of, read_grey, read_header, read_radiograph
from pneumoscope.intake.sources import ImageSource, find_images

__all__ = [
    "CHECKS",
    "RADIOGRAPH_CLASSES",
    "TRANSFER_SYNTAXES",
    "Age",
    "AnySource",
    "Identity",
    "ImageSource",
    "LookupTable",
    "age_of",
    "age_years",
    "charsets_of",
    "check",
    "declared_voi",
    "find_images",
    "first_table",
    "identify",
    "image_source",
    "is_uid",
    "is_undecodable",
    "missing_from_data_set",
    "missing_from_file",
    "quieten_pydicom",
    "radiograph_of",
    "read_array",
    "read_grey",
    "read_header",
    "read_radiograph",
    "rescale_of",
    "same_image",
    "view_of",
]
