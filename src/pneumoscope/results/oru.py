"""Result lines of a study -> HL7 v2.5.1 ORU^R01: one observation for the study, one per image."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import hl7

import pneumoscope
from pneumoscope.results.line import ResultLine
from pneumoscope.results.study import StudyLine
from pneumoscope.results.wording import NOT_NEGATIVE, RESEARCH_USE

APPLICATION = "PNEUMOSCOPE"
_LONGEST_CONTROL_ID = 20  # HL7 v2.5.1, 2.14.9.10 MSH-10
_REPORT = ("18748-4", "Diagnostic imaging report", "LN")
_PNEUMONIA = ("233604007", "Pneumonia", "SCT")
_ABNORMAL = {"suspicious": "A", "clear": "N"}


def oru_message(
    study: StudyLine,
    *,
    patient_id: str,
    patient_name: str,
    accession: str,
    study_date: str,
    completed_at: float,
    key: str,
    receiver: tuple[str, str] = ("", ""),
) -> str:
    """Return the message; results are preliminary (P), and what was not analysed is "cannot be obtained" (X).

    Args:
        study: The study's result.
        patient_id: Patient ID as in the images; empty where unknown.
        patient_name: Patient's Name as DICOM writes it (PN); empty where unknown.
        accession: Accession Number, the filler's number of the order; empty where unknown.
        study_date: Study Date (DA); empty where unknown.
        completed_at: When the study counted as complete, seconds since 1970.
        key: What makes this message one of its kind; the message control ID is made of it, so that a message that is
            sent twice can be told.
        receiver: Receiving application and facility.

    Source:
        HL7 v2.5.1, 7.3.1 (ORU^R01), 2.14.9 (MSH), 3.4.2 (PID), 7.4.1 (OBR), 7.4.2 (OBX).
    """
    moment = datetime.fromtimestamp(completed_at, UTC).strftime("%Y%m%d%H%M%S+0000")
    control_id = hashlib.sha256(key.encode()).hexdigest()[:_LONGEST_CONTROL_ID]
    kind = ["ORU", "R01", "ORU_R01"]
    header: list[Any] = ["", "", receiver[0], receiver[1], moment, "", kind, control_id, "P", "2.5.1"]
    message = hl7.parse(f"MSH|^~\\&|{APPLICATION}|||||||||\r", encoding="utf-8")
    _fill(message, message[0], header, first=3)
    _fill(message, message[0], ["", "", "AL", "NE", "", "UNICODE UTF-8"], first=13)
    message[0][3] = hl7.Field("~", [APPLICATION])
    rows: list[list[Any]] = [
        ["PID", "1", "", patient_id, "", _name(patient_name)],
        ["OBR", "1", "", accession, _REPORT, "", "", study_date, *[""] * 14, moment, "", "RAD", "P"],
        _observation(1, _REPORT, "", f"{study['summary']} {RESEARCH_USE}.", kind="TX", status="P"),
        *(_of_image(number, line) for number, line in enumerate(study["images"], start=2)),
    ]
    for row in rows:
        segment = hl7.Segment("|", [hl7.Field("~", [row[0]])])
        _fill(message, segment, row[1:], first=1)
        message.append(segment)
    return str(message)


def control_id_of(message: str) -> str:
    """Return a message's control ID (MSH-10), which an acknowledgement repeats.

    Raises:
        ValueError: This is no HL7 message.
    """
    try:
        return str(hl7.parse(message).segment("MSH")[10])
    except (hl7.HL7Exception, IndexError, KeyError) as error:
        raise ValueError("expected an HL7 message") from error


def _fill(message: hl7.Message, segment: hl7.Segment, values: list[Any], *, first: int) -> None:
    """Set a segment's fields from that number on; texts are escaped, tuples and lists become components."""
    for number, value in enumerate(values, start=first):
        while len(segment) <= number:
            segment.append(hl7.Field("~", [""]))
        if isinstance(value, (tuple, list)):
            parts = [message.escape(str(one)) for one in value]
            segment[number] = hl7.Field("~", [hl7.Repetition("^", parts)])
        else:
            segment[number] = hl7.Field("~", [message.escape(str(value))])


def _of_image(number: int, line: ResultLine) -> list[Any]:
    sub_id = line["sop_instance_uid"] or ""
    probability = line["probability"]
    if line["status"] != "analysed" or probability is None:
        reasons = [(one["check"], one["expected"], one["found"]) for one in line["reasons"]]
        found = "; ".join(f"{check}: expected {expected}, found {came}" for check, expected, came in reasons)
        words = f"{line['status']}, not analysed: {found}. {NOT_NEGATIVE}"
        return _observation(number, _PNEUMONIA, sub_id, words, kind="ST", status="X")
    flag = "" if line["uncertain"] else _ABNORMAL["suspicious" if line["positive"] else "clear"]
    return _observation(number, _PNEUMONIA, sub_id, f"{probability:.4f}", kind="NM", status="P", flag=flag)


def _observation(
    number: int, code: tuple[str, str, str], sub_id: str, value: str, *, kind: str, status: str, flag: str = ""
) -> list[Any]:
    method = f"Pneumoscope {pneumoscope.__version__}"
    unit = ("1", "", "UCUM") if kind == "NM" else ""
    return ["OBX", number, kind, code, sub_id, value, unit, "", flag, "", "", status, *[""] * 5, method]


def _name(person: str) -> list[str]:
    """Return a DICOM name (PN: family, given, middle, prefix, suffix) as XPN: there the suffix comes first."""
    family, given, middle, prefix, suffix = [*person.partition("=")[0].split("^"), *[""] * 5][:5]
    return [family, given, middle, suffix, prefix]
