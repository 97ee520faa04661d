"""What the doctor says of this machine, of a node's configuration, and of what is broken on purpose."""

import json
import socket
import ssl
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pneumoscope.cli.main import app
from pneumoscope.core import ConfigError
from pneumoscope.doctor import Finding, Level, check_node, diagnose, installation, valid_until
from pneumoscope.model import shipped_path
from pneumoscope.service import parse_config


def named(findings: list[Finding], name: str) -> Finding:
    return next(one for one in findings if one.name == name)


@pytest.fixture(scope="module")
def findings() -> list[Finding]:
    return list(diagnose())


def test_a_working_installation_has_no_problem_and_advice_wherever_something_is_not_ok(findings):
    assert [one for one in findings if one.level is Level.PROBLEM] == []
    assert all(one.advice for one in findings if one.level is not Level.OK)
    names = {"python", "libraries", "model", "engine onnxruntime", "decoders", "fonts", "gpu", "clock", "disk"}
    assert names <= {one.name for one in findings}
    assert "checksum verified" in named(findings, "model").found


def test_a_damaged_model_is_a_problem_and_is_not_run(tmp_path):
    damaged = bytearray(shipped_path().read_bytes())
    damaged[1000] ^= 1
    (tmp_path / "model.onnx").write_bytes(damaged)
    found = list(installation._model(tmp_path / "model.onnx"))
    assert [one.level for one in found] == [Level.PROBLEM]
    assert "pneumoscope export" in found[0].advice


def test_a_missing_extra_is_a_warning_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(installation, "find_spec", lambda _: None)
    found = {one.name: one for one in installation._extras()}
    assert found["extra cluster"].level is Level.WARNING
    assert "pip install 'pneumoscope[cluster]'" in found["extra cluster"].advice


def test_a_full_disk_and_a_clock_in_the_past_are_problems(monkeypatch, tmp_path):
    monkeypatch.setattr(installation, "_NEEDED_MB", 10**12)
    assert next(installation._disk(tmp_path)).level is Level.PROBLEM
    assert next(installation._disk(tmp_path / "not" / "there")).found.endswith(str(tmp_path))

    class Past(installation.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2001, 1, 1, tzinfo=tz)

    monkeypatch.setattr(installation, "datetime", Past)
    assert next(installation._clock()).level is Level.PROBLEM


def certificate(folder: Path, *, days: int) -> tuple[Path, Path]:
    pem, key = folder / "node.pem", folder / "node.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=node", "-days", str(days)]
    subprocess.run([*command, "-out", pem, "-keyout", key], check=True, capture_output=True)
    return pem, key


def test_a_certificate_that_ends_soon_is_a_warning_and_one_with_another_key_a_problem(tmp_path):
    pem, key = certificate(tmp_path, days=10)
    (tmp_path / "other").mkdir()
    _, other = certificate(tmp_path / "other", days=10)
    web = {"tls_certificate": str(pem), "tls_key": str(key), "port": 0}
    table = {"web": web, "node": {"port": 0}, "store": {"path": str(tmp_path)}}
    found = named(list(check_node(parse_config(table))), "certificate web")
    assert found.level is Level.WARNING
    assert found.advice == "renew the certificate"
    web["tls_key"] = str(other)
    assert named(list(check_node(parse_config(table))), "certificate web").level is Level.PROBLEM


def test_the_end_of_validity_is_the_one_that_openssl_says(tmp_path):
    pem, _ = certificate(tmp_path, days=400)
    said = subprocess.run(
        ["openssl", "x509", "-in", pem, "-noout", "-enddate"], check=True, capture_output=True, text=True
    )
    seconds = ssl.cert_time_to_seconds(said.stdout.partition("=")[2].strip())
    assert valid_until(pem.read_text()).timestamp() == seconds
    with pytest.raises(ValueError, match="found none"):
        valid_until("no certificate")


def test_a_taken_port_and_a_database_that_does_not_answer_are_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        url = "postgresql+psycopg://pneumoscope:secret@127.0.0.1:1/queue"
        table = {"node": {"port": port}, "web": {"port": 0}, "store": {"path": str(tmp_path), "database": url}}
        found = list(check_node(parse_config(table)))
    assert named(found, "port DICOM").level is Level.WARNING
    assert named(found, "port web").level is Level.OK
    database = named(found, "database")
    assert database.level is Level.PROBLEM
    assert "secret" not in database.found


def test_the_command_prints_one_json_line_per_check_and_ends_with_two_where_something_is_a_problem(tmp_path):
    answer = CliRunner().invoke(app, ["doctor", "--json"])
    lines = [json.loads(line) for line in answer.stdout.splitlines()]
    assert answer.exit_code == 0
    assert {"name", "level", "found", "advice"} == set(lines[0])
    broken = CliRunner().invoke(app, ["doctor", "--model", str(tmp_path / "missing.onnx")])
    assert broken.exit_code == 2
    assert "problem" in broken.stdout


def test_a_configuration_that_is_not_there_is_wrong_use(tmp_path):
    with pytest.raises(ConfigError):
        list(diagnose(tmp_path / "missing.toml"))
