"""The one list of objects that library, command line and node make of a reading."""

import pickle
from datetime import UTC, datetime

import numpy as np
import pytest
from pydicom.uid import (
    BasicTextSRStorage,
    Comprehensive3DSRStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    SecondaryCaptureImageStorage,
)

from pneumoscope.core import Claim, InputError, ResultObject
from pneumoscope.results import DICOM_OBJECTS, make_objects
from pneumoscope.results import objects as objects_module


@pytest.fixture
def reading(analysed, radiograph, image_header):
    return analysed(radiograph=radiograph(ds=image_header()))


@pytest.fixture
def not_read(refused, radiograph, image_header):
    return refused(radiograph=radiograph(ds=image_header()))


def classes(objects):
    return {kind: ds.SOPClassUID for kind, ds in objects.dicom.items()}


def test_an_analysed_image_gets_report_capture_and_presentation_state(reading):
    assert classes(make_objects(reading, wanted=DICOM_OBJECTS)) == {
        ResultObject.SR: Comprehensive3DSRStorage,
        ResultObject.SC: SecondaryCaptureImageStorage,
        ResultObject.GSPS: GrayscaleSoftcopyPresentationStateStorage,
    }


@pytest.mark.req("REQ-SV-03")
def test_an_image_that_was_not_analysed_gets_the_report_and_the_capture_that_say_so_or_neither(not_read):
    assert classes(make_objects(not_read, wanted={ResultObject.NOT_ANALYSED})) == {
        ResultObject.NOT_ANALYSED: BasicTextSRStorage,
        ResultObject.SC: SecondaryCaptureImageStorage,
    }
    assert make_objects(not_read, wanted={ResultObject.SC, ResultObject.SR}).dicom == {}


@pytest.mark.req("REQ-CL-01")
def test_under_a_triage_claim_there_is_no_presentation_state(reading):
    objects = make_objects(reading.under(Claim.TRIAGE), wanted=DICOM_OBJECTS)
    assert set(objects.dicom) == {ResultObject.SR, ResultObject.SC}


def test_an_outline_that_cannot_be_drawn_costs_neither_report_nor_capture(reading, monkeypatch):
    def fails(*_arguments):
        raise RuntimeError

    monkeypatch.setattr(objects_module, "presentation_state", fails)
    objects = make_objects(reading, wanted=DICOM_OBJECTS)
    assert set(objects.dicom) == {ResultObject.SR, ResultObject.SC}
    assert objects.notes == ("no presentation state: RuntimeError",)


def test_a_report_that_cannot_be_made_is_no_silent_gap(reading, monkeypatch):
    def fails(*_arguments, **_named):
        raise RuntimeError

    monkeypatch.setattr(objects_module, "structured_report", fails)
    with pytest.raises(RuntimeError):
        make_objects(reading, wanted=DICOM_OBJECTS)


def test_without_pixels_the_report_is_made_and_the_notes_say_what_is_not(reading):
    objects = make_objects(reading.without_pixels(), wanted=frozenset(ResultObject))
    assert set(objects.dicom) == {ResultObject.SR}
    assert objects.overlay is None
    assert len(objects.notes) == 2
    assert all("pixels are not at hand" in note for note in objects.notes)


def test_each_method_gives_the_object_that_the_list_gives(reading):
    listed = make_objects(reading, wanted=DICOM_OBJECTS).dicom
    assert reading.to_sr() == listed[ResultObject.SR]
    assert reading.to_secondary_capture() == listed[ResultObject.SC]
    assert reading.to_presentation_state() == listed[ResultObject.GSPS]


def test_a_reading_that_was_not_analysed_gives_the_notice_and_no_presentation_state(not_read):
    assert not_read.to_sr().SOPClassUID == BasicTextSRStorage
    assert "not analysed" in not_read.to_secondary_capture().ImageComments
    assert not_read.overlay().shape[2] == 3
    with pytest.raises(InputError, match="found none"):
        not_read.to_presentation_state()


def test_without_a_header_the_methods_say_what_is_missing(analysed, failed, radiograph):
    png = analysed(radiograph=radiograph(ds=None))
    for make in (png.to_sr, png.to_secondary_capture, png.to_presentation_state, png.to_fhir, failed().to_sr):
        with pytest.raises(InputError, match=r"chest\.dcm|broken\.dcm"):
            make()


def test_a_missing_heat_map_is_explained_by_the_note_about_it(analysed, radiograph, image_header):
    from dataclasses import replace

    hidden = replace(
        analysed(with_heat=False, radiograph=radiograph(ds=image_header())),
        notes=("no heat map shown: it points nowhere",),
    )
    with pytest.raises(InputError, match="it points nowhere"):
        hidden.to_presentation_state()


def test_fhir_of_one_reading_has_the_study_and_the_moment(reading):
    bundle = reading.to_fhir(completed_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    report, observation = (entry["resource"] for entry in bundle["entry"])
    assert report["issued"] == "2026-01-02T03:04:05+00:00"
    assert report["imagingStudy"][0]["identifier"]["value"] == "urn:oid:1.2.3.4.1"
    assert observation["valueCodeableConcept"]["coding"][0]["display"] == "Suspected"


def test_saving_writes_line_and_objects_under_names_of_the_image_and_again_the_same(reading, not_read, tmp_path):
    paths = reading.save(tmp_path)
    assert set(paths) == {"line", "overlay", "sr", "sc", "gsps"}
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    reading.save(str(tmp_path))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert set(not_read.save(tmp_path)) == {"line", "not-analysed", "sc"}
    assert set(reading.save(tmp_path / "triage", claim=Claim.TRIAGE)) == {"line", "overlay", "sr", "sc"}


def test_a_reading_can_be_pickled_with_its_image(reading):
    again = pickle.loads(pickle.dumps(reading))
    assert again.to_dict() == reading.to_dict()
    assert np.array_equal(again.heat, reading.heat)
    assert again.to_sr() == reading.to_sr()


@pytest.mark.parametrize(
    ("build", "said"),
    [
        ("analysed", "in/chest.dcm: Suspicious for pneumonia, probability 83.0 % (threshold 41.0 %)"),
        ("refused", "in/ct.dcm: refused: modality: expected CR or DX, found CT; body part: expected CHEST"),
    ],
)
def test_a_reading_prints_as_one_line_that_says_what_was_decided_or_why_not(build, said, request):
    assert str(request.getfixturevalue(build)()).startswith(said)
