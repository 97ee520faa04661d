"""The documentation site: builds without a warning, and asks no other host for anything."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_ASSET = re.compile(
    r"<(?:script|link|img|iframe|source|video)\b[^>]*(?:src|href)=[\"']?(https?:[^\"'\s>]+)", re.IGNORECASE
)
_STYLE = re.compile(r"url\([\"']?(https?:[^)\"']+)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", target]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def test_every_page_is_on_the_site_with_the_command_reference(site: Path) -> None:
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert {page for page in pages if not (site / page).exists()} == set()
    text = (site / "reference" / "commands.html").read_text()
    assert "pneumoscope data import nih" in text
    assert "--operating-point" in text


def test_no_page_fetches_anything_from_another_host(site: Path) -> None:
    found = [(page.name, address) for page in site.rglob("*.html") for address in _ASSET.findall(page.read_text())] + [
        (sheet.name, address) for sheet in site.rglob("*.css") for address in _STYLE.findall(sheet.read_text())
    ]
    assert [one for one in found if "rel=canonical" not in one[1]] == []
