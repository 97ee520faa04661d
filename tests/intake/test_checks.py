"""Each check against headers that pass it, fail it, and do not say."""

from collections.abc import Callable

import numpy as np
import pytest
from pydicom import Dataset, uid

from pneumoscope.core import Check, Format, IntendedUse, Outcome, Population, Radiograph, View
from pneumoscope.intake import check

PASSED, FAILED, NOT_AVAILABLE = Outcome
ORDER = [
    "sop_class",
    "modality",
    "body_part",
    "view",
    "patient_age",
    "matrix",
    "photometric",
    "frames",
    "presentation",
    "burned_in_annotation",
    "identifiers",
    "pixel_encoding",
    "pixel_content",
]
Chest = Callable[..., Radiograph]


def by_name(radiograph: Radiograph, intended: IntendedUse) -> dict[str, Check]:
    return {one.name: one for one in check(radiograph, intended)}


def coded(value: str, *, scheme: str = "SCT") -> list[Dataset]:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, "a part"
    return [item]


def test_a_chest_pa_of_an_adult_passes_every_check_that_its_header_allows(chest: Chest, intended: IntendedUse) -> None:
    checks = check(chest(), intended)
    assert [one.name for one in checks] == ORDER
    outcomes = {one.name: one.outcome for one in checks if one.outcome is not PASSED}
    assert outcomes == dict.fromkeys(("presentation", "burned_in_annotation", "identifiers"), NOT_AVAILABLE)


