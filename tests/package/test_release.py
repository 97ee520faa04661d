"""A release: checksums of every file, and a detached signature that finds a change."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytest.importorskip("hatchling", reason="hatchling not found: pip install hatchling")


def test_a_signed_release_verifies_and_a_changed_checksum_does_not(tmp_path: Path) -> None:
    if shutil.which("gpg") is None:
        pytest.skip("gpg not found: install the Debian package gnupg")
    home = tmp_path / "keys"
    home.mkdir(mode=0o700)
    environment = {**os.environ, "GNUPGHOME": str(home), "SOURCE_DATE_EPOCH": "1764547200"}
    environment["PNEUMOSCOPE_SIGNING_KEY"] = "release@example.org"
    environment["VIRTUAL_ENV"] = sys.prefix
    key = ["gpg", "--batch", "--passphrase", "", "--quick-generate-key", "release@example.org", "ed25519", "sign"]
    subprocess.run(key, env=environment, check=True, capture_output=True)
    target = tmp_path / "release"
    subprocess.run([ROOT / "scripts" / "release", target], env=environment, check=True, capture_output=True)

    verify = ["gpg", "--verify", "SHA256SUMS.asc", "SHA256SUMS"]
    assert subprocess.run(verify, cwd=target, env=environment, capture_output=True).returncode == 0
    assert subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=target, capture_output=True).returncode == 0
    listed = {line.split()[1] for line in (target / "SHA256SUMS").read_text().splitlines()}
    assert listed == {path.name for path in target.iterdir()} - {"SHA256SUMS", "SHA256SUMS.asc"}

    sums = target / "SHA256SUMS"
    sums.write_text(sums.read_text().replace("a", "b", 1))
    assert subprocess.run(verify, cwd=target, env=environment, capture_output=True).returncode != 0
    subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=False)
