"""What DICOM objects carry over from the image that they are about."""

import re
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from unicodedata import category

from pydicom import DataElement, Dataset, uid
from pydicom.config import IGNORE, RAISE
from pydicom.datadict import dictionary_VR
from pydicom.multival import MultiValue
from pydicom.valuerep import validate_value

from pneumoscope.intake import charsets_of, is_uid, is_undecodable

_RADIOGRAPHS = (
    uid.ComputedRadiographyImageStorage,
    uid.DigitalXRayImageStorageForPresentation,
    uid.DigitalXRayImageStorageForProcessing,
    uid.SecondaryCaptureImageStorage,
)
_UNKNOWN_DATE, _UNKNOWN_TIME = "19000101", "000000"

_REFERENCE = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_IDENTITY = ("PatientID", "PatientName")
_PATIENT_AND_STUDY = (
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
_OPTIONAL = (
    "IssuerOfPatientID",
    "PatientAge",
    "StudyDescription",
    "TimezoneOffsetFromUTC",
    "LossyImageCompression",
)
_MOST_IN_SERIES = 1000
_MOMENTS = ("Content", "Acquisition", "Series", "Study")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """The image that an object is about.

    Attributes:
        ds: References, patient and study attributes, each valid; type 2 attributes are empty where unknown.
        date: When the image was made, as far as its header says (DA); so `time` (TM).
        number: Instance Number of what is made of this image: different ones for the images of a study.
        burned_in: Burned In Annotation, `YES` or `NO`; empty where the header does not say.
        obstacles: Why no object can be written about this image, in words; empty where one can.
        left_out: Keywords of attributes that the header has, but with a value that DICOM does not allow.
    """

    ds: Dataset
    date: str
    time: str
    number: int
    burned_in: str
    obstacles: tuple[str, ...]
    left_out: tuple[str, ...]


def source(header: Dataset) -> Source:
    """Return what can be carried over from a header, however little it has.

    An object that refers to nothing, or that would land with another patient, is worse than none: without a
    reference, or with an identifier that cannot be written as it is, there are `obstacles`. An identifier that is
    absent stays empty (type 2).

    Source:
        PS3.3 C.7.1.1 (Patient), C.7.2.1 (General Study), C.17.2 (evidence needs study, series and instance).
    """
    moments = tuple(moment + part for moment in _MOMENTS for part in ("Date", "Time"))
    keywords = (*_REFERENCE, *_IDENTITY, *_PATIENT_AND_STUDY, *_OPTIONAL, *moments)
    found = {keyword: _text(header, keyword) for keyword in dict.fromkeys(keywords) if keyword in header}
    valid = {keyword: text for keyword, text in found.items() if text is not None and _is_valid(text, keyword)}
    ds = Dataset()
    for keyword in (*_REFERENCE, *_IDENTITY, *_PATIENT_AND_STUDY):
        # Judged above; pydicom would warn of a UID with a leading zero, which is kept.
        ds.add(DataElement(keyword, dictionary_VR(keyword), valid.get(keyword, ""), validation_mode=IGNORE))
    for keyword in _OPTIONAL:
        if valid.get(keyword):
            setattr(ds, keyword, valid[keyword])
    date, time = _moment(valid)
    return Source(
        ds=ds,
        date=date,
        time=time,
        number=_number(header),
        burned_in=text if (text := _text(header, "BurnedInAnnotation")) in ("YES", "NO") else "",
        obstacles=tuple(_obstacles(found, valid=valid)),
        left_out=tuple(
            keyword
            for keyword in ("PatientName", *_PATIENT_AND_STUDY, *_OPTIONAL)
            if keyword in found and keyword not in valid
        ),
    )


def _obstacles(found: dict[str, str | None], *, valid: dict[str, str]) -> Iterator[str]:
    for keyword in (*_REFERENCE, *_IDENTITY):
        if found.get(keyword, "") != "" and keyword not in valid:
            if keyword != "PatientName" or found[keyword] is not None:
                yield f"{keyword} is not valid"
        elif keyword in _REFERENCE and not valid.get(keyword):
            yield f"{keyword} is missing"


def _text(header: Dataset, keyword: str) -> str | None:
    """Return the attribute as text; None where it cannot be decoded or has several values."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if is_undecodable(header.get_item(keyword), charsets_of(header)):
                return None
            value = header[keyword].value
        except (AttributeError, KeyError, LookupError, NotImplementedError, TypeError, ValueError):
            return None
    if isinstance(value, MultiValue | list | bytes):
        return None
    return "" if value is None else str(value).strip(" \0")


def _is_valid(text: str, keyword: str) -> bool:
    """Return whether the text is a value that the standard allows for the attribute of a radiograph; empty is."""
    if any(category(character) == "Cc" for character in text) or "\\" in text:
        return False
    if keyword == "PatientSex" and text not in ("M", "F", "O", ""):
        return False
    if keyword == "SOPClassUID" and text not in ("", *_RADIOGRAPHS):
        return False
    vr = dictionary_VR(keyword)
    if vr == "UI":
        return text == "" or is_uid(text)  # a leading zero is kept: another UID would refer to nothing
    if vr in ("DA", "TM") and not re.fullmatch(r"[0-9.]*", text):  # no range, as a query may have
        return False
    try:
        validate_value(vr, text, RAISE)
    except ValueError:
        return False
    return True


def _number(header: Dataset) -> int:
    """Return a number by series and instance number where the image has both; else one made of its UID."""
    said = [_text(header, keyword) or "" for keyword in ("SeriesNumber", "InstanceNumber")]
    if all(re.fullmatch(r"\d{1,5}", text) for text in said) and int(said[1]) < _MOST_IN_SERIES:
        return int(said[0]) * _MOST_IN_SERIES + int(said[1])
    return zlib.crc32((_text(header, "SOPInstanceUID") or "").encode()) >> 1  # IS holds 31 bits


def _moment(valid: dict[str, str]) -> tuple[str, str]:
    for moment in _MOMENTS:
        if date := valid.get(f"{moment}Date"):
            return date, valid.get(f"{moment}Time") or _UNKNOWN_TIME
    return _UNKNOWN_DATE, _UNKNOWN_TIME