CASES = [
    ("sop_class", {"SOPClassUID": uid.DigitalXRayImageStorageForPresentation}, PASSED, "Digital X-Ray"),
    ("sop_class", {"SOPClassUID": uid.SecondaryCaptureImageStorage}, PASSED, "Secondary Capture"),
    ("sop_class", {"SOPClassUID": uid.CTImageStorage}, FAILED, "CT Image Storage"),
    ("sop_class", {"SOPClassUID": None}, FAILED, "none"),
    ("modality", {"Modality": "DX"}, PASSED, "DX"),
    ("modality", {"Modality": "CT"}, FAILED, "CT"),
    ("modality", {"Modality": None}, FAILED, "none"),
    ("body_part", {"BodyPartExamined": "THORAX "}, PASSED, "THORAX"),
    ("body_part", {"BodyPartExamined": "CHEST_PA"}, PASSED, "CHEST_PA"),
    ("body_part", {"BodyPartExamined": "RIBCAGE"}, FAILED, "RIBCAGE"),
    ("body_part", {"BodyPartExamined": "CHEST_ABDOMEN"}, FAILED, "CHEST_ABDOMEN"),
    ("body_part", {"BodyPartExamined": None}, FAILED, "none"),
    ("body_part", {"BodyPartExamined": None, "StudyDescription": "CHEST"}, FAILED, "none"),
    ("body_part", {"BodyPartExamined": None, "AnatomicRegionSequence": coded("816094009")}, PASSED, "816094009"),
    ("body_part", {"BodyPartExamined": None, "AnatomicRegionSequence": coded("51185008")}, PASSED, "51185008"),
    ("body_part", {"BodyPartExamined": None, "AnatomicRegionSequence": coded("T-D3000", scheme="SRT")}, PASSED, "T-D"),
    ("body_part", {"BodyPartExamined": None, "AnatomicRegionSequence": coded("113197003")}, FAILED, "113197003"),
    ("body_part", {"BodyPartExamined": None, "AnatomicRegionSequence": coded("1", scheme="99X")}, FAILED, "none"),
    ("body_part", {"AnatomicRegionSequence": coded("29836001")}, FAILED, "CHEST; (SCT, 29836001"),
    ("view", {"ViewPosition": "AP"}, PASSED, "View Position AP"),
    ("view", {"ViewPosition": "LL"}, FAILED, "View Position LL"),
    ("view", {"ViewPosition": "RLO"}, FAILED, "View Position RLO"),
    ("view", {"ViewPosition": None}, FAILED, "none"),
    ("view", {"ViewPosition": None, "PatientPosition": "XX"}, FAILED, "Patient Position XX"),
    ("view", {"ViewPosition": None, "PatientPosition": "AP"}, PASSED, "Patient Position AP"),
    ("view", {"ViewPosition": None, "PatientOrientation": ["L", "F"]}, PASSED, "frontal, PA or AP not said"),
    ("view", {"ViewPosition": None, "PatientOrientation": ["A", "F"]}, FAILED, "A\\F"),
    ("view", {"PatientOrientation": ["P", "F"]}, FAILED, "View Position PA; Patient Orientation P\\F"),
    ("view", {"PatientOrientation": ["L", "H"]}, PASSED, "Patient Orientation L\\H"),
    ("view", {"PatientOrientation": ["L", "P"]}, FAILED, "Patient Orientation L\\P"),
    ("patient_age", {"PatientAge": "017Y"}, FAILED, "17.0 years"),
    ("patient_age", {"PatientAge": "018Y"}, PASSED, "18 years"),
    ("patient_age", {"PatientAge": "100Y"}, PASSED, "100 years"),
    ("patient_age", {"PatientAge": "101Y"}, FAILED, "101 years"),
    ("patient_age", {"PatientAge": "411Y"}, FAILED, "411Y"),
    ("patient_age", {"PatientAge": None}, NOT_AVAILABLE, "none"),
    ("photometric", {"PhotometricInterpretation": "MONOCHROME1"}, PASSED, "MONOCHROME1"),
    ("photometric", {"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3}, FAILED, "RGB"),
    ("photometric", {"PhotometricInterpretation": None}, FAILED, "none"),
    ("frames", {"NumberOfFrames": 1}, PASSED, "1"),
    ("frames", {"NumberOfFrames": 2}, FAILED, "2"),
    ("frames", {"NumberOfFrames": 0}, PASSED, "1 (0 in the header)"),
    ("frames", {"NumberOfFrames": -1}, FAILED, "-1"),
    ("identifiers", {"StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.02.003"}, PASSED, "valid"),
    ("identifiers", {"SOPInstanceUID": "1.2." + "3" * 69}, FAILED, "SOP Instance UID of 73 characters"),
    ("identifiers", {"StudyInstanceUID": "1." + "2" * 63}, FAILED, "Study Instance UID of 65 characters"),
    ("identifiers", {"SeriesInstanceUID": "no uid"}, FAILED, "Series Instance UID that is malformed"),
    ("identifiers", {"SeriesInstanceUID": "1..2"}, FAILED, "Series Instance UID"),
    ("identifiers", {"SOPInstanceUID": None}, NOT_AVAILABLE, "no SOP Instance UID"),
    ("presentation", {"PresentationIntentType": "FOR PRESENTATION"}, PASSED, "FOR PRESENTATION"),
    ("presentation", {"PresentationIntentType": "FOR PROCESSING"}, FAILED, "FOR PROCESSING"),
    ("presentation", {"SOPClassUID": uid.DigitalXRayImageStorageForProcessing}, FAILED, "For Processing"),
    ("burned_in_annotation", {"BurnedInAnnotation": "NO"}, PASSED, "NO"),
    ("burned_in_annotation", {"BurnedInAnnotation": "YES"}, NOT_AVAILABLE, "YES: flagged"),
]


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
@pytest.mark.req("REQ-IN-03", "REQ-IN-04", "REQ-IN-05", "REQ-IN-06")
@pytest.mark.parametrize(("name", "attributes", "outcome", "found"), CASES, ids=lambda value: str(value)[:60])
def test_a_check_says_what_it_found(
    name: str, attributes: dict[str, object], outcome: Outcome, found: str, chest: Chest, intended: IntendedUse
) -> None:
    result = by_name(chest(**attributes), intended)[name]
    assert (result.outcome, found in result.found) == (outcome, True), result


@pytest.mark.req("REQ-IN-03")
def test_several_reasons_are_all_reported(chest: Chest, intended: IntendedUse) -> None:
    checks = check(chest(Modality="CT", BodyPartExamined="HEAD", ViewPosition="LL"), intended)
    assert [one.name for one in checks if one.outcome is FAILED] == ["modality", "body_part", "view"]


def test_pa_against_ap_is_reported_and_refused_only_where_one_is_not_intended(
    chest: Chest, intended: IntendedUse
) -> None:
    radiograph = chest(ViewPosition="PA", ViewCodeSequence=coded("399348003"))
    both = by_name(radiograph, intended)["view"]
    assert (both.outcome, "View Position PA; View Code (SCT, 399348003" in both.found) == (PASSED, True)
    pa_only = IntendedUse(youngest_years=18, oldest_years=100, smallest_px=32, views=(View.PA,))
    assert by_name(radiograph, pa_only)["view"].outcome is FAILED


def test_frontal_alone_is_not_enough_for_a_model_of_pa_views(chest: Chest) -> None:
    pa_only = IntendedUse(youngest_years=18, oldest_years=100, smallest_px=32, views=(View.PA,))
    assert by_name(chest(ViewPosition=None, PatientOrientation=["L", "F"]), pa_only)["view"].outcome is FAILED


@pytest.mark.parametrize(("smallest", "outcome"), [(40, PASSED), (41, FAILED)])
def test_the_shorter_side_decides_on_the_matrix(chest: Chest, smallest: int, outcome: Outcome) -> None:
    intended = IntendedUse(youngest_years=18, oldest_years=100, smallest_px=smallest)
    assert by_name(chest(), intended)["matrix"] == Check(
        "matrix", outcome, f"at least {smallest} x {smallest}", "48 x 40"
    )


@pytest.mark.req("REQ-IN-07")
def test_a_file_without_header_has_header_checks_that_are_not_available(intended: IntendedUse) -> None:
    pixels = np.linspace(0, 1, 1600, dtype=np.float32).reshape(40, 40)
    checks = check(Radiograph(path="film.png", format=Format.PNG, header=None, pixels=pixels), intended)
    passed = {one.name for one in checks if one.outcome is PASSED}
    assert passed == {"matrix", "pixel_content"}
    assert all(one.outcome is NOT_AVAILABLE for one in checks if one.name not in passed)


def test_a_coloured_file_is_refused_as_such(intended: IntendedUse) -> None:
    checks = check(Radiograph(path="cat.jpg", format=Format.JPEG, header=None, pixels=None), intended)
    assert [(one.name, one.found) for one in checks if one.outcome is FAILED] == [("photometric", "colour")]


def share_of(image: np.ndarray, value: float, *, share: float) -> np.ndarray:
    image = image.copy()
    image.flat[: int(image.size * share)] = value
    return image


NOISE = np.random.default_rng(0).random((100, 100), dtype=np.float32) * 0.9


@pytest.mark.req("REQ-IN-09")
@pytest.mark.parametrize(
    ("pixels", "outcome"),
    [
        (NOISE, PASSED),
        (share_of(NOISE, 0, share=0.85), PASSED),
        (share_of(NOISE, 0, share=0.95), FAILED),
        (share_of(NOISE, 1, share=0.4), PASSED),
        (share_of(NOISE, 1, share=0.6), FAILED),
        (np.zeros((100, 100), dtype=np.float32), FAILED),
        (np.ones((100, 100), dtype=np.float32), FAILED),
        ((NOISE > 0.5).astype(np.float32), FAILED),
        (np.rint(NOISE * 10) / np.float32(10), FAILED),
        (np.tile(NOISE, (20, 20)), PASSED),
        (np.zeros((2000, 2000), dtype=np.float32), FAILED),
    ],
    ids=["noise", "85% black", "95% black", "40% white", "60% white", "black", "white", "two levels", "ten levels", "large", "large and black"],  # noqa: E501
)  # fmt: skip
def test_pixels_that_show_nothing_are_refused(pixels: np.ndarray, outcome: Outcome, intended: IntendedUse) -> None:
    radiograph = Radiograph(path="x", format=Format.PNG, header=None, pixels=pixels)
    assert by_name(radiograph, intended)["pixel_content"].outcome is outcome


def test_found_is_one_short_line_whatever_the_header_holds(chest: Chest, intended: IntendedUse) -> None:
    radiograph = chest(ProtocolName="x", ViewPosition=None)
    assert radiograph.header is not None
    radiograph.header.add_new("BodyPartExamined", "LO", "A\nB" + "C" * 60)
    radiograph.header.add_new("AnatomicRegionSequence", "SQ", coded("1" * 16))
    found = by_name(radiograph, intended)["body_part"].found
    assert len(found) <= 80
    assert "\n" not in found


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_a_given_population_decides_where_the_age_cannot_be_relied_on(chest: Chest, intended: IntendedUse) -> None:
    film = chest(PatientAge="005Y", PatientBirthDate="19600101", StudyDate="20200102")
    assert by_name(film, intended)["patient_age"].outcome is FAILED
    given = {one.name: one for one in check(film, intended, population=Population.ADULTS)}["patient_age"]
    assert given.outcome is NOT_AVAILABLE
    assert given.found.endswith("taken for one of adults, as given")


def test_a_site_can_refuse_films_without_an_age(chest: Chest, intended: IntendedUse) -> None:
    film = chest(PatientAge=None)
    assert by_name(film, intended)["patient_age"].outcome is NOT_AVAILABLE
    wanted = {one.name: one for one in check(film, intended, needs_age=True)}["patient_age"]
    assert (wanted.outcome, wanted.found) == (FAILED, "none; films without an age are refused here")
    assert {one.name: one for one in check(chest(), intended, needs_age=True)}["patient_age"].outcome is PASSED
