from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from pneumoscope.core import ConfigError, InputError
from pneumoscope.datasets import (
    FINDINGS,
    Imported,
    LabelRelease,
    Prefer,
    boxes_of,
    import_nih,
    read_nih,
    write_manifest,
)


@pytest.fixture(scope="module")
def whole(data_root: Path) -> Imported:
    """All of NIH's table, and every image at hand."""
    nih = data_root / "nih"
    folders = [nih / "images-256", nih / "rsna-normal-224", nih / "images_001" / "images"]
    return import_nih(nih, images=folders)


def test_the_whole_table_is_counted_as_published(whole: Imported) -> None:
    rows = whole.manifest
    assert (len(rows), rows["patient_id"].nunique()) == (112_120, 30_805)
    assert (rows["pneumonia_2020"].sum(), rows["pneumonia_2017"].sum()) == (1431, 1353)
    assert rows["no_finding"].sum() == 60_361
    assert (rows["view"] == "PA").sum() == 67_310
    assert rows["rsna_class"].notna().sum() == 26_585
    assert rows["google_airspace_opacity"].notna().sum() == 4376
    boxes = boxes_of(rows)
    assert (len(boxes), (boxes["finding"] == "Pneumonia").sum()) == (984, 120)


def test_the_official_split_has_its_published_sizes_and_no_shared_patient(whole: Imported) -> None:
    rows = whole.manifest
    assert rows["official_split"].value_counts().to_dict() == {"train_val": 86_524, "test": 25_596}
    assert rows.groupby("patient_id")["official_split"].nunique().max() == 1
    test = rows[rows["official_split"] == "test"]
    assert (test["pneumonia_2017"].sum(), test["pneumonia_2020"].sum()) == (477, 555)


def test_of_an_image_in_two_folders_the_larger_file_is_used_and_said_so(whole: Imported) -> None:
    found = whole.manifest.dropna(subset=["path"])
    assert found["folder"].value_counts().to_dict() == {
        "rsna-normal-224": 3600, "images-256": 2308 - 32, "images_001/images": 32
    }  # fmt: skip
    assert (found.loc[found["folder"] == "images_001/images", "file_width_px"] == 1024).all()
    assert any("32 images lie in more than one folder" in note for note in whole.notes)
    assert any(note.startswith("images-256: 2308 images, 2276 of them used") for note in whole.notes)
    assert any("5908 of 112120 images found, 106212 missing" in note for note in whole.notes)


def test_the_releases_differ_in_181_images_of_the_official_test(data_root: Path, whole: Imported) -> None:
    first = import_nih(data_root / "nih", labels=LabelRelease.FIRST).manifest
    columns = list(FINDINGS)
    differ = (first[columns] != whole.manifest[columns]).any(axis=1)
    assert differ.sum() == 181
    assert (whole.manifest.loc[differ, "official_split"] == "test").all()


def test_the_courses_sample_is_read_in_its_dialect(data_root: Path) -> None:
    sample = import_nih(data_root / "nih", table="sample_labels.csv")
    rows = sample.manifest
    assert len(rows) == 5606
    assert any("411Y in line 4244" in note for note in sample.notes)
    assert rows["age_years"].isna().sum() == 1
    assert rows["age_years"].nsmallest(2).round(3).tolist() == [round(1 / 365.25, 3), round(13 / 12, 3)]
    assert rows["label_release"].eq("2017").all()


def test_what_lies_beside_the_table_is_joined_by_image(nih_root: Path) -> None:
    rows = import_nih(nih_root).manifest.set_index("image_id")
    ill = rows.loc["00000013_000.png"]
    assert (ill["Pneumonia"], ill["pneumonia_2017"], ill["no_finding"]) == (1, 0, 0)
    assert (ill["rsna_opacity"], ill["google_airspace_opacity"], ill["google_fracture"]) == (1, 1, 0)
    assert rows["rsna_opacity"].isna().sum() == 3
    assert rows["split"].fillna("").tolist() == ["", "", "", "test", "test"]
    assert boxes_of(rows.reset_index()).to_numpy().tolist() == [
        ["00000013_000.png", "nih", "Infiltration", 0.25, 0.5, 0.125, 0.0625]
    ]


