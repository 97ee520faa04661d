import datetime as dt
import json
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from pneumoscope.core import ConfigError
from pneumoscope.dossier import read_inputs
from pneumoscope.dossier.sbom import beside_packages, read_components, write_cyclonedx, write_vex

LOCK = Path(__file__).resolve().parents[2] / "uv.lock"


def test_the_base_installation_is_listed_with_what_it_brings_and_nothing_of_training() -> None:
    found = {one.name: one for one in read_components(LOCK)}
    assert found["numpy"].direct
    assert not found["anyio"].direct
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


def test_the_bill_of_a_submission_is_valid_and_has_native_libraries_and_the_model_with_its_card(place: Path) -> None:
    inputs = read_inputs(place / "device.toml", place / "release")
    moment, path = dt.datetime(2026, 1, 1, tzinfo=dt.UTC), place / "bill.json"
    write_cyclonedx(inputs.components, path, version="1", created=moment, more=beside_packages(inputs))
    write_vex(inputs, place / "vex.json", created=moment)
    for written in (path, place / "vex.json"):
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(written.read_text()) is None
    parts = {one["name"]: one for one in json.loads(path.read_text())["components"]}
    assert {"CPython", "OpenSSL", "SQLite", "numpy"} <= set(parts)
    card = parts["synthetic"]["modelCard"]
    assert parts["synthetic"]["type"] == "machine-learning-model"
    assert {one["type"] for one in card["quantitativeAnalysis"]["performanceMetrics"]} == {
        "auroc", "sensitivity", "specificity",
    }  # fmt: skip
    assert "not done" in (place / "vex.json").read_text()
