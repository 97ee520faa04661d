"""Holding a radiograph against a model's intended use: every check, always all of them, in one order.

PNG and JPEG have no header, so what a header would say is "not available", never "passed". In DICOM an absent
attribute refuses the image where the intended use rests on it (SOP class, modality, body part, view,
photometric interpretation), and is "not available" where it may honestly be unknown (age, presentation intent,
burned-in annotation). A malformed value is not an absent one.
"""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from pydicom import Dataset, uid

from pneumoscope.core import Check, IntendedUse, Outcome, Population, Radiograph, View
from pneumoscope.intake.age import Age, age_of
from pneumoscope.intake.anatomy import regions
from pneumoscope.intake.faults import quoted
from pneumoscope.intake.frame import GREY, frames_of
from pneumoscope.intake.header import integer, text
from pneumoscope.intake.limits import FEWEST_LEVELS, LARGEST_FLAT_SHARE, LARGEST_WHITE_SHARE
from pneumoscope.intake.projection import Side, evidence

_MODALITIES = ("CR", "DX")
_IDENTIFIERS = {
    "SOPInstanceUID": "SOP Instance UID",
    "StudyInstanceUID": "Study Instance UID",
    "SeriesInstanceUID": "Series Instance UID",
}
_LONGEST_UID = 64
_UID, _UID_CHARACTERS = re.compile(r"\d+(\.\d+)*"), re.compile(r"[\d.]+")
RADIOGRAPH_CLASSES = {
    uid.ComputedRadiographyImageStorage,
    uid.DigitalXRayImageStorageForPresentation,
    uid.DigitalXRayImageStorageForProcessing,  # read; `presentation` refuses it with the better reason
    uid.SecondaryCaptureImageStorage,
}
_GREY_LEVELS = 256
_ENOUGH_PIXELS = 1_000_000


def check(
    radiograph: Radiograph, intended: IntendedUse, *, population: Population | None = None, needs_age: bool = False
) -> tuple[Check, ...]:
    """Return every check of one radiograph, in fixed order; it is inside the intended use if none failed.

    Args:
        radiograph: The image.
        intended: What the model may read.
        population: Who the patient is, as the user or the site says: decides where the header's age cannot be relied
            on, which otherwise refuses the image.
        needs_age: Refuse an image whose age is not known at all, too.
    """
    made = tuple(one(radiograph, intended) for one in CHECKS)
    return tuple(_with_policy(one, radiograph, population=population, needs_age=needs_age) for one in made)


def _with_policy(one: Check, radiograph: Radiograph, *, population: Population | None, needs_age: bool) -> Check:
    """Return the check of the age as the user or the site wants an unknown one to be judged."""
    if one.name != "patient_age" or radiograph.age_years is not None:
        return one
    if population is not None:
        found = f"{one.found}; taken for one of {population}, as given"
        return replace(one, outcome=Outcome.NOT_AVAILABLE, found=found)
    if needs_age:
        return replace(one, outcome=Outcome.FAILED, found=f"{one.found}; films without an age are refused here")
    return one


def check_sop_class(radiograph: Radiograph, _intended: IntendedUse) -> Check:
    """Check that the object is a projection radiograph, or a Secondary Capture, whose modality then decides."""

    def judge(header: Dataset) -> tuple[Outcome, str]:
        found = uid.UID(text(header, "SOPClassUID"))
        return _passed_if(found in RADIOGRAPH_CLASSES), quoted(found.name) or "none"

    return _by_header(radiograph, "sop_class", expected="CR, DX or Secondary Capture image", judge=judge)


def check_modality(radiograph: Radiograph, _intended: IntendedUse) -> Check:
    """Check that the image is computed or digital radiography."""

    def judge(header: Dataset) -> tuple[Outcome, str]:
        found = text(header, "Modality")
        return _passed_if(found.upper() in _MODALITIES), quoted(found) or "none"

    return _by_header(radiograph, "modality", expected="CR or DX", judge=judge)


def check_body_part(radiograph: Radiograph, _intended: IntendedUse) -> Check:
    """Check that Body Part Examined and Anatomic Region Sequence, as far as present, all say the chest."""

    def judge(header: Dataset) -> tuple[Outcome, str]:
        named = regions(header)
        found = "; ".join(name for name, _ in named)
        return _passed_if(bool(named) and all(is_chest for _, is_chest in named)), quoted(found) or "none"

    return _by_header(radiograph, "body_part", expected="CHEST or THORAX", judge=judge)


