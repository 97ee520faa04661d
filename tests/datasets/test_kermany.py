"""Kermany's films in the folders that copies of the data set have."""

from pathlib import Path

import pytest
from PIL import Image

from pneumoscope.core import ConfigError
from pneumoscope.datasets import import_kermany

FILMS = ("person1_bacteria_1.jpeg", "person2_virus_6.JPEG", "IM-0115-0001.jpeg", "NORMAL2-IM-0501-0001.png")


def lay_out(root: Path, *, normal: str = "NORMAL", pneumonia: str = "PNEUMONIA", splits: tuple[str, ...]) -> Path:
    for split in splits:
        for folder, names in ((normal, FILMS[2:]), (pneumonia, FILMS[:2])):
            place = root / split / folder
            place.mkdir(parents=True, exist_ok=True)
            for name in names:
                Image.new("L", (8, 8)).save(place / name)
    return root


@pytest.mark.parametrize(
    ("normal", "pneumonia"), [("NORMAL", "PNEUMONIA"), ("normal", "pneumonia"), ("Normal", "Pneumonia")]
)
def test_classes_are_told_in_any_case(normal: str, pneumonia: str, tmp_path: Path) -> None:
    imported = import_kermany(lay_out(tmp_path, normal=normal, pneumonia=pneumonia, splits=("train", "test")))
    rows = imported.manifest.set_index("image_id")
    assert len(rows) == 8
    assert rows["Pneumonia"].sum() == 4
    assert rows.loc["train/PNEUMONIA/person2_virus_6.JPEG", "pneumonia_kind"] == "virus"
    assert rows.loc["test/NORMAL/NORMAL2-IM-0501-0001.png", "split"] == "test"
    assert not any("one class" in note for note in imported.notes)


def test_kaggles_val_is_taken_as_a_part_of_train(tmp_path: Path) -> None:
    root = lay_out(tmp_path / "chest_xray" / "chest_xray", splits=("train", "val", "test"))
    rows = import_kermany(root.parents[1]).manifest
    assert rows["folder"].value_counts().to_dict() == {"train": 4, "val": 4, "test": 4}
    assert set(rows.loc[rows["folder"] == "val", "official_split"]) == {"train"}
    assert rows["split"].isna().sum() == 8


@pytest.mark.parametrize("place", ["train/COVID", "holdout/NORMAL"])
def test_an_unknown_folder_is_an_error_that_names_it(place: str, tmp_path: Path) -> None:
    root = lay_out(tmp_path, splits=("train",))
    (root / place).mkdir(parents=True)
    Image.new("L", (8, 8)).save(root / place / "person9_virus_1.jpeg")
    with pytest.raises(ConfigError, match="COVID" if "COVID" in place else "holdout"):
        import_kermany(root)


def test_an_import_with_one_class_says_so(tmp_path: Path) -> None:
    root = lay_out(tmp_path, splits=("train",))
    for path in (root / "train" / "NORMAL").iterdir():
        path.unlink()
    assert any(note.startswith("one class only: every image is PNEUMONIA") for note in import_kermany(root).notes)


def test_files_that_are_no_images_are_counted(tmp_path: Path) -> None:
    root = lay_out(tmp_path, splits=("train",))
    (root / "train" / "NORMAL" / "IM-0001-0001.bmp").touch()
    (root / "train" / "readme.txt").touch()
    (root / "train" / ".DS_Store").touch()
    notes = import_kermany(root).notes
    assert any(note.startswith("not used: 2 files (1 .bmp, 1 .txt), such as ") for note in notes)
