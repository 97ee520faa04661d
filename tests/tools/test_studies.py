import re
import shutil
import subprocess
from io import BytesIO

import numpy as np
import pydicom
import pytest

from pneumoscope.core import Status
from pneumoscope.phantom import studies_folder
from synthetic_studies import drawings, write_studies
from synthetic_studies.studies import encoded

BUDGET_BYTES = 5_000_000
STUDIES = {drawing.study.name: drawing for drawing in drawings()}
WHOLE = [name for name, study in STUDIES.items() if study.kept == 1]
PROJECTIONS = [name for name in WHOLE if name != "4-ct-slice"]


def shipped(name):
    return pydicom.dcmread(studies_folder() / f"{name}.dcm")


def test_every_study_of_the_table_ships_and_nothing_else():
    assert sorted(path.name for path in studies_folder().iterdir()) == sorted(f"{name}.dcm" for name in STUDIES)


def test_all_studies_together_stay_within_the_size_budget():
    assert sum(path.stat().st_size for path in studies_folder().iterdir()) < BUDGET_BYTES


def test_the_table_has_accepted_views_and_one_study_for_each_way_not_to_be_analysed():
    analysed = [one.header.view_position for one in STUDIES.values() if one.study.status is Status.ANALYSED]
    others = [one.study for one in STUDIES.values() if one.study.status is not Status.ANALYSED]
    reasons = [(study.status, study.reason) for study in others]
    assert {"PA", "AP"} <= set(analysed)
    assert reasons == [
        *((Status.REFUSED, reason) for reason in ("modality", "body part", "view", "pixels")),
        (Status.FAILED, "truncated file"),
    ]


@pytest.fixture(scope="session")
def drawn_again(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studies")
    return folder, write_studies(folder)


def test_drawing_writes_one_file_a_study_in_order(drawn_again):
    folder, paths = drawn_again
    assert paths == tuple(folder / f"{name}.dcm" for name in STUDIES)


@pytest.mark.parametrize("name", WHOLE)
def test_drawing_again_gives_the_pixels_and_the_header_that_ship(drawn_again, name):
    """Other processors round exp, sin and power differently in the last place; 12-bit values may move by a little."""
    folder, _ = drawn_again
    again, ships = pydicom.dcmread(folder / f"{name}.dcm"), shipped(name)
    moved = np.abs(again.pixel_array.astype(int) - ships.pixel_array)
    assert moved.max() <= 8
    assert (moved > 1).mean() < 0.001
    del again.PixelData, ships.PixelData
    assert again == ships


def test_the_truncated_study_is_a_whole_one_that_breaks_off():
    study = STUDIES["8-truncated"]
    whole = pydicom.dcmread(BytesIO(encoded(study)))
    assert whole.pixel_array.shape == (512, 512)
    content = (studies_folder() / "8-truncated.dcm").read_bytes()
    assert len(content) < len(whole.PixelData)
    with pytest.raises((ValueError, EOFError)):
        _ = shipped("8-truncated").pixel_array


@pytest.mark.parametrize("name", WHOLE)
def test_dciodvfy_finds_no_error(name):
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy not found: install the Debian package dicom3tools")
    path = studies_folder() / f"{name}.dcm"
    done = subprocess.run(["dciodvfy", "-new", path], capture_output=True, text=True, check=False)
    report = done.stdout + done.stderr
    assert re.search("^(DXImageForPresentation|CTImage)$", report, flags=re.MULTILINE)
    assert [line for line in report.splitlines() if line.startswith("Error")] == []


@pytest.mark.parametrize("name", WHOLE)
def test_the_patient_is_plainly_nobody(name):
    ds = shipped(name)
    assert str(ds.PatientName).startswith("PHANTOM^")
    assert re.fullmatch(r"PHANTOM-\d", ds.PatientID)
    assert ds.StudyDate == "20240229"
    assert "no patient" in ds.InstitutionName


def test_patients_and_objects_are_all_different():
    sets = [shipped(name) for name in WHOLE]
    for keyword in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        assert len({ds[keyword].value for ds in sets}) == len(sets)


def test_the_studies_use_four_transfer_syntaxes_and_both_photometric_interpretations():
    sets = [shipped(name) for name in WHOLE]
    assert {ds.file_meta.TransferSyntaxUID.keyword for ds in sets} == {
        "JPEGLSLossless", "JPEG2000Lossless", "RLELossless", "ExplicitVRLittleEndian",
    }  # fmt: skip
    assert {ds.PhotometricInterpretation for ds in sets} == {"MONOCHROME1", "MONOCHROME2"}


@pytest.mark.parametrize("name", PROJECTIONS)
def test_the_header_says_what_the_table_says(name):
    ds, header = shipped(name), STUDIES[name].header
    assert (ds.Modality, ds.PresentationIntentType, ds.BitsStored) == ("DX", "FOR PRESENTATION", 12)
    assert (ds.BodyPartExamined, ds.ViewPosition) == (header.body_part, header.view_position)
    assert ds.PatientAge == f"{header.age_years:03d}Y"


def test_only_the_study_for_the_pixel_guard_says_chest_and_shows_none():
    assert shipped("4-ct-slice").Modality == "CT"
    assert shipped("5-hand").BodyPartExamined == "HAND"
    assert shipped("6-chest-lateral").ViewPosition == "LL"
    guard = shipped("7-hand-labelled-chest")
    assert (guard.Modality, guard.BodyPartExamined, guard.ViewPosition) == ("DX", "CHEST", "PA")


@pytest.mark.parametrize("name", PROJECTIONS)
def test_the_window_spans_the_stored_values_and_shows_air_black(name):
    ds = shipped(name)
    low, high = ds.WindowCenter - ds.WindowWidth / 2, ds.WindowCenter + ds.WindowWidth / 2 - 1
    grey = (ds.pixel_array - low) / (high - low)
    assert 0 <= grey.min() < 0.2
    assert 0.8 < grey.max() <= 1
    corner = grey[:20, :20].mean()
    assert corner > 0.8 if ds.PhotometricInterpretation == "MONOCHROME1" else corner < 0.2