def check_view(radiograph: Radiograph, intended: IntendedUse) -> Check:
    """Check that all that the header says of the projection is frontal, and of a view in the intended use.

    Frontal without PA or AP is enough where both are intended; PA against AP is reported and no refusal then.
    """
    expected = " or ".join(intended.views)
    if radiograph.header is None and radiograph.view and radiograph.view not in intended.views:
        return Check("view", Outcome.FAILED, expected, f"{radiograph.view}, as stated with the image")

    def judge(header: Dataset) -> tuple[Outcome, str]:
        said = evidence(header)
        found = "; ".join(map(str, said)) or "none"  # each is quoted already
        if not said or any(item.side is not Side.FRONTAL for item in said):
            return Outcome.FAILED, found
        views = {item.view for item in said if item.view}
        if not views:
            return _passed_if({View.PA, View.AP} <= set(intended.views)), f"frontal, PA or AP not said ({found})"
        return _passed_if(views <= set(intended.views)), found

    return _by_header(radiograph, "view", expected=expected, judge=judge)


def check_patient_age(radiograph: Radiograph, intended: IntendedUse) -> Check:
    """Check that the patient's age is in range; an absent age is no refusal, one that cannot be relied on is."""
    youngest, oldest = intended.youngest_years, intended.oldest_years
    expected = f"{youngest:g} to {oldest:g} years"
    stated = radiograph.age_years
    if radiograph.header is None and stated is not None and not youngest <= stated <= oldest:
        return Check("patient_age", Outcome.FAILED, expected, f"{stated:g} years, as stated with the image")

    def judge(header: Dataset) -> tuple[Outcome, str]:
        age = age_of(header)
        if radiograph.age_years is not None and age.years is None:  # stated with the image
            age = Age(years=radiograph.age_years)
        if age.problem:
            return Outcome.FAILED, f"no age to rely on: {age.problem}"
        if age.years is None:
            return Outcome.NOT_AVAILABLE, "none"
        found = f"{age.years:.1f} years" if age.years < 18 else f"{age.years:.0f} years"
        bent = f" ({age.bent.removeprefix('age: ')})" if age.bent else ""
        return _passed_if(youngest <= age.years <= oldest), found + bent

    return _by_header(radiograph, "patient_age", expected=expected, judge=judge)


def check_identifiers(radiograph: Radiograph, _intended: IntendedUse) -> Check:
    """Check that the identifiers by which others find the image are ones that an archive can hold.

    A leading zero in a component is against the standard and harmless; it is kept.

    Source:
        PS3.5 Section 9.1: digits and dots, at most 64 characters.
    """

    def judge(header: Dataset) -> tuple[Outcome, str]:
        said = {name: text(header, keyword) for keyword, name in _IDENTIFIERS.items()}
        wrong = [
            f"{name} of {len(value)} characters" if _UID_CHARACTERS.fullmatch(value) else f"{name} that is malformed"
            for name, value in said.items()
            if value and not is_uid(value)
        ]
        if wrong:
            return Outcome.FAILED, "; ".join(wrong)
        missing = [name for name, value in said.items() if not value]
        return (Outcome.NOT_AVAILABLE, f"no {', no '.join(missing)}") if missing else (Outcome.PASSED, "valid ones")

    return _by_header(radiograph, "identifiers", expected="UIDs of digits and dots, at most 64 characters", judge=judge)


def is_uid(value: str) -> bool:
    """Return whether a UID can be stored and referred to, leading zeros or not."""
    return len(value) <= _LONGEST_UID and _UID.fullmatch(value) is not None


def check_matrix(radiograph: Radiograph, intended: IntendedUse) -> Check:
    """Check that rows and columns are enough for the model's input."""
    name, expected = "matrix", f"at least {intended.smallest_px} x {intended.smallest_px}"
    if radiograph.pixels is not None:
        rows, columns = radiograph.pixels.shape
    elif radiograph.header is not None:
        rows, columns = (integer(radiograph.header, keyword) or 0 for keyword in ("Rows", "Columns"))
    else:
        return Check(name, Outcome.NOT_AVAILABLE, expected, "no grey image")
    enough = min(rows, columns) >= intended.smallest_px
    return Check(name, _passed_if(enough), expected, f"{columns} x {rows}")


def check_photometric(radiograph: Radiograph, _intended: IntendedUse) -> Check:
    """Check that the image is grey; a PNG or JPEG in colour is refused too."""
    name, expected = "photometric", " or ".join(GREY)
    if radiograph.header is None and radiograph.pixels is None:
        return Check(name, Outcome.FAILED, "grey values", "colour")

    def judge(header: Dataset) -> tuple[Outcome, str]:
        found = text(header, "PhotometricInterpretation")
        samples = text(header, "SamplesPerPixel") or "1"
        described = f"{quoted(found) or 'none'}, samples per pixel {quoted(samples)}"
        return _passed_if(found in GREY and integer(header, "SamplesPerPixel", absent=1) == 1), described

    return _by_header(radiograph, name, expected=expected, judge=judge)


