"""`pneumoscope data ...` as its user runs it, in one process."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from PIL import Image
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

from pneumoscope.cli.main import app

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    return lambda *words: CliRunner().invoke(app, ["data", *map(str, words)])


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A table of twelve patients, one film each, and its mapping."""
    (tmp_path / "films").mkdir()
    for number in range(12):
        noise = gaussian_filter(np.random.default_rng(number).standard_normal((80, 80)), 2)
        Image.fromarray((127 + 400 * noise).clip(0, 255).astype(np.uint8)).save(tmp_path / "films" / f"f{number}.png")
    lines = [f"f{number},{number},{20 + number},F,{number % 2}" for number in range(12)]
    (tmp_path / "site.csv").write_text("\n".join(["file,patient,age,sex,ill", *lines]))
    (tmp_path / "site.toml").write_text(
        'source = "site"\n[columns]\nimage_id = "file"\npatient_id = "patient"\nage_years = "age"\nsex = "sex"\n'
        'Pneumonia = "ill"\n[images]\nfolders = ["films"]\n'
    )
    return tmp_path


def manifest(site: Path, run: Run) -> Path:
    done = run("import", "csv", site / "site.csv", "--mapping", site / "site.toml", "-o", site / "m.parquet")
    assert done.exit_code == 0, done.output
    assert "12 images of 12 patients" in done.output
    return site / "m.parquet"


def test_from_a_table_to_splits_audit_cache_and_sheet(site: Path, run: Run) -> None:
    table = manifest(site, run)
    done = run("split", table, "-o", site / "s.csv", "--test-share", "0.25", "--write-manifest", site / "m2.parquet")
    assert done.exit_code == 0, done.output
    assert "test          3 images" in done.output
    done = run("audit", site / "m2.parquet", "-o", site / "audit.json")
    assert done.exit_code == 0, done.output
    assert json.loads((site / "audit.json").read_text())["clean"]
    assert run("cache", table, "-o", site / "cache", "--size", 64).output.startswith("12 images of 64 x 64 pixels")
    assert (site / "sheets" / "site.md").is_file() or run("sheet", table, "-o", site / "sheets").exit_code == 0
    done = run("split", table, "-o", site / "f.csv", "--folds", 3)
    assert done.output.count("fold") == 3
    assert (
        run("split", table, "--use", site / "f.csv", "--fold", 1, "--write-manifest", site / "m3.parquet").exit_code
        == 0
    )


def test_an_audit_that_finds_a_leak_ends_with_3(site: Path, run: Run) -> None:
    table = manifest(site, run)
    (site / "films" / "f1.png").write_bytes((site / "films" / "f0.png").read_bytes())
    run("split", table, "-o", site / "s.csv", "--test-share", "0.5")
    done = run("audit", table, "--split", site / "s.csv", "--json")
    assert done.exit_code == 3
    found = [json.loads(line) for line in done.output.splitlines()]
    assert found[0]["check"] == "duplicate images"
    assert found[0]["severity"] == "error"


def test_an_image_that_cannot_be_read_ends_import_and_cache_with_3(site: Path, run: Run) -> None:
    (site / "films" / "f3.png").write_bytes(b"torn")
    done = run("import", "csv", site / "site.csv", "--mapping", site / "site.toml", "-o", site / "m.parquet")
    assert done.exit_code == 3
    assert "1 files are no readable image" in done.output
    done = run("cache", site / "m.parquet", "-o", site / "cache", "--size", 64)
    assert done.exit_code == 3
    assert done.output.startswith("11 images")
    assert "f3.png" in done.output


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("import", "nih", "{site}", "-o", "m.parquet"), 2, "expected the NIH table"),
        (("import", "kermany", "{site}", "-o", "m.parquet"), 2, "expected folders train, val, test"),
        (("import", "rsna", "{site}", "-o", "m.parquet"), 2, "stage_2_train_labels.csv, found no file"),
        (("import", "dicom", "{site}/films", "-o", "m.parquet"), 2, "found none; 0 radiographs among 12 files"),
        (
            ("import", "csv", "{site}/site.toml", "--mapping", "{site}/site.toml", "-o", "m.parquet"),
            3,
            "expected columns",
        ),
        (("split", "{site}/m.parquet"), 2, "expected -o SPLIT.csv"),
        (("split", "{site}/m.parquet", "-o", "s.csv", "--method", "official"), 2, "official_split"),
        (("split", "{site}/m.parquet", "-o", "s.csv", "--method", "date"), 3, "expected study_date"),
        (("split", "{site}/m.parquet", "-o", "s.csv", "--label", "Cough"), 2, "got 'Cough'"),
        (("split", "{site}/site.csv", "-o", "s.csv"), 2, "expected a manifest"),
        (("audit", "{site}/absent.parquet"), 2, "found no file"),
        (("cache", "{site}/m.parquet", "-o", "c", "--size", "8"), 2, "expected a side"),
        (("sheet", "{site}/m.parquet", "-o", "{site}/site.csv"), 2, "expected a writable place"),
        (("download", "nih", "-o", "d", "--part", "13", "--yes"), 2, "expected 1 to 12, got 13"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_exit_code(
    words: tuple[str, ...], code: int, said: str, site: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest(site, run)
    monkeypatch.chdir(site)
    before = sorted(path.name for path in site.rglob("*.parquet"))
    done = run(*(word.replace("{site}", str(site)) for word in words))
    assert done.exit_code == code, done.output
    assert said in done.output
    assert sorted(path.name for path in site.rglob("*.parquet")) == before


def test_a_download_is_not_begun_without_a_yes(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["data", "download", "nih", "-o", str(tmp_path / "d")], input="n\n")
    assert done.exit_code == 1
    assert "Fetch 12 archives, 45.1 GB" in done.output
    assert not (tmp_path / "d").exists()
