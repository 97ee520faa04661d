from pathlib import Path

import pytest

from pneumoscope.core import ConfigError
from pneumoscope.datasets import manifest_sha256, read_kermany, read_nih, read_nih_labels


def test_nih_images_at_hand_are_counted_as_published(data_root: Path) -> None:
    rows = read_nih(data_root / "nih", data_root / "nih" / "images-256")
    assert len(rows) == 2308
    assert rows["patient_id"].nunique() == 1266
    assert rows["Pneumonia"].sum() == 500


def test_all_nih_labels_are_counted_as_published(data_root: Path) -> None:
    labels = read_nih_labels(data_root / "nih")
    assert len(labels) == 112_120
    assert labels["Pneumonia"].sum() == 1431
    assert labels["rsna_opacity"].notna().sum() == 26_585


def test_official_test_images_of_nih_are_marked(data_root: Path) -> None:
    rows = read_nih(data_root / "nih", data_root / "nih" / "images-256")
    official = set((data_root / "nih" / "test_list.txt").read_text().split())
    assert set(rows.loc[rows["split"] == "test", "image_id"]) == official & set(rows["image_id"])


def test_kermany_is_counted_as_published(data_root: Path) -> None:
    rows = read_kermany(data_root / "kermany" / "chest_xray")
    assert (rows["split"] == "test").sum() == 624
    assert rows["split"].isna().sum() == 5216
    assert rows.loc[rows["split"].isna(), "Pneumonia"].sum() == 3875


def test_patients_of_the_two_kermany_folders_are_different_people(data_root: Path) -> None:
    rows = read_kermany(data_root / "kermany" / "chest_xray")
    folders = rows["split"].eq("test")
    assert not set(rows.loc[folders, "patient_id"]) & set(rows.loc[~folders, "patient_id"])


def test_the_manifest_hash_depends_on_content_and_not_on_order_or_place(data_root: Path) -> None:
    rows = read_kermany(data_root / "kermany" / "chest_xray")
    shuffled = rows.sample(frac=1, random_state=0).assign(path="elsewhere")
    assert manifest_sha256(shuffled) == manifest_sha256(rows)
    assert manifest_sha256(rows.assign(Pneumonia=1.0)) != manifest_sha256(rows)


def test_a_folder_of_another_layout_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=str(tmp_path)):
        read_kermany(tmp_path)
    with pytest.raises(ConfigError, match=str(tmp_path)):
        read_nih(tmp_path, tmp_path)


def test_a_kermany_file_without_a_patient_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "train" / "NORMAL"
    folder.mkdir(parents=True)
    (folder / "scan7.jpeg").touch()
    with pytest.raises(ConfigError, match=r"scan7\.jpeg"):
        read_kermany(tmp_path)
