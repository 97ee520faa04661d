import warnings
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian

from pneumoscope.core import ConfigError
from pneumoscope.datasets import headers as headers_module
from pneumoscope.datasets import import_dicom, import_rsna, write_manifest


def _write(path: Path, **attributes: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings(action="ignore"):  # some of the values are wrong, and are meant to be
        _dataset(path, attributes).save_as(path, enforce_file_format=True)


def _dataset(path: Path, attributes: dict[str, object]) -> pydicom.Dataset:
    data = pydicom.Dataset()
    data.SOPClassUID, data.SOPInstanceUID = (
        pydicom.uid.DigitalXRayImageStorageForPresentation,
        f"1.2.{path.stem if path.stem.isdecimal() else 9}",
    )
    data.StudyInstanceUID, data.PatientID, data.Modality = "1.2.3", "MRN7", "DX"
    data.Rows, data.Columns, data.PixelSpacing = 20, 10, [0.2, 0.2]
    for name, value in attributes.items():
        setattr(data, name, value)
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return data


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "pacs"
    _write(root / "1", ViewPosition="PA", PatientAge="061Y", PatientSex="O", StudyDate="20200131", Manufacturer="A")
    _write(root / "deep" / "2", Modality="CR", PatientSex="F", PixelSpacing=[0.2, 0.3])
    _write(root / "deep" / "3", Modality="CT")
    _write(root / "4", SOPInstanceUID="1.2.1")
    (root / "5.dcm").write_text("no DICOM")
    (root / "DICOMDIR").write_text("index")
    return root


def test_headers_become_rows_and_everything_left_out_is_said(folder: Path, tmp_path: Path) -> None:
    imported = import_dicom(folder, source="site")
    rows = imported.manifest.set_index("image_id")
    assert list(rows.index) == ["1.2.1", "1.2.2"]
    first = rows.loc["1.2.1"]
    assert (first["view"], first["age_years"], first["study_date"]) == ("PA", 61, "2020-01-31")
    assert (first["width_px"], first["height_px"], first["pixel_spacing_mm"]) == (10, 20, 0.2)
    assert rows["sex"].fillna("").tolist() == ["", "F"]
    assert rows["pixel_spacing_mm"].isna().tolist() == [False, True]
    assert imported.unreadable == 1
    said = "; ".join(imported.notes)
    assert "2 files" not in said
    for part in (
        "1 files of modality CT",
        "5.dcm: expected a DICOM, PNG or JPEG file, found none of them",
        "repeat a SOP Instance UID",
    ):
        assert part in said
    assert "patient data" in said
    write_manifest(imported, tmp_path / "m.parquet")


def test_a_file_without_preamble_is_imported_as_reading_reads_it(folder: Path) -> None:
    whole = (folder / "1").read_bytes()
    (folder / "1").write_bytes(whole[144 + int.from_bytes(whole[140:144], "little") :])
    rows = import_dicom(folder).manifest.set_index("image_id")
    assert rows.loc["1.2.1", "age_years"] == 61


def test_ages_are_read_as_reading_reads_them_and_malformed_ones_said(folder: Path) -> None:
    _write(folder / "7", PatientAge="6")
    _write(folder / "8", PatientAge="ABC")
    imported = import_dicom(folder)
    ages = imported.manifest.set_index("image_id")["age_years"]
    assert ages["1.2.7"] == 6
    assert ages.isna()["1.2.8"]
    assert any(note.startswith("1 ages are malformed or contradicted") for note in imported.notes)


def test_pseudonyms_hide_the_patient_and_keep_who_is_who(folder: Path) -> None:
    rows = import_dicom(folder, key="secret").manifest
    assert rows["patient_id"].nunique() == 1
    assert not rows["patient_id"].str.contains("MRN7").any()
    assert (rows["patient_id"] != import_dicom(folder, key="other").manifest["patient_id"]).all()


def test_many_files_are_read_by_other_processes_alike(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = import_dicom(folder).manifest
    monkeypatch.setattr(headers_module, "_WORTH_A_PROCESS", 0)
    monkeypatch.setattr(headers_module, "_BATCH", 2)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert import_dicom(folder).manifest.equals(alone)


@pytest.mark.parametrize("name", ["absent", "empty"])
def test_a_folder_without_radiographs_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=str(tmp_path / name)):
        import_dicom(tmp_path / name)


@pytest.fixture
def rsna(tmp_path: Path) -> Path:
    root = tmp_path / "rsna"
    _write(root / "stage_2_train_images" / "aa.dcm", PatientAge="148", PatientSex="F", ViewPosition="AP")
    _write(root / "stage_2_train_images" / "zz.dcm")
    (root / "stage_2_train_labels.csv").write_text(
        "patientId,x,y,width,height,Target\naa,512,256,128,64,1\naa,0,0,1024,1024,1\nbb,,,,,0\n"
    )
    (root / "match.csv").write_text("Image Index,rsna_id,rsna_class\n00000013_001.png,aa,Lung Opacity\n")
    return root


def test_rsnas_images_get_nihs_patients_where_the_match_is_given(rsna: Path) -> None:
    imported = import_rsna(rsna, nih_match=rsna / "match.csv")
    rows = imported.manifest
    assert rows["patient_id"].tolist() == ["nih:13", "rsna:bb"]
    assert rows["Pneumonia"].tolist() == [1, 0]
    assert rows["boxes"].tolist()[0].startswith('[["rsna", "Lung Opacity", 0.5, 0.25, 0.125, 0.0625], ')
    assert rows["rsna_opacity"].fillna(-1).tolist() == [1, -1]
    assert rows["view"].fillna("").tolist() == ["AP", ""]
    assert rows["age_years"].isna().all()
    said = "; ".join(imported.notes)
    assert "1 ages above 120" in said
    assert "1 images without a known patient" in said
    assert "1 image files are not in the table: zz" in said


def test_rsna_at_hand_is_counted_as_published(data_root: Path) -> None:
    imported = import_rsna(data_root / "rsna", nih_match=data_root / "nih" / "rsna_classes.csv")
    rows = imported.manifest
    assert (len(rows), rows["Pneumonia"].sum()) == (26_684, 6012)
    assert rows["path"].notna().sum() >= 17
    opacity = rows["rsna_opacity"].dropna()
    assert opacity.equals(rows.loc[opacity.index, "Pneumonia"].rename("rsna_opacity"))
