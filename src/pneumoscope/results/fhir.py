"""Result lines of a study -> FHIR R4 transaction: one DiagnosticReport, one Observation per image."""

from datetime import UTC, datetime
from typing import Any

import pneumoscope
from pneumoscope.core import InputError
from pneumoscope.results.line import ResultLine
from pneumoscope.results.reading import Reading
from pneumoscope.results.source import source
from pneumoscope.results.study import StudyLine, study_line
from pneumoscope.results.uid import resource_uuid
from pneumoscope.results.wording import NOT_NEGATIVE, RESEARCH_USE

Resource = dict[str, Any]

_SYSTEMS = {
    "SCT": "http://snomed.info/sct",
    "LN": "http://loinc.org",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
}
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_SECTION = "http://terminology.hl7.org/CodeSystem/v2-0074"


def fhir_bundle(study: StudyLine, *, patient_id: str, accession: str, study_date: str, completed_at: float) -> Resource:
    """Return the transaction; conditional updates, so that sending it twice leaves one report.

    Args:
        study: The study's result.
        patient_id: Patient ID as in the images; empty where unknown, and then the report has no subject.
        accession: Accession Number, empty where unknown.
        study_date: Study Date as DICOM writes it (DA), empty where unknown: when the images were made.
        completed_at: When the study counted as complete, seconds since 1970.

    Source:
        HL7 FHIR R4 (4.0.1): DiagnosticReport, Observation, 3.1.0.7.3 (conditional update).
    """
    from pneumoscope.results import codes

    about: Resource = {"status": "preliminary"}
    if len(study_date) == len("20260101") and study_date.isdecimal():
        about["effectiveDateTime"] = f"{study_date[:4]}-{study_date[4:6]}-{study_date[6:]}"
    if patient_id:
        about["subject"] = {"type": "Patient", "identifier": {"value": patient_id}}
    study_uid = study["study_instance_uid"]
    observations = [_observation(line, about=about, study_uid=study_uid) for line in study["images"]]
    report = {
        "resourceType": "DiagnosticReport",
        "identifier": [_uid(study_uid)],
        **about,
        "basedOn": [{"type": "ServiceRequest", "identifier": {"value": accession}}] if accession else None,
        "category": [{"coding": [{"system": _SECTION, "code": "RAD", "display": "Radiology"}]}],
        "code": _concept(codes.IMAGING_REPORT),
        "issued": _instant(completed_at),
        "imagingStudy": [{"type": "ImagingStudy", "identifier": _uid(study_uid)}],
        "result": [{"reference": address} for address, _ in observations],
        "conclusion": f"{study['summary']} {RESEARCH_USE}.",
    }
    entries = [(_address(report), report), *observations]
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [_entry(address, _without_none(resource)) for address, resource in entries],
    }


def fhir_of_reading(reading: Reading, *, completed_at: float) -> Resource:
    """Return the transaction of a study that has this one image, as far as the caller knows.

    Raises:
        InputError: There is no DICOM header, or one without Study Instance UID.
    """
    if reading.radiograph is None or reading.radiograph.header is None:
        raise InputError(f"{reading.path}: a FHIR report needs a DICOM header, found none")
    about = source(reading.radiograph.header).ds
    if not about.StudyInstanceUID:
        raise InputError(f"{reading.path}: a FHIR report needs a valid Study Instance UID, found none")
    study = study_line([reading.to_dict()], study_uid=str(about.StudyInstanceUID), completed_by="reading")
    return fhir_bundle(
        study,
        patient_id=str(about.PatientID),
        accession=str(about.AccessionNumber),
        study_date=str(about.StudyDate),
        completed_at=completed_at,
    )


def _observation(line: ResultLine, *, about: Resource, study_uid: str) -> tuple[str, Resource]:
    """Return the Observation of one image, known by its UID; one that was not analysed has no value, and says why."""
    from pneumoscope.results import codes

    uid, model = str(line["sop_instance_uid"] or line["path"]), line["model"]
    assert isinstance(model, dict), "as `to_line` writes it"
    resource: Resource = {
        "resourceType": "Observation",
        "identifier": [_uid(uid)],
        **about,
        "category": [_coding("http://terminology.hl7.org/CodeSystem/observation-category", "imaging", "Imaging")],
        "code": _concept(codes.PNEUMONIA),
        "bodySite": _concept(codes.LUNG),
        "device": {"display": f"Pneumoscope {pneumoscope.__version__}, {model['name']} {model['version']}"},
        "derivedFrom": [{"type": "ImagingStudy", "identifier": _uid(study_uid)}],
    }
    if line["status"] == "analysed":
        value = codes.SUSPECTED if line["positive"] else codes.NOT_SUSPECTED
        decided = codes.BY_PERSON if line["uncertain"] else codes.BY_THRESHOLD
        resource |= {
            "valueCodeableConcept": _concept(value),
            "component": [
                {"code": _concept(codes.CERTAINTY_OF_FINDING), "valueQuantity": _percent(line["probability"])},
                {"code": _concept(codes.DECISION_THRESHOLD), "valueQuantity": _percent(line["threshold"])},
                {"code": _concept(codes.OPERATING_POINT), "valueString": line["operating_point"]},
                {"code": _concept(codes.DECIDED_BY), "valueCodeableConcept": _concept(decided)},
            ],
            "note": [{"text": f"{RESEARCH_USE}."}],
        }
    else:
        code = "error" if line["status"] == "failed" else "not-performed"
        resource["dataAbsentReason"] = _coding(_ABSENT, code, code.replace("-", " ").capitalize())
        resource["note"] = [{"text": f"Not analysed. {NOT_NEGATIVE}"}, *({"text": words} for words in _reasons(line))]
    return _address(resource), resource


def _address(resource: Resource) -> str:
    """Return how the bundle's entries refer to each other."""
    return f"urn:uuid:{resource_uuid(resource['resourceType'], resource['identifier'][0]['value'])}"


def _reasons(line: ResultLine) -> list[str]:
    reasons = line["reasons"]
    assert isinstance(reasons, list), "as `to_line` writes it"
    return [f"{one['check']}: expected {one['expected']}, found {one['found']}" for one in reasons]


def _entry(address: str, resource: Resource) -> Resource:
    identifier = resource["identifier"][0]
    query = f"{resource['resourceType']}?identifier={identifier['system']}|{identifier['value']}"
    return {"fullUrl": address, "resource": resource, "request": {"method": "PUT", "url": query}}


def _uid(uid: str) -> Resource:
    """Return a DICOM UID as an identifier (FHIR R4, ImagingStudy 10.6.5)."""
    return {"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}


def _concept(code: Any) -> Resource:
    system = _SYSTEMS.get(code.scheme_designator, f"urn:pneumoscope:{code.scheme_designator.lower()}")
    return {"coding": [{"system": system, "code": code.value, "display": code.meaning}], "text": code.meaning}


def _coding(system: str, code: str, display: str) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def _percent(share: object) -> Resource:
    assert isinstance(share, float), "as `to_line` writes it"
    return {"value": round(100 * share, 10), "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"}


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _without_none(resource: Resource) -> Resource:
    return {key: value for key, value in resource.items() if value is not None}