def check_frames(radiograph: Radiograph, _intended: IntendedUse) -> Check:
    """Check that there is one frame; an absent Number of Frames says so (PS3.3 C.7.6.6)."""

    def judge(header: Dataset) -> tuple[Outcome, str]:
        said = text(header, "NumberOfFrames") or "1"
        return _passed_if(frames_of(header) == 1), "1 (0 in the header)" if said == "0" else quoted(said)

    return _by_header(radiograph, "frames", expected="1", judge=judge)


def check_presentation(radiograph: Radiograph, _intended: IntendedUse) -> Check:
    """Check that pixels are for presentation; raw detector values are not what a model is trained on.

    Source:
        PS3.3 C.8.11.1 (Presentation Intent Type). CR and Secondary Capture do not have it.
    """

    def judge(header: Dataset) -> tuple[Outcome, str]:
        intent = text(header, "PresentationIntentType")
        if text(header, "SOPClassUID") == uid.DigitalXRayImageStorageForProcessing:
            return Outcome.FAILED, "a For Processing object"
        if not intent:
            return Outcome.NOT_AVAILABLE, "none"
        return _passed_if(intent.upper() == "FOR PRESENTATION"), quoted(intent)

    return _by_header(radiograph, "presentation", expected="FOR PRESENTATION", judge=judge)


def check_burned_in_annotation(radiograph: Radiograph, _intended: IntendedUse) -> Check:
    """Check whether text is burned into the pixels; flagged as "not available", neither passed nor a refusal.

    Markers and text in a corner do not hide the lungs, but whoever passes pixels on must know.
    """

    def judge(header: Dataset) -> tuple[Outcome, str]:
        found = text(header, "BurnedInAnnotation")
        if found.upper() == "YES":
            return Outcome.NOT_AVAILABLE, "YES: flagged, pixels may identify the patient"
        return (Outcome.PASSED if found.upper() == "NO" else Outcome.NOT_AVAILABLE), quoted(found) or "none"

    return _by_header(radiograph, "burned_in_annotation", expected="NO", judge=judge)


def check_pixel_encoding(radiograph: Radiograph, _intended: IntendedUse) -> Check:
    """Check that the pixels are as the header describes them: bits stored and sign.

    Source:
        PS3.5 Section 8.1.1.
    """
    name, expected = "pixel_encoding", "pixels as Bits Stored and Pixel Representation describe them"
    if radiograph.doubts:
        return Check(name, Outcome.FAILED, expected, "; ".join(radiograph.doubts))
    if radiograph.header is None or radiograph.pixels is None:
        return Check(name, Outcome.NOT_AVAILABLE, expected, "no header with pixels")
    return Check(name, Outcome.PASSED, expected, "such pixels")


def check_pixel_content(radiograph: Radiograph, _intended: IntendedUse) -> Check:
    """Check that the pixels show anything: that they are not blank, not saturated."""
    name, expected = "pixel_content", "an image that is neither blank nor saturated"
    if radiograph.pixels is None:
        return Check(name, Outcome.NOT_AVAILABLE, expected, "no single grey frame")
    stride = 1 + int((radiograph.pixels.size / _ENOUGH_PIXELS) ** 0.5)
    sample = radiograph.pixels[::stride, ::stride] if stride > 1 else radiograph.pixels
    counts = np.bincount((sample * (_GREY_LEVELS - 1)).astype(np.uint8).ravel(), minlength=_GREY_LEVELS)
    shares = counts / sample.size
    levels, flat, white = int((shares > 0).sum()), float(shares.max()), float(shares[-1])
    found = f"{levels} grey levels, {flat:.0%} of the pixels in one, {white:.0%} white"
    fine = levels >= FEWEST_LEVELS and flat <= LARGEST_FLAT_SHARE and white <= LARGEST_WHITE_SHARE
    return Check(name, _passed_if(fine), expected, found)


def _by_header(
    radiograph: Radiograph, name: str, *, expected: str, judge: Callable[[Dataset], tuple[Outcome, str]]
) -> Check:
    if radiograph.header is None:
        return Check(name, Outcome.NOT_AVAILABLE, expected, f"{radiograph.format} has no header")
    outcome, found = judge(radiograph.header)
    return Check(name, outcome, expected, found)


def _passed_if(condition: bool) -> Outcome:
    return Outcome.PASSED if condition else Outcome.FAILED


CHECKS: tuple[Callable[[Radiograph, IntendedUse], Check], ...] = (
    check_sop_class,
    check_modality,
    check_body_part,
    check_view,
    check_patient_age,
    check_matrix,
    check_photometric,
    check_frames,
    check_presentation,
    check_burned_in_annotation,
    check_identifiers,
    check_pixel_encoding,
    check_pixel_content,
)
"""All checks, in the order in which they are made; each one's name and first line say what it looks at."""
