import re
from dataclasses import replace
from io import BytesIO

import numpy as np
import pydicom
import pytest
from highdicom.sr import MeasurementReport, srread
from pydicom.sr.codedict import codes

from pneumoscope.core import Format, InputError, Radiograph
from pneumoscope.results import structured_report


def written(report):
    stream = BytesIO()
    report.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def group_of(data):
    report = srread(BytesIO(data))
    assert isinstance(report.content, MeasurementReport)
    groups = report.content.get_image_measurement_groups()
    assert len(groups) == 1
    return groups[0]


def texts(node, name):
    found = []
    for item in node.get("ContentSequence", []):
        if item.get("ConceptNameCodeSequence") and item.ConceptNameCodeSequence[0].CodeMeaning == name:
            found.append(item.get("TextValue") or item.ConceptCodeSequence[0].CodeMeaning)
        found += texts(item, name)
    return found


@pytest.mark.req("REQ-RS-01")
def test_a_report_reads_back_with_finding_probability_threshold_and_decision(analysed, radiograph, header, card):
    data = written(structured_report(analysed(probability=0.8314), radiograph(ds=header()), card=card))
    group = group_of(data)
    assert group.finding_type.value == "233604007"
    assert [site.value.meaning for site in group.finding_sites] == ["Lung"]
    numbers = {item.name.value: (item.value, item.unit.value) for item in group.get_measurements()}
    assert numbers == {"111012": (83.14, "%"), "THRESHOLD": (41.0, "%")}
    answers = {item.name.meaning: item.value.value for item in group.get_qualitative_evaluations()}
    assert answers == {"Finding context": "415684004", "Decided by": "BY_THRESHOLD"}
    ds = pydicom.dcmread(BytesIO(data))
    assert texts(ds, "CAD Operating Point Description") == ["balanced"]
    assert texts(ds, "Comment")[0].startswith("Suspicious for pneumonia. Probability 83.1 %")
    assert "Research use only" in texts(ds, "Comment")[0]


def test_a_negative_and_an_uncertain_result_are_coded_as_such(analysed, radiograph, header, card):
    reading = analysed(probability=0.2, uncertain=True)
    group = group_of(written(structured_report(reading, radiograph(ds=header()), card=card)))
    answers = {item.name.meaning: item.value.value for item in group.get_qualitative_evaluations()}
    assert answers == {"Finding context": "428263003", "Decided by": "BY_PERSON"}


@pytest.mark.req("REQ-RS-01", "REQ-MD-03")
def test_probability_and_threshold_are_never_rounded_across_each_other(analysed, radiograph, header, card):
    ds = structured_report(analysed(probability=0.4099999999), radiograph(ds=header()), card=card)
    values = [item.MeasuredValueSequence[0].NumericValue for item in _items(ds) if "MeasuredValueSequence" in item]
    assert values == [pytest.approx(40.99999999), 41]
    assert values[0] < values[1]


def _items(ds):
    for item in ds.get("ContentSequence", []):
        yield item
        yield from _items(item)


def test_a_report_identifies_the_algorithm_and_all_that_it_takes_to_repeat_the_result(
    analysed, radiograph, header, card
):
    ds = structured_report(analysed(), radiograph(ds=header()), card=card)
    assert texts(ds, "Algorithm Name") == ["pneumoscope-small"]
    assert texts(ds, "Algorithm Version") == ["1.2.0"]
    parameters = texts(ds, "Algorithm Parameters")
    for parameter in ("sha256=" + "3f9ac41b22d07e51" * 4, "operating_point=balanced", "threshold=0.41"):
        assert parameter in parameters
    assert "preprocessing=224 px, bilinear" in parameters


def test_a_report_refers_to_its_source_in_content_and_evidence(analysed, radiograph, any_header, card):
    ds = structured_report(analysed(), radiograph(ds=any_header), card=card)
    source = group_of(written(ds)).source_images[0]
    assert source.referenced_sop_instance_uid == "1.2.3.4.3"
    assert source.referenced_sop_class_uid == any_header.SOPClassUID
    study = ds.CurrentRequestedProcedureEvidenceSequence[0]
    series = study.ReferencedSeriesSequence[0]
    assert (study.StudyInstanceUID, series.SeriesInstanceUID) == ("1.2.3.4.1", "1.2.3.4.2")
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "1.2.3.4.3"


