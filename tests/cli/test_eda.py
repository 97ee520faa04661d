"""`pneumoscope eda` as a user runs it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from pneumoscope.cli.main import app
from pneumoscope.datasets import write_manifest


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["eda", *map(str, arguments)])


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Eight images; the file of the last one is damaged."""
    rng = np.random.default_rng(0)
    rows = []
    for index in range(8):
        path = tmp_path / f"{index}.png"
        Image.fromarray(rng.integers(0, 255, (40, 40), dtype=np.uint8)).save(path)
        rows.append({"image_id": path.name, "path": str(path), "source": "made", "patient_id": f"made:{index // 2}",
                     "view": "PA" if index % 3 else "AP", "Pneumonia": float(index % 2)})  # fmt: skip
    path.write_bytes(b"no image")
    write_manifest(pd.DataFrame(rows), tmp_path / "m.parquet")
    return tmp_path / "m.parquet"


def test_the_report_is_written_and_an_image_that_cannot_be_read_is_named(manifest: Path, tmp_path: Path) -> None:
    done = run(manifest, "-o", tmp_path / "report")
    assert done.exit_code == 3, done.stderr
    assert "7.png" in done.stderr
    assert "8 labelled images explored" in done.stdout
    numbers = json.loads((tmp_path / "report" / "eda.json").read_text())
    assert numbers["films"]["measured"] == 7
    assert "7.png" in (tmp_path / "report" / "index.html").read_text()


def test_without_pixels_no_image_is_opened(manifest: Path, tmp_path: Path) -> None:
    done = run(manifest, "-o", tmp_path / "report", "--no-pixels")
    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads((tmp_path / "report" / "eda.json").read_text())["films"] is None


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (["--finding", "Cold"], "expected a finding among", 2),
        (["--finding", "Mass"], "expected a manifest with labels of Mass", 2),
    ],
)
def test_a_finding_that_is_not_there_is_one_clear_line(
    manifest: Path, tmp_path: Path, arguments: list[str], message: str, code: int
) -> None:
    done = run(manifest, "-o", tmp_path / "report", *arguments)
    assert done.exit_code == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "report").exists()


def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path) -> None:
    done = run(tmp_path / "gone.parquet", "-o", tmp_path / "report")
    assert done.exit_code == 2
    assert "expected a manifest" in done.stderr
