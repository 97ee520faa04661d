"""DICOM objects around a phantom's pixels: Digital X-Ray and CT images of a patient who is plainly nobody."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int16, UInt16
from pydicom import Dataset

_STUDY_DATE = "20240229"
_MANUFACTURER = "Pneumoscope phantom"
# Body part -> code of CID 4009 (DX Anatomy Imaged), PS3.16, and its laterality (PS3.3 C.8.11.2).
_REGIONS = {"CHEST": ("816094009", "Chest", "U"), "HAND": ("85562004", "Hand", "R")}
# View position -> code of CID 4010 (DX View), PS3.16, and Patient Orientation (PS3.3 C.7.6.1.1.1).
_VIEWS = {
    "PA": ("272479007", "postero-anterior", ["L", "F"]),
    "AP": ("399348003", "antero-posterior", ["L", "F"]),
    "LL": ("399173006", "left lateral", ["P", "F"]),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the header of a phantom's image says; the pixels may say something else.

    Attributes:
        number: Number of the synthetic patient.
        black: Stored value of black, 12 bits; the window runs from here to `white`.
        monochrome1: Whether the stored values are inverted: the lowest is white.
        pixel_mm: Pixel spacing at the detector, mm.
    """

    number: int
    sex: str
    age_years: int
    body_part: str = "CHEST"
    view_position: str = "PA"
    monochrome1: bool = False
    black: int = 0
    white: int = 4095
    pixel_mm: float


def digital_xray(pixels: np.ndarray, header: Header) -> Dataset:
    """Make a Digital X-Ray Image for presentation around grey values in [0, 1], 0 black.

    Source:
        PS3.3 A.26 (DX IOD) and C.8.11 (its modules).
    """
    from pydicom.uid import DigitalXRayImageStorageForPresentation

    grey = 1 - pixels if header.monochrome1 else pixels
    stored = np.rint(header.black + grey * (header.white - header.black)).astype(np.uint16)
    ds = _patient_and_study(header, modality="DX", description="Synthetic radiograph")
    ds.SOPClassUID = DigitalXRayImageStorageForPresentation
    ds.PresentationIntentType = "FOR PRESENTATION"
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    _add_pixels(ds, stored, bits=12)
    _add_dx_geometry(ds, header)
    # C.8.11.3: presentation values; with bones white, more X-rays mean lower values.
    ds.PhotometricInterpretation = "MONOCHROME1" if header.monochrome1 else "MONOCHROME2"
    ds.PixelIntensityRelationship = "LOG"
    ds.PixelIntensityRelationshipSign = 1 if header.monochrome1 else -1
    ds.PresentationLUTShape = "INVERSE" if header.monochrome1 else "IDENTITY"
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "0", "1", "US"
    ds.LossyImageCompression = "00"
    ds.BurnedInAnnotation = "NO"
    # C.11.2.1.2.1: a linear window of this centre and width shows black to white exactly.
    ds.WindowCenter = str((header.black + header.white + 1) / 2)
    ds.WindowWidth = str(header.white - header.black + 1)
    return ds


def ct_slice(hounsfield: Int16[np.ndarray, "h w"], header: Header) -> Dataset:
    """Make a CT Image around Hounsfield units.

    Source:
        PS3.3 A.3 (CT IOD), C.7.6.2 (image plane), C.8.2.1 (CT image).
    """
    from pydicom.uid import CTImageStorage

    ds = _patient_and_study(header, modality="CT", description="Synthetic CT slice")
    ds.SOPClassUID = CTImageStorage
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.BodyPartExamined = header.body_part
    ds.PatientPosition = "HFS"
    ds.FrameOfReferenceUID = _uid(header, "frame of reference")
    ds.PositionReferenceIndicator = ""
    corner = round(-header.pixel_mm * (hounsfield.shape[0] - 1) / 2, 3)
    ds.ImagePositionPatient = [corner, corner, 0]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing = [header.pixel_mm, header.pixel_mm]
    ds.SliceThickness = "5"
    _add_pixels(ds, (np.clip(hounsfield, -1024, 3071) + 1024).astype(np.uint16), bits=12)
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "-1024", "1", "HU"
    ds.WindowCenter, ds.WindowWidth = "40", "400"
    ds.KVP, ds.AcquisitionNumber = "120", 1
    return ds