def test_a_report_carries_patient_and_study_in_any_script_and_says_its_state(analysed, radiograph, header, card):
    ds = pydicom.dcmread(BytesIO(written(structured_report(analysed(), radiograph(ds=header()), card=card))))
    assert str(ds.PatientName) == "Yamada^Tarou=山田^太郎"
    assert str(ds.ReferringPhysicianName) == "Müller^Jörg"
    assert (ds.PatientID, ds.PatientAge, ds.AccessionNumber) == ("MRN-7", "073Y", "ACC9")
    assert (ds.StudyInstanceUID, ds.StudyDate, ds.StudyDescription) == ("1.2.3.4.1", "20230405", "Thorax pa")
    assert (ds.ContentDate, ds.ContentTime) == ("20230405", "101530")
    assert (ds.CompletionFlag, ds.PreliminaryFlag, ds.VerificationFlag) == (
        "COMPLETE",
        "PRELIMINARY",
        "UNVERIFIED",
    )
    assert "research use only" in ds.SeriesDescription
    assert ds.SeriesInstanceUID != "1.2.3.4.2"


@pytest.mark.req("REQ-RS-04")
def test_the_same_reading_gives_the_same_bytes_and_another_one_another_uid(analysed, radiograph, header, card):
    def report(reading, ds):
        return structured_report(reading, radiograph(ds=ds), card=card)

    first = report(analysed(), header())
    assert written(report(analysed(), header())) == written(first)
    reading, other_source = analysed(), header()
    other_source.SOPInstanceUID = "1.2.3.4.9"
    other_point = replace(reading, decision=replace(reading.decision, operating_point="screening"))
    other_model = replace(reading, model=replace(reading.model, sha256="0" * 64))
    others = [
        report(reading, other_source),
        report(other_point, header()),
        report(other_model, header()),
    ]
    uids = {ds.SOPInstanceUID for ds in (first, *others)}
    assert len(uids) == 4
    assert all(re.fullmatch(r"2\.25\.[1-9]\d{0,38}", uid) for uid in uids)
    assert others[0].SeriesInstanceUID == others[1].SeriesInstanceUID == first.SeriesInstanceUID
    assert others[2].SeriesInstanceUID != first.SeriesInstanceUID


def test_an_image_that_no_report_can_refer_to_is_an_input_error(analysed, refused, radiograph, header, card):
    with pytest.raises(InputError, match="found PNG"):
        structured_report(analysed(), radiograph(ds=None), card=card)
    bare = header()
    del bare.StudyInstanceUID
    with pytest.raises(InputError, match="StudyInstanceUID is missing"):
        structured_report(analysed(), radiograph(ds=bare), card=card)
    with pytest.raises(ValueError, match="found refused"):
        structured_report(refused(), radiograph(ds=header()), card=card)


def test_our_codes_agree_with_pydicoms_tables():
    from pneumoscope.results import codes as ours

    assert codes.DCM.CertaintyOfFinding == ours.CERTAINTY_OF_FINDING
    assert codes.DCM.CADOperatingPointDescription == ours.OPERATING_POINT
    assert codes.DCM.Comment == ours.COMMENT
    assert codes.SCT.Suspected == ours.SUSPECTED
    assert codes.SCT.Lung == ours.LUNG
    assert codes.UCUM.Percent == ours.PERCENT


@pytest.mark.req("REQ-RS-01")
def test_a_report_passes_dciodvfy_and_is_read_by_dsrdump(
    analysed, radiograph, any_header, card, tmp_path, dciodvfy, dsrdump
):
    path = tmp_path / "report.dcm"
    path.write_bytes(written(structured_report(analysed(), radiograph(ds=any_header), card=card)))
    assert "Error" not in dciodvfy(path)
    text = dsrdump(path)
    assert '"Certainty of Finding")="83.0" (%,UCUM,"Percent")' in text
    assert '"Finding context")=(415684004,SCT,"Suspected")' in text


@pytest.mark.parametrize("name", ["udacity/test1.dcm", "wg04/RG1_J2KI.dcm"])
def test_a_report_about_a_real_image_passes_dciodvfy(name, analysed, card, data_root, tmp_path, dciodvfy, dsrdump):
    image = data_root / "dicom" / name
    radiograph = Radiograph(
        path=name,
        format=Format.DICOM,
        header=pydicom.dcmread(image, stop_before_pixels=True),
        pixels=np.zeros((9, 9), dtype=np.float32),
    )
    path = tmp_path / "report.dcm"
    path.write_bytes(written(structured_report(analysed(), radiograph, card=card)))
    assert "Error" not in dciodvfy(path)
    assert "Certainty of Finding" in dsrdump(path)
