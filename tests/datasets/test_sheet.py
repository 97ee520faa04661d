from collections.abc import Callable
from pathlib import Path

import pandas as pd

from pneumoscope.datasets import import_kermany, read_manifest, write_manifest
from pneumoscope.datasets.sheet import write_sheets


def test_each_source_gets_a_sheet_with_its_numbers_and_the_hash(
    rows: Callable[..., pd.DataFrame], tmp_path: Path
) -> None:
    ours = rows(8, source="nih", patient_id=[f"nih:{number // 2}" for number in range(8)], Pneumonia=[1.0, 0, 0, 0] * 2)
    write_manifest(pd.concat([ours, rows(4, age_years=None)]), tmp_path / "m.parquet")
    stored = read_manifest(tmp_path / "m.parquet")
    paths = write_sheets(stored, tmp_path / "sheets")
    assert [path.name for path in paths] == ["made-up.md", "nih.md"]
    nih, other = (path.read_text() for path in reversed(paths))
    assert stored.sha256 in nih
    assert "8 images of 4 patients; 0 of the images were at hand" in nih
    assert "| Pneumonia | 2 | 25.00% | 2 | 50.00% |" in nih
    assert "acknowledge the NIH Clinical Center" in nih
    assert "**Age.** Not stated." in other
    assert "to be filled in by whoever owns the data" in other


def test_kermanys_sheet_counts_patients_and_germs(data_root: Path, tmp_path: Path) -> None:
    write_manifest(import_kermany(data_root / "kermany"), tmp_path / "m.parquet")
    stored = read_manifest(tmp_path / "m.parquet")
    text = write_sheets(stored, tmp_path)[0].read_text()
    patients = stored.manifest.groupby("patient_id")["Pneumonia"].max()
    assert f"5840 images of {len(patients)} patients; 5840 of the images" in text
    assert f"| Pneumonia | 4265 | 73.03% | {int(patients.sum())} |" in text
    bacteria = sum("_bacteria_" in name for name in stored.manifest["image_id"])
    assert f"| kind of pneumonia | bacteria | {bacteria} |" in text
