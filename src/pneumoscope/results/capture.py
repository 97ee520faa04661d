"""Reading -> DICOM Secondary Capture of the overlay, for every workstation that shows no structured report."""

from copy import deepcopy

import numpy as np
from jaxtyping import UInt8
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

import pneumoscope
from pneumoscope.core import InputError, Radiograph
from pneumoscope.results.reading import Reading
from pneumoscope.results.source import Source, source
from pneumoscope.results.uid import instance_uid, series_uid
from pneumoscope.results.wording import HEAT_MEANING, NOT_NEGATIVE, sentence

SERIES_NUMBER = 9002
_SERIES_DESCRIPTION = "Pneumoscope result, research use only"


def secondary_capture(reading: Reading, radiograph: Radiograph, *, pixels: UInt8[np.ndarray, "h w 3"]) -> Dataset:
    """Return the overlay's pixels as a Secondary Capture in the source image's study.

    The same reading always gives the same bytes: dates and times are the source image's, not those of the run.
    Uncompressed, because every viewer and archive takes Explicit VR Little Endian, and an archive that wants its
    images smaller compresses them itself.

    Raises:
        InputError: The radiograph has no DICOM header, or one that a capture cannot refer to.
        ValueError: The reading was not analysed.

    Source:
        PS3.3 A.8.1 (Secondary Capture Image IOD).
    """
    if radiograph.header is None:
        raise InputError(f"{radiograph.path}: a capture needs a DICOM image, found {radiograph.format}")
    about = source(radiograph.header)
    if about.obstacles:
        raise InputError(f"{radiograph.path}: a capture cannot refer to it: {', '.join(about.obstacles)}")
    if reading.decision is None:
        raise ValueError(f"expected an analysed reading, found {reading.status}: {reading.path}")
    return _capture(about, reading=reading, pixels=pixels)


def _capture(about: Source, *, reading: Reading, pixels: UInt8[np.ndarray, "h w 3"]) -> Dataset:
    ds = Dataset()
    _identify(ds, about=about, reading=reading)
    _describe(ds, about=about, reading=reading)
    ds.Rows, ds.Columns, ds.SamplesPerPixel = *pixels.shape[:2], 3
    ds.PhotometricInterpretation, ds.PlanarConfiguration, ds.PixelRepresentation = "RGB", 0, 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8, 8, 7
    data = pixels.tobytes()
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = "OB"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return ds


def notice_capture(reading: Reading, header: Dataset, *, pixels: UInt8[np.ndarray, "h w 3"]) -> Dataset:
    """Return the notice "not analysed" as a Secondary Capture, for viewers that show no structured report.

    Raises:
        InputError: Nothing can refer to the image.
        ValueError: The reading was analysed.
    """
    about = source(header)
    if about.obstacles:
        raise InputError(f"{reading.path}: a capture cannot refer to it: {', '.join(about.obstacles)}")
    if reading.decision is not None:
        raise ValueError(f"expected a reading that was not analysed, found {reading.status}: {reading.path}")
    return _capture(about, reading=reading, pixels=pixels)


def _identify(ds: Dataset, *, about: Source, reading: Reading) -> None:
    """Fill the patient, study, series, equipment and SOP common modules."""
    content = "not analysed" if reading.decision is None else "without heat" if reading.heat is None else ""
    kind = f"sc {content}".strip()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.update(deepcopy(about.ds))  # shared elements would let this object's UIDs overwrite the source's
    ds.SOPClassUID = SecondaryCaptureImageStorage
    ds.SOPInstanceUID = instance_uid(about.ds.SOPInstanceUID, reading=reading, kind=kind)
    ds.SeriesInstanceUID = series_uid(about.ds.StudyInstanceUID, model=reading.model, kind="sc")
    ds.SeriesNumber, ds.InstanceNumber = SERIES_NUMBER, about.number
    ds.SeriesDescription = _SERIES_DESCRIPTION
    ds.Modality, ds.ConversionType = "OT", "SYN"
    ds.Manufacturer = ds.ManufacturerModelName = "Pneumoscope"
    ds.SoftwareVersions = [pneumoscope.__version__, f"{reading.model.name} {reading.model.version}"[:64]]


def _describe(ds: Dataset, *, about: Source, reading: Reading) -> None:
    """Fill the general image module: what it shows, and from which image it was made.

    Source:
        PS3.3 C.7.6.1.1.2 (a derived image), C.7.6.1 (Burned In Annotation: text that identifies the patient).
    """
    ds.ContentDate, ds.ContentTime = about.date, about.time
    ds.ImageType = ["DERIVED", "SECONDARY"]
    ds.BodyPartExamined = "CHEST"
    geometry = reading.radiograph.geometry if reading.decision and reading.radiograph else None
    ds.PatientOrientation = list(geometry.patient_orientation or "") if geometry else ""
    model = f"{reading.model.name} {reading.model.version}"
    if reading.decision is None:
        ds.ImageComments = f"Pneumonia: not analysed ({reading.status}). {NOT_NEGATIVE}"
        ds.BurnedInAnnotation = "NO"
        ds.DerivationDescription = f"Notice of {model} about the image; no pixel of it is shown."
    else:
        if about.burned_in:  # what we draw identifies nobody, the image's own pixels may
            ds.BurnedInAnnotation = about.burned_in
        drawn, meaning = (" and its heat map", f" {HEAT_MEANING}") if reading.heat is not None else ("", "")
        ds.ImageComments = sentence(reading)
        ds.DerivationDescription = f"Resized, with the result of {model}{drawn} drawn beside and over it.{meaning}"
    purpose, image = Dataset(), Dataset()
    purpose.CodeValue, purpose.CodingSchemeDesignator = "121322", "DCM"
    purpose.CodeMeaning = "Source image for image processing operation"
    image.ReferencedSOPClassUID = about.ds.SOPClassUID
    image.ReferencedSOPInstanceUID = about.ds.SOPInstanceUID
    image.PurposeOfReferenceCodeSequence = [purpose]
    ds.SourceImageSequence = [image]
