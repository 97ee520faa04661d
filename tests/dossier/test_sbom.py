import datetime as dt
import json
from pathlib import Path

import pytest

from pneumoscope.core import ConfigError
from pneumoscope.dossier.sbom import read_components, write_cyclonedx

LOCK = Path(__file__).resolve().parents[2] / "uv.lock"


def test_the_base_installation_is_listed_with_what_it_brings_and_nothing_of_training() -> None:
    found = {one.name: one for one in read_components(LOCK)}
    assert found["numpy"].direct
    assert not found["starlette"].direct
    assert not {"torch", "pytest", "pandas", "typst", "pneumoscope", "colorama"} & set(found)
    assert all(len(one.sha256) == 64 for one in found.values())


def test_the_file_is_cyclonedx_with_a_package_url_and_hash_of_each(tmp_path: Path) -> None:
    components = read_components(LOCK)
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    write_cyclonedx(components, tmp_path / "a.json", version="1.2.3", created=moment)
    write_cyclonedx(components, tmp_path / "b.json", version="1.2.3", created=moment)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    table = json.loads((tmp_path / "a.json").read_text())
    assert (table["bomFormat"], table["specVersion"]) == ("CycloneDX", "1.6")
    assert {one["purl"] for one in table["components"]} == {f"pkg:pypi/{one.name}@{one.version}" for one in components}
    assert all(one["hashes"][0]["alg"] == "SHA-256" for one in table["components"])


def test_a_file_that_is_no_lock_is_refused(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text("[[package]]\nname = 'other'\n")
    with pytest.raises(ConfigError, match="expected uv's lock of pneumoscope"):
        read_components(tmp_path / "uv.lock")
