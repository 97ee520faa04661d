"""Fixtures shared by all rooms' tests."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Folder of the real images (never part of the repository); the test skips where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    root = Path(os.environ.get("PNEUMOSCOPE_DATA", default))
    if not (root / "nih").is_dir():
        pytest.skip(f"real data not found: set PNEUMOSCOPE_DATA (looked in {root})")
    return root
