from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pneumoscope.core import ConfigError, InputError
from pneumoscope.datasets import import_csv, read_mapping, write_manifest

MAPPING = """
source = "site"
[columns]
image_id = "file"
patient_id = "mrn"
age_years = "Age"
sex = "Sex"
x_ward = "Ward"
[values.sex]
female = "F"
male = "M"
[labels]
column = "Report"
separator = ";"
[labels.names]
pneumonia = "Pneumonia"
"pleural effusion" = "Effusion"
normal = "no_finding"
fracture = ""
[images]
folders = ["films"]
suffix = ".png"
"""
TABLE = (
    "file,mrn,Age,Sex,Ward,Report,Other\n"
    "a.png,7,50,female,3,pneumonia;pleural effusion,x\n"
    "b.png,7,51, male ,,normal,x\n"
    "c.png,8,,,,,x\n"
)


@pytest.fixture
def site(tmp_path: Path, write_film: Callable[..., Path]) -> Path:
    (tmp_path / "site.csv").write_text(TABLE)
    (tmp_path / "site.toml").write_text(MAPPING)
    write_film(tmp_path / "films" / "a.jpg", 1)
    return tmp_path


def test_a_table_is_read_by_its_mapping(site: Path) -> None:
    imported = import_csv(site / "site.csv", read_mapping(site / "site.toml"))
    rows = imported.manifest
    assert rows["patient_id"].tolist() == ["site:7", "site:7", "site:8"]
    assert rows["sex"].fillna("").tolist() == ["F", "M", ""]
    np.testing.assert_array_equal(rows["Pneumonia"], [1, 0, np.nan])
    np.testing.assert_array_equal(rows["Effusion"], [1, 0, np.nan])
    np.testing.assert_array_equal(rows["no_finding"], [0, 1, np.nan])
    assert "Mass" not in rows
    assert rows["path"].notna().tolist() == [True, False, False]
    assert "not used: columns not mapped: Other" in imported.notes
    write_manifest(imported, site / "m.parquet")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("51", "-3", r"line 3, column Age: expected age_years, a number from 0 to 120, found '-3'"),
        (" male ", "unknown", r"line 3, column Sex: expected sex, F or M, found 'unknown'"),
        ("c.png", "a.png", r"line 4, column file: expected each image once"),
        (",8,", ",,", r"line 4, column mrn: expected a patient"),
        ("normal", "sane", r"line 3, column Report: expected labels among .*found 'sane'"),
        ("mrn", "id", r"expected columns mrn; found file"),
    ],
)
def test_a_value_that_cannot_be_is_named_by_line_and_column(old: str, new: str, said: str, site: Path) -> None:
    (site / "site.csv").write_text(TABLE.replace(old, new))
    with pytest.raises(InputError, match=said):
        import_csv(site / "site.csv", read_mapping(site / "site.toml"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('source = "site"', "", "expected source"),
        ("age_years", "years", r"columns\.years: no column of the manifest"),
        ('image_id = "file"', "", r"columns\.image_id: needed"),
        ("[values.sex]", "[values.view]", r"values\.view: not among the mapped columns"),
        ('"Effusion"', '"Fluid"', r"labels\.names\.pleural effusion: expected a finding"),
        ("[images]", "[pictures]", "found pictures"),
        ("separator", "seperator", r"found labels\.seperator"),
        ("[columns]", "[columns", "expected TOML"),
    ],
)
def test_a_wrong_mapping_is_refused_by_its_key(old: str, new: str, said: str, site: Path) -> None:
    (site / "site.toml").write_text(MAPPING.replace(old, new))
    with pytest.raises(ConfigError, match=said):
        read_mapping(site / "site.toml")


def test_the_how_tos_mapping_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "import-a-csv.md").read_text()
    (tmp_path / "m.toml").write_text(page.split("```toml\n")[1].split("```")[0])
    assert read_mapping(tmp_path / "m.toml").source
