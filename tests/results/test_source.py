from io import BytesIO

import pytest
from pydicom import Dataset, dcmread
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from pneumoscope.results.source import source


def stored(ds, keyword, vr, data):
    """Puts bytes into a data set as a file would, unchecked."""
    tag = Tag(keyword)
    ds._dict[tag] = RawDataElement(tag, vr, len(data), data, 0, False, True)


@pytest.mark.req("REQ-RS-03")
def test_a_full_header_is_carried_over_unchanged(header):
    about = source(header())
    assert about.obstacles == about.left_out == ()
    assert about.ds.PatientName == "Yamada^Tarou=山田^太郎"
    assert (about.ds.PatientID, about.ds.PatientBirthDate, about.ds.PatientAge) == ("MRN-7", "19500321", "073Y")
    assert (about.ds.StudyID, about.ds.AccessionNumber, about.ds.StudyDescription) == ("S1", "ACC9", "Thorax pa")
    assert (about.date, about.time) == ("20230405", "101530")


def test_a_name_in_another_character_set_becomes_the_same_text():
    file = Dataset()
    file.SpecificCharacterSet, file.PatientName = "ISO_IR 100", "Müller^Jörg"
    stream = BytesIO()
    file.save_as(stream, implicit_vr=False, little_endian=True)
    stream.seek(0)
    ds = dcmread(stream, force=True)
    assert "ü".encode("latin-1") in stream.getvalue()
    assert source(ds).ds.PatientName == "Müller^Jörg"


@pytest.mark.parametrize("name", ["山田　太郎", "Kim^Hee\u00a0Jin"])
def test_a_space_of_any_script_is_part_of_a_name(header, name):
    ds = header()
    ds.PatientName = name
    about = source(ds)
    assert (about.ds.PatientName, about.obstacles) == (name, ())


def test_the_images_of_a_study_have_different_numbers_in_their_order(header):
    def number(series, instance, uid="1.2.3"):
        ds = header()
        ds.SOPInstanceUID, ds.SeriesNumber, ds.InstanceNumber = uid, series, instance
        return source(ds).number

    assert number(1, 1) < number(1, 2) < number(2, 1)
    assert number(None, 1, uid="1.2.3") != number(None, 1, uid="1.2.4")
    assert all(0 <= number(*said) < 2**31 for said in [(1, None), (99999, 999), (1, 1000), (-1, 1), (10**9, 1)])


def test_what_is_missing_is_empty_and_without_a_reference_there_is_an_obstacle():
    about = source(Dataset())
    assert about.obstacles == tuple(
        f"{uid} is missing" for uid in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
    )
    assert about.ds.PatientID == about.ds.StudyDate == ""
    assert (about.date, about.time) == ("19000101", "000000")


def test_a_patient_without_identifier_is_no_obstacle(header):
    ds = header()
    del ds.PatientID, ds.PatientName
    assert source(ds).obstacles == ()


@pytest.mark.req("REQ-RS-03")
@pytest.mark.parametrize(
    ("keyword", "vr", "data"),
    [
        ("PatientID", "LO", b"x" * 65),
        ("PatientID", "LO", b"one\\two"),
        ("PatientID", "LO", b"a\nb"),
        ("PatientName", "PN", b"x" * 70),
        ("StudyInstanceUID", "UI", b"1.2.x"),
        ("SOPInstanceUID", "UI", b"1.2..3"),
        ("SOPInstanceUID", "UI", b"1.2." + b"3" * 69),
        ("SeriesInstanceUID", "UI", b"1." * 40),
        ("SOPClassUID", "UI", b"1.2.840.10008.571.4.1.1.7"),
    ],
)
def test_an_identifier_that_cannot_be_written_as_it_is_is_an_obstacle(header, keyword, vr, data):
    ds = header()
    stored(ds, keyword, vr, data)
    assert source(ds).obstacles == (f"{keyword} is not valid",)


@pytest.mark.parametrize(
    ("keyword", "vr", "data"),
    [
        ("PatientAge", "AS", b"81"),
        ("PatientSex", "CS", b"male"),
        ("StudyDate", "DA", b"2023.1.2"),
        ("StudyDate", "DA", b"20230101-20231231"),
        ("StudyTime", "TM", b"ten"),
        ("PatientBirthDate", "DA", b"unknown"),
        ("AccessionNumber", "SH", b"x" * 17),
        ("TimezoneOffsetFromUTC", "SH", b"a\\b"),
    ],
)
def test_any_other_value_that_is_not_valid_is_left_out_and_named(header, keyword, vr, data):
    ds = header()
    stored(ds, keyword, vr, data)
    about = source(ds)
    assert about.left_out == (keyword,)
    assert about.obstacles == ()
    assert about.ds.get(keyword, "") == ""


def test_the_moment_falls_back_from_content_to_acquisition_to_study(header):
    ds = header()
    del ds.ContentDate
    ds.AcquisitionDate = "20230404"
    assert (source(ds).date, source(ds).time) == ("20230404", "000000")
    del ds.AcquisitionDate
    assert (source(ds).date, source(ds).time) == ("20230405", "101112")


def test_a_leading_zero_in_a_uid_is_kept(header):
    ds = header()
    stored(ds, "SOPInstanceUID", "UI", b"1.2.03")
    about = source(ds)
    assert about.obstacles == ()
    assert about.ds.SOPInstanceUID == "1.2.03"


@pytest.mark.parametrize("name", ["测试^患者".encode("gbk"), "Müller^Jörg".encode("latin-1")])
def test_a_name_that_cannot_be_decoded_is_left_empty_and_never_invented(header, name):
    ds = header()
    ds.SpecificCharacterSet = "ISO_IR 192"
    stored(ds, "PatientName", "PN", name)
    about = source(ds)
    assert about.obstacles == ()
    assert about.ds.PatientName == ""
    assert "PatientName" in about.left_out


def test_a_patient_id_that_cannot_be_decoded_is_an_obstacle(header):
    ds = header()
    ds.SpecificCharacterSet = "ISO_IR 192"
    stored(ds, "PatientID", "LO", "Nr. Ü".encode("latin-1"))
    assert source(ds).obstacles == ("PatientID is not valid",)
