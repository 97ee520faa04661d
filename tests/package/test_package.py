"""The wheel and the sdist: what is in them, the same bytes twice, and a read from each outside the source tree."""

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from pneumoscope import __version__

ROOT = Path(__file__).resolve().parents[2]
SOURCE_DATE_EPOCH = "1764547200"
pytest.importorskip("hatchling", reason="hatchling not found: pip install hatchling")


def build(source: Path, target: Path, *kinds: str) -> list[Path]:
    """Build without isolation, as nothing may be downloaded in a test."""
    command = [sys.executable, "-m", "hatchling", "build", "-d", target]
    for kind in kinds:
        command += ["-t", kind]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": SOURCE_DATE_EPOCH}
    subprocess.run(command, cwd=source, env=environment, check=True, capture_output=True)
    return sorted(target.iterdir())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Sdist and wheel."""
    wheel, sdist = build(ROOT, tmp_path_factory.mktemp("dist"), "sdist", "wheel")
    return sdist, wheel


@pytest.fixture(scope="module")
def unpacked(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(built[0]) as archive:
        archive.extractall(folder, filter="data")
    (inside,) = folder.iterdir()
    return inside


def run(installed: Path, folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command of an installation, outside the source tree."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONWARNINGS": ""}
    command = [sys.executable, "-m", "pneumoscope", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def members(wheel: Path) -> dict[str, str]:
    """SHA-256 of each file in a wheel, but for the record that lists them."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/RECORD")]
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in names}


def test_the_wheel_has_the_package_its_model_types_and_licences_and_nothing_else(built):
    _, wheel = built
    assert wheel.name == f"pneumoscope-{__version__}-py3-none-any.whl"
    names = set(members(wheel))
    about = f"pneumoscope-{__version__}.dist-info"
    assert {"pneumoscope/py.typed", "pneumoscope/model/pneumonia.onnx", f"{about}/licenses/LICENSE"} <= names
    assert f"{about}/licenses/NOTICE" in names
    assert {name.split("/")[0] for name in names} == {"pneumoscope", about}
    assert len([name for name in names if name.endswith(".dcm")]) == 8
    assert {name for name in names if name.startswith("pneumoscope/phantom/") and name.endswith(".py")} == {
        "pneumoscope/phantom/__init__.py",
        "pneumoscope/phantom/studies.py",
    }
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"{about}/METADATA").decode()
    assert "Project-URL: Source" in text
    assert re.search(r"Requires-Dist: ray.*extra == 'cluster'", text)


def test_the_wheel_has_the_same_bytes_each_time_and_from_the_sdist_the_same_files(built, unpacked, tmp_path):
    _, wheel = built
    (again,) = build(ROOT, tmp_path / "again", "wheel")
    assert again.read_bytes() == wheel.read_bytes()
    (from_sdist,) = build(unpacked, tmp_path / "sdist", "wheel")
    assert members(from_sdist) == members(wheel)


def test_the_demo_and_a_read_work_from_the_unpacked_wheel(built, tmp_path):
    installed, folder = tmp_path / "site-packages", tmp_path / "elsewhere"
    folder.mkdir()
    with zipfile.ZipFile(built[1]) as archive:
        archive.extractall(installed)
    demo = run(installed, folder, "demo", "-o", "results")
    assert demo.returncode == 0, demo.stderr
    assert (folder / "results" / "index.html").is_file()
    study = min((installed / "pneumoscope" / "phantom" / "studies").glob("*.dcm"))
    one = run(installed, folder, "read", study, "--json")
    assert one.returncode == 0, one.stderr
    assert json.loads(one.stdout)["status"] == "analysed"


def test_a_read_and_the_tests_work_from_the_unpacked_sdist(unpacked, tmp_path):
    study = min((unpacked / "src" / "pneumoscope" / "phantom" / "studies").glob("*.dcm"))
    one = run(unpacked / "src", tmp_path, "read", study, "--json")
    assert json.loads(one.stdout)["status"] == "analysed"
    environment = {**os.environ, "PYTHONPATH": str(unpacked / "src")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/core"]
    done = subprocess.run(command, cwd=unpacked, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_version_is_in_one_place_and_everything_that_names_it_agrees():
    assert f"version: {__version__}" in (ROOT / "CITATION.cff").read_text()
    assert f"pneumoscope {__version__}" in run(ROOT / "src", ROOT, "--version").stdout
    assert re.search(r'^dynamic = \["version"\]$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
