from io import BytesIO

import numpy as np
import pydicom
import pytest
from pydicom.sr.codedict import codes

from pneumoscope.core import InputError
from pneumoscope.results import not_analysed_report, notice, notice_capture


def written(ds):
    stream = BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


@pytest.mark.req("REQ-SV-03")
def test_a_report_says_coded_and_in_words_that_nothing_was_looked_for_and_why(refused, header):
    ds = pydicom.dcmread(BytesIO(written(not_analysed_report(refused(), header()))))
    items = list(ds.ContentSequence)
    assert items[0].ConceptCodeSequence[0].CodeMeaning == "Not Attempted"
    words = [item.TextValue for item in items if item.ValueType == "TEXT"]
    assert words[0] == "Pneumonia: not analysed (refused). This is not a negative result."
    assert words[1:3] == ["modality: expected CR or DX, found CT", "body part: expected CHEST, found RIBCAGE"]
    assert items[-1].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "1.2.3.4.3"
    assert (ds.StudyInstanceUID, str(ds.PatientName)) == ("1.2.3.4.1", "Yamada^Tarou=山田^太郎")


def test_an_image_that_could_not_be_read_is_coded_as_failed(failed, header):
    item = not_analysed_report(failed(), header()).ContentSequence[0]
    assert item.ConceptCodeSequence[0].CodeMeaning == "Failed"


def test_the_codes_are_the_standards():
    from pneumoscope.results import codes as ours

    assert codes.DCM.SummaryOfDetections == ours.DETECTIONS
    assert codes.DCM.NotAttempted == ours.NOT_ATTEMPTED
    assert codes.DCM.Failed == ours.FAILED
    assert codes.DCM.AlgorithmName == ours.ALGORITHM_NAME
    assert codes.DCM.AlgorithmVersion == ours.ALGORITHM_VERSION


@pytest.mark.req("REQ-SV-03")
def test_a_notice_is_a_picture_with_words_and_a_capture_of_it_names_no_finding(refused, header):
    pixels = notice(refused())
    assert pixels.shape == (600, 900, 3)
    assert np.count_nonzero(pixels.max(axis=2) > 200) > 3000, "words are drawn"
    ds = notice_capture(refused(), header(), pixels=pixels)
    assert "not analysed" in ds.ImageComments
    assert "uspicious" not in ds.ImageComments


def test_a_notice_with_many_and_long_reasons_stays_within_its_picture(refused):
    from dataclasses import replace

    from pneumoscope.core import Check, Outcome

    reading = replace(refused(), checks=tuple(Check("view", Outcome.FAILED, "x " * 200, "y") for _ in range(9)))
    assert notice(reading).shape == (600, 900, 3)


@pytest.mark.req("REQ-RS-04")
def test_report_and_capture_are_the_same_each_time_and_differ_from_a_result(refused, analysed, header, radiograph):
    first, second = (written(not_analysed_report(refused(), header())) for _ in range(2))
    assert first == second
    pixels = notice(refused())
    first, second = (written(notice_capture(refused(), header(), pixels=pixels)) for _ in range(2))
    assert first == second


def test_what_cannot_be_referred_to_or_was_analysed_is_refused(refused, analysed, header):
    bare = header()
    del bare.StudyInstanceUID
    pixels = notice(refused())
    for make in (lambda r, ds: not_analysed_report(r, ds), lambda r, ds: notice_capture(r, ds, pixels=pixels)):
        with pytest.raises(InputError, match="StudyInstanceUID is missing"):
            make(refused(), bare)
        with pytest.raises(ValueError, match="expected a reading that was not analysed"):
            make(analysed(), header())
    with pytest.raises(ValueError, match="not analysed"):
        notice(analysed())


@pytest.mark.req("REQ-SV-03")
def test_both_pass_dciodvfy_and_the_report_is_read_by_dsrdump(refused, failed, any_header, tmp_path, dciodvfy, dsrdump):
    path = tmp_path / "object.dcm"
    for reading in (refused(), failed()):
        path.write_bytes(written(notice_capture(reading, any_header, pixels=notice(reading))))
        assert "Error" not in dciodvfy(path)
        path.write_bytes(written(not_analysed_report(reading, any_header)))
        assert "Error" not in dciodvfy(path)
        assert "Pneumonia: not analysed" in dsrdump(path)