def test_only_the_table_is_enough(nih_root: Path, tmp_path: Path) -> None:
    for path in nih_root.iterdir():
        if path.name != "Data_Entry_2017_v2020.csv":
            path.unlink()
    imported = import_nih(nih_root)
    write_manifest(imported, tmp_path / "m.parquet")
    assert "path" not in imported.manifest
    assert any("no image folder: all 5 images" in note for note in imported.notes)
    with pytest.raises(ConfigError, match=r"expected labels of 2017 .*found 2020"):
        import_nih(nih_root, labels=LabelRelease.FIRST)


def test_the_folder_listed_first_wins_where_asked(nih_root: Path, write_film: Callable[..., Path]) -> None:
    small, large = nih_root / "small", nih_root / "images_001" / "images"
    write_film(small / "00000001_000.jpg", 1, side=64)
    write_film(large / "00000001_000.png", 1, side=128)
    write_film(large / "stranger.png", 2)
    (large / "00000002_000.png").write_bytes(b"no image")
    by_default = import_nih(nih_root)
    assert by_default.unreadable == 1
    assert any("1 image files are not in the table" in note and "stranger.png" in note for note in by_default.notes)
    both = [small, large]
    assert import_nih(nih_root, images=both).manifest["file_width_px"].max() == 128
    assert import_nih(nih_root, images=both, prefer=Prefer.LISTED).manifest["file_width_px"].max() == 64


def _change(root: Path, old: str, new: str) -> Path:
    path = root / "Data_Entry_2017_v2020.csv"
    path.write_text(path.read_text().replace(old, new))
    return root


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("No Finding,0,2", "Nothing,0,2", r"line 4, column Finding Labels: expected labels among .*found 'Nothing'"),
        ("00000001_001", "00000001_000", r"line 3, column Image Index: expected each image once"),
        (",81,", ",-81,", r"line 4, column Patient Age: expected years, or 060Y.*found '-81'"),
        (",81,", ",eighty,", r"line 4, column Patient Age: .*found 'eighty'"),
        (",0,2,", ",zero,2,", r"line 4, column Follow-up #: expected a number, found 'zero'"),
        (",", ";", r"fields are separated by semicolons, expected commas"),
        ("Patient ID", "Patient", r"expected columns Patient ID; found Image Index"),
    ],
)
def test_a_bad_table_is_named_by_line_and_column(old: str, new: str, said: str, nih_root: Path) -> None:
    with pytest.raises(InputError, match=said):
        import_nih(_change(nih_root, old, new))


def test_a_byte_order_mark_and_the_first_releases_trailing_comma_are_taken_as_they_come(nih_root: Path) -> None:
    path = nih_root / "Data_Entry_2017_v2020.csv"
    wanted = import_nih(nih_root).manifest
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b",\r\n"))
    pd.testing.assert_frame_equal(import_nih(nih_root).manifest, wanted)


@pytest.mark.parametrize(("content", "said"), [(b"", "empty file"), (b"\xff\xfe,x\n", "UTF-8"), (None, "found none")])
def test_a_table_that_is_none_is_named(content: bytes | None, said: str, nih_root: Path) -> None:
    path = nih_root / "Data_Entry_2017_v2020.csv"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises((ConfigError, InputError), match=said):
        import_nih(nih_root)


def test_a_list_that_matches_nothing_is_refused(nih_root: Path) -> None:
    (nih_root / "test_list.txt").write_text("other.png")
    with pytest.raises(ConfigError, match=r"test_list\.txt: expected images that the table lists, found none"):
        import_nih(nih_root)
    empty = nih_root / "empty"
    empty.mkdir()
    (nih_root / "test_list.txt").unlink()
    with pytest.raises(ConfigError, match="found none among 0 image files"):
        import_nih(nih_root, images=[empty])


@pytest.mark.parametrize("name", ["train_val_list.txt", "test_list.txt"])
def test_without_an_official_list_no_image_is_taken_for_training(name: str, nih_root: Path) -> None:
    (nih_root / name).unlink()
    with pytest.raises(ConfigError, match=f"official split's lists in .*, found no {name}"):
        read_nih(nih_root, nih_root / "images")
