"""Holding a radiograph against a model's intended use: every check, always all of them, in one order.

PNG and JPEG have no header, so what a header would say is "not available", never "passed". In DICOM an absent
attribute refuses the image where the intended use rests on it (SOP class, modality, body part, view,
photometric interpretation), and is "not available" where it may honestly be unknown (age, presentation intent,
burned-in annotation).
"""

from collections.abc import Callable

import numpy as np
from pydicom import Dataset, uid

from pneumoscope.core import Check, IntendedUse, Outcome, Radiograph, View
from pneumoscope.intake.anatomy import regions
from pneumoscope.intake.faults import quoted
from pneumoscope.intake.frame import GREY
from pneumoscope.intake.header import integer, text
from pneumoscope.intake.projection import Side, evidence

_MODALITIES = ("CR", "DX")
RADIOGRAPH_CLASSES = {
    uid.ComputedRadiographyImageStorage,
    uid.DigitalXRayImageStorageForPresentation,
    uid.DigitalXRayImageStorageForProcessing,  # read; `presentation` refuses it with the better reason
    uid.SecondaryCaptureImageStorage,
}
_GREY_LEVELS = 256
_FEWEST_LEVELS = 16
_LARGEST_FLAT_SHARE = 0.9
_LARGEST_WHITE_SHARE = 0.5
_ENOUGH_PIXELS = 1_000_000


def check(radiograph: Radiograph, intended: IntendedUse) -> tuple[Check, ...]:
    """Every check of one radiograph, in fixed order; the image is inside the intended use if none failed."""
    return tuple(one(radiograph, intended) for one in CHECKS)


def check_sop_class(radiograph: Radiograph, _intended: IntendedUse) -> Check:
    """Whether the object is a projection radiograph, or a Secondary Capture, whose modality then decides."""

    def judge(header: Dataset) -> tuple[Outcome, str]:
        found = uid.UID(text(header, "SOPClassUID"))
        return _passed_if(found in RADIOGRAPH_CLASSES), quoted(found.name) or "none"

    return _by_header(radiograph, "sop_class", expected="CR, DX or Secondary Capture image", judge=judge)


def check_modality(radiograph: Radiograph, _intended: IntendedUse) -> Check:
    """Whether the image is computed or digital radiography."""

    def judge(header: Dataset) -> tuple[Outcome, str]:
        found = text(header, "Modality")
        return _passed_if(found.upper() in _MODALITIES), quoted(found) or "none"

    return _by_header(radiograph, "modality", expected="CR or DX", judge=judge)


def check_body_part(radiograph: Radiograph, _intended: IntendedUse) -> Check:
    """Whether Body Part Examined and Anatomic Region Sequence, as far as present, all say the chest."""

    def judge(header: Dataset) -> tuple[Outcome, str]:
        named = regions(header)
        found = "; ".join(name for name, _ in named)
        return _passed_if(bool(named) and all(is_chest for _, is_chest in named)), quoted(found) or "none"

    return _by_header(radiograph, "body_part", expected="CHEST or THORAX", judge=judge)


def check_view(radiograph: Radiograph, intended: IntendedUse) -> Check:
    """Whether all that the header says of the projection is frontal, and of a view in the intended use.

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
    """Whether the patient's age is in range; an unknown age is no refusal."""
    youngest, oldest = intended.youngest_years, intended.oldest_years
    expected = f"{youngest:g} to {oldest:g} years"
    stated = radiograph.age_years
    if radiograph.header is None and stated is not None and not youngest <= stated <= oldest:
        return Check("patient_age", Outcome.FAILED, expected, f"{stated:g} years, as stated with the image")

    def judge(header: Dataset) -> tuple[Outcome, str]:
        age = radiograph.age_years
        if age is None:
            said = text(header, "PatientAge")
            return Outcome.NOT_AVAILABLE, f"no age to rely on ({quoted(said)})" if said else "none"
        return _passed_if(youngest <= age <= oldest), f"{age:.1f} years" if age < 18 else f"{age:.0f} years"

    return _by_header(radiograph, "patient_age", expected=expected, judge=judge)


def check_matrix(radiograph: Radiograph, intended: IntendedUse) -> Check:
    """Whether rows and columns are enough for the model's input."""
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
    """Whether the image is grey; a PNG or JPEG in colour is refused too."""
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
    """Whether there is one frame; an absent Number of Frames says so (PS3.3 C.7.6.6)."""

    def judge(header: Dataset) -> tuple[Outcome, str]:
        frames = text(header, "NumberOfFrames") or "1"
        return _passed_if(integer(header, "NumberOfFrames", absent=1) == 1), quoted(frames)

    return _by_header(radiograph, "frames", expected="1", judge=judge)


def check_presentation(radiograph: Radiograph, _intended: IntendedUse) -> Check:
    """Whether pixels are for presentation; raw detector values are not what a model is trained on.

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
    """Whether text is burned into the pixels; flagged as "not available", neither passed nor a refusal.

    Markers and text in a corner do not hide the lungs, but whoever passes pixels on must know.
    """

    def judge(header: Dataset) -> tuple[Outcome, str]:
        found = text(header, "BurnedInAnnotation")
        if found.upper() == "YES":
            return Outcome.NOT_AVAILABLE, "YES: flagged, pixels may identify the patient"
        return (Outcome.PASSED if found.upper() == "NO" else Outcome.NOT_AVAILABLE), quoted(found) or "none"

    return _by_header(radiograph, "burned_in_annotation", expected="NO", judge=judge)


def check_pixel_content(radiograph: Radiograph, _intended: IntendedUse) -> Check:
    """Whether the pixels show anything: not blank, not saturated.

    Source:
        Measured on 4,532 NIH, RSNA and Kermany radiographs: at least 115 of 256 grey levels used, at most 47 %
        of the pixels in one of them (black collimation), at most 2.4 % white.
    """
    name, expected = "pixel_content", "an image that is neither blank nor saturated"
    if radiograph.pixels is None:
        return Check(name, Outcome.NOT_AVAILABLE, expected, "no single grey frame")
    stride = 1 + int((radiograph.pixels.size / _ENOUGH_PIXELS) ** 0.5)
    sample = radiograph.pixels[::stride, ::stride] if stride > 1 else radiograph.pixels
    counts = np.bincount((sample * (_GREY_LEVELS - 1)).astype(np.uint8).ravel(), minlength=_GREY_LEVELS)
    shares = counts / sample.size
    levels, flat, white = int((shares > 0).sum()), float(shares.max()), float(shares[-1])
    found = f"{levels} grey levels, {flat:.0%} of the pixels in one, {white:.0%} white"
    fine = levels >= _FEWEST_LEVELS and flat <= _LARGEST_FLAT_SHARE and white <= _LARGEST_WHITE_SHARE
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
    check_pixel_content,
)
"""All checks, in the order in which they are made; each one's name and first line say what it looks at."""
