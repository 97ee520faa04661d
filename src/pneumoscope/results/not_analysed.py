"""Refused or failed reading -> DICOM Basic Text SR "not analysed, because", so that silence never reads as negative."""

from copy import deepcopy
from typing import TYPE_CHECKING

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import BasicTextSRStorage, ExplicitVRLittleEndian

import pneumoscope
from pneumoscope.core import InputError, Status
from pneumoscope.results.reading import Reading
from pneumoscope.results.source import Source, source
from pneumoscope.results.uid import instance_uid, series_uid
from pneumoscope.results.wording import NOT_NEGATIVE, RESEARCH_USE, complaint

if TYPE_CHECKING:
    from pydicom.sr.coding import Code

SERIES_NUMBER = 9004
_SERIES_DESCRIPTION = "Pneumoscope: not analysed"


def not_analysed_report(reading: Reading, header: Dataset) -> Dataset:
    """Return a Basic Text SR in the image's study: a code for "not attempted" or "failed", and why in words.

    Same reading, same bytes: dates and times are the image's.

    Raises:
        InputError: Nothing can refer to the image.
        ValueError: The reading was analysed.

    Source:
        PS3.3 A.35.1 (Basic Text SR IOD), C.17.2, C.17.3; PS3.16 CID 6042 (Status of Results).
    """
    from pneumoscope.results import codes

    about = source(header)
    if about.obstacles:
        raise InputError(f"{reading.path}: a report cannot refer to it: {', '.join(about.obstacles)}")
    if reading.status is Status.ANALYSED:
        raise ValueError(f"expected a reading that was not analysed, found {reading.status}: {reading.path}")
    ds = Dataset()
    _identify(ds, about=about, reading=reading)
    _document(ds, about=about)
    ds.ContentSequence = [
        _item("CODE", codes.DETECTIONS, ConceptCodeSequence=[_coded(_status(reading))]),
        _text(codes.COMMENT, f"Pneumonia: not analysed ({reading.status}). {NOT_NEGATIVE}"),
        *(_text(codes.COMMENT, complaint(check)) for check in reading.reasons),
        _text(codes.ALGORITHM_NAME, reading.model.name),
        _text(codes.ALGORITHM_VERSION, f"{reading.model.version}, sha256={reading.model.sha256}"),
        _text(codes.COMMENT, f"{RESEARCH_USE}."),
        _item("IMAGE", None, ReferencedSOPSequence=[_reference(about)]),
    ]
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return ds


def _identify(ds: Dataset, *, about: Source, reading: Reading) -> None:
    """Fill the patient, study, series, equipment and SOP common modules."""
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.update(deepcopy(about.ds))
    if "LossyImageCompression" in ds:
        del ds.LossyImageCompression
    ds.SOPClassUID = BasicTextSRStorage
    ds.SOPInstanceUID = instance_uid(about.ds.SOPInstanceUID, reading=reading, kind="not analysed")
    ds.SeriesInstanceUID = series_uid(about.ds.StudyInstanceUID, model=reading.model, kind="not analysed")
    ds.SeriesNumber, ds.InstanceNumber = SERIES_NUMBER, about.number
    ds.SeriesDescription, ds.Modality = _SERIES_DESCRIPTION, "SR"
    ds.ReferencedPerformedProcedureStepSequence = []
    ds.Manufacturer = ds.ManufacturerModelName = "Pneumoscope"
    ds.DeviceSerialNumber = reading.model.sha256[:16]
    ds.SoftwareVersions = [pneumoscope.__version__, f"{reading.model.name} {reading.model.version}"[:64]]


def _document(ds: Dataset, *, about: Source) -> None:
    """Fill the SR document general module, and the root of the content."""
    from pneumoscope.results.codes import IMAGING_REPORT

    ds.ContentDate, ds.ContentTime = about.date, about.time
    ds.CompletionFlag, ds.VerificationFlag, ds.PreliminaryFlag = "COMPLETE", "UNVERIFIED", "PRELIMINARY"
    ds.PerformedProcedureCodeSequence = []
    series, study = Dataset(), Dataset()
    series.SeriesInstanceUID, series.ReferencedSOPSequence = about.ds.SeriesInstanceUID, [_reference(about)]
    study.StudyInstanceUID, study.ReferencedSeriesSequence = about.ds.StudyInstanceUID, [series]
    ds.CurrentRequestedProcedureEvidenceSequence = [study]
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ConceptNameCodeSequence = [_coded(IMAGING_REPORT)]


def _status(reading: Reading) -> "Code":
    from pneumoscope.results import codes

    return codes.FAILED if reading.status is Status.FAILED else codes.NOT_ATTEMPTED


def _reference(about: Source) -> Dataset:
    image = Dataset()
    image.ReferencedSOPClassUID = about.ds.SOPClassUID
    image.ReferencedSOPInstanceUID = about.ds.SOPInstanceUID
    return image


def _text(name: "Code", words: str) -> Dataset:
    return _item("TEXT", name, TextValue=words)


def _item(kind: str, name: "Code | None", **values: object) -> Dataset:
    item = Dataset()
    item.RelationshipType, item.ValueType = "CONTAINS", kind
    if name is not None:
        item.ConceptNameCodeSequence = [_coded(name)]
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def _coded(code: "Code") -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return item
