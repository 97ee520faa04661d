import pytest
from fhir.resources.R4B.bundle import Bundle

from pneumoscope.results import Outputs, fhir_bundle, study_line, to_line


@pytest.fixture
def study(analysed, refused, failed):
    """A study of an analysed, a refused and a failed image."""

    def build(*readings):
        chosen = readings or (analysed(), refused(), failed())
        return study_line([to_line(one, Outputs()) for one in chosen], study_uid="1.2.3.4.1", completed_by="count")

    return build


def bundle_of(study, **options):
    values = {"patient_id": "MRN-7", "accession": "ACC9", "study_date": "20230405", "completed_at": 1.7e9}
    return fhir_bundle(study, **(values | options))


def test_a_bundle_validates_against_fhir_and_has_a_report_and_an_observation_an_image(study):
    bundle = Bundle.model_validate(bundle_of(study()))
    report, *observations = [entry.resource for entry in bundle.entry]
    assert report.get_resource_type() == "DiagnosticReport"
    assert report.status == "preliminary"
    assert report.subject.identifier.value == "MRN-7"
    assert "Research use only" in report.conclusion
    assert [reference.reference for reference in report.result] == [entry.fullUrl for entry in bundle.entry[1:]]
    assert len(observations) == 3


def test_a_bundle_says_of_which_study_it_is_and_when_that_was_made(study):
    _, *observations = resources = [entry.resource for entry in Bundle.model_validate(bundle_of(study())).entry]
    assert {str(one.effectiveDateTime) for one in resources} == {"2023-04-05"}
    assert resources[0].issued.year == 2023
    studies = {one.derivedFrom[0].identifier.value for one in observations}
    assert studies == {resources[0].imagingStudy[0].identifier.value} == {"urn:oid:1.2.3.4.1"}


@pytest.mark.parametrize("said", ["", "2023", "20230405-20230406"])
def test_a_study_without_a_date_has_no_time_at_all(study, said):
    bundle = Bundle.model_validate(bundle_of(study(), study_date=said))
    assert all(entry.resource.effectiveDateTime is None for entry in bundle.entry)


def test_an_analysed_image_is_coded_with_its_numbers(study):
    observation = Bundle.model_validate(bundle_of(study())).entry[1].resource
    assert observation.code.coding[0].code == "233604007"
    assert observation.valueCodeableConcept.coding[0].code == "415684004"
    numbers = {
        part.code.coding[0].code: part.valueQuantity.value for part in observation.component if part.valueQuantity
    }
    assert {code: float(number) for code, number in numbers.items()} == {"111012": 83.0, "THRESHOLD": 41.0}


def test_an_image_that_was_not_analysed_has_no_value_and_says_why(study):
    _, _, refused, failed = [entry.resource for entry in Bundle.model_validate(bundle_of(study())).entry]
    assert refused.valueCodeableConcept is None
    assert refused.dataAbsentReason.coding[0].code == "not-performed"
    assert failed.dataAbsentReason.coding[0].code == "error"
    assert [note.text for note in refused.note][:2] == [
        "Not analysed. This is not a negative result.",
        "modality: expected CR or DX, found CT",
    ]


def test_sending_twice_updates_and_never_doubles(study):
    first, second = bundle_of(study()), bundle_of(study())
    assert first == second
    assert {entry["request"]["method"] for entry in first["entry"]} == {"PUT"}
    assert first["entry"][0]["request"]["url"] == "DiagnosticReport?identifier=urn:dicom:uid|urn:oid:1.2.3.4.1"


def test_an_unknown_patient_is_no_subject(study):
    bundle = Bundle.model_validate(bundle_of(study(), patient_id="", accession=""))
    assert bundle.entry[0].resource.subject is None
    assert bundle.entry[0].resource.basedOn is None


@pytest.mark.parametrize(
    ("probabilities", "finding"),
    [
        ([(0.9, False), (0.1, False)], "suspicious"),
        ([(0.1, False), (0.2, True)], "uncertain"),
        ([(0.9, True), (0.1, False)], "uncertain"),
        ([(0.1, False)], "clear"),
    ],
)
def test_a_study_is_what_its_most_suspicious_image_is(study, analysed, probabilities, finding):
    line = study(*(analysed(probability=share, uncertain=doubt) for share, doubt in probabilities))
    assert line["finding"] == finding
    assert line["probability"] == max(share for share, _ in probabilities)


def test_what_was_not_analysed_never_makes_a_study_clear(study, analysed, refused):
    line = study(refused())
    assert (line["finding"], line["probability"]) == ("not analysed", None)
    assert line["summary"] == "Not analysed. 1 of 1 images not analysed. This is not a negative result."
    assert "1 of 2 images not analysed" in study(analysed(probability=0.1), refused())["summary"]