def _patient_and_study(header: Header, *, modality: str, description: str) -> Dataset:
    """Make the patient, study, series, equipment and SOP common modules: PS3.3 C.7.1 to C.7.5 and C.12.1."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.InstanceCreationDate, ds.InstanceCreationTime = _STUDY_DATE, "120000"
    ds.PatientName = f"PHANTOM^{('ONE', 'TWO', 'THREE', 'FOUR', 'FIVE', 'SIX', 'SEVEN', 'EIGHT')[header.number - 1]}"
    ds.PatientID = f"PHANTOM-{header.number}"
    ds.PatientBirthDate = f"{int(_STUDY_DATE[:4]) - header.age_years}0101"
    ds.PatientSex = header.sex
    ds.PatientAge = f"{header.age_years:03d}Y"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = _uid(header, "study"), _uid(header, "series")
    ds.SOPInstanceUID = _uid(header, "image")
    ds.StudyDate, ds.StudyTime = _STUDY_DATE, "120000"
    ds.SeriesDate, ds.SeriesTime = _STUDY_DATE, "120000"
    ds.ContentDate, ds.ContentTime = _STUDY_DATE, "120000"
    ds.AcquisitionDate, ds.AcquisitionTime = _STUDY_DATE, "120000"
    ds.AccessionNumber, ds.ReferringPhysicianName = f"PH{header.number:04d}", ""
    ds.StudyID, ds.SeriesNumber, ds.InstanceNumber = str(header.number), 1, 1
    ds.StudyDescription = f"{description}, no patient"
    ds.SeriesDescription = description
    ds.Modality = modality
    ds.Manufacturer, ds.ManufacturerModelName = _MANUFACTURER, "pneumoscope.phantom"
    ds.DeviceSerialNumber, ds.SoftwareVersions = "0", "1"
    ds.InstitutionName = "Synthetic data, no patient"
    return ds


def _add_pixels(ds: Dataset, stored: UInt16[np.ndarray, "h w"], *, bits: int) -> None:
    """Add the image pixel module: PS3.3 C.7.6.3."""
    ds.SamplesPerPixel = 1
    ds.Rows, ds.Columns = stored.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, bits, bits - 1, 0
    ds.PixelData = stored.astype("<u2").tobytes()
    ds["PixelData"].VR = "OW"


def _add_dx_geometry(ds: Dataset, header: Header) -> None:
    """Add anatomy, detector, positioning, acquisition context: PS3.3 C.8.11.2, C.8.11.4, C.8.11.5, C.7.6.14."""
    region, region_meaning, laterality = _REGIONS[header.body_part]
    view, view_meaning, orientation = _VIEWS[header.view_position]
    ds.BodyPartExamined, ds.ViewPosition = header.body_part, header.view_position
    ds.AnatomicRegionSequence = [_code(region, region_meaning)]
    ds.ImageLaterality = laterality
    ds.ViewCodeSequence = [_code(view, view_meaning)]
    ds.ViewCodeSequence[0].ViewModifierCodeSequence = []
    ds.PatientOrientation = orientation
    ds.PositionerType = "NONE"
    ds.DetectorType = "SCINTILLATOR"
    ds.ImagerPixelSpacing = [header.pixel_mm, header.pixel_mm]
    ds.AcquisitionContextSequence = []


def _code(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "SCT", meaning
    return code


def _uid(header: Header, what: str) -> str:
    """Return a UID that depends on the patient and the object only, so that drawing again makes no new objects."""
    from pydicom.uid import generate_uid

    return str(generate_uid(entropy_srcs=[_MANUFACTURER, str(header.number), what]))
