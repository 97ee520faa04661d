"""Container, Compose, Kubernetes and systemd files: valid, of this version, and with least rights; no engine runs."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from pneumoscope import __version__
from pneumoscope.service import load_config, parse_config

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments, continued lines joined, comments left out."""
    text = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def test_the_image_is_built_in_two_stages_and_runs_as_a_numbered_user_with_a_health_check():
    found = instructions()
    stages = [argument for name, argument in found if name == "FROM"]
    assert len(stages) == 2
    assert all(re.match(r"[\w/.-]+:\d[\w.-]*( AS \w+)?$", stage) for stage in stages), "expected pinned tags"
    second = found[max(place for place, (name, _) in enumerate(found) if name == "FROM") :]
    names = [name for name, _ in second]
    assert names.count("USER") == 1
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", dict(second)["USER"]), "expected numbers: Kubernetes checks runAsNonRoot"
    assert "/readyz" in dict(second)["HEALTHCHECK"]
    for name in ("ENTRYPOINT", "CMD"):
        assert isinstance(json.loads(dict(second)[name]), list), "expected exec form, so that signals reach the node"
    assert "ADD" not in names
    assert not [argument for name, argument in found if name == "RUN" and re.search(r"\bsudo\b|apt-get", argument)]


def test_what_the_image_copies_is_let_through_and_the_paths_exist():
    ignored = (ROOT / ".dockerignore").read_text().split()
    for name, argument in instructions():
        if name == "COPY" and "--from" not in argument:
            for source in argument.split()[:-1]:
                assert (ROOT / source).exists()
                assert f"!{source.removeprefix('./')}" in ignored


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())


def test_compose_has_node_database_archive_and_viewer_on_loopback_only(compose):
    services = compose["services"]
    assert set(services) == {"node", "database", "orthanc", "ohif"}
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        assert not service.get("privileged")
        assert ":latest" not in service["image"]
        assert ":" in service["image"]
        named = [volume.split(":")[0] for volume in service.get("volumes", [])]
        assert all(
            (DEPLOY / "compose" / one).is_file() if one.startswith(".") else one in compose["volumes"] for one in named
        )
    node = services["node"]
    assert node["image"] == f"pneumoscope:{__version__}"
    assert node["read_only"] is True
    assert node["cap_drop"] == ["ALL"]
    assert (DEPLOY / "compose" / node["build"]["context"] / node["build"]["dockerfile"]).is_file()


def test_the_nodes_and_the_archives_configuration_fit_each_other(compose):
    node = load_config(DEPLOY / "compose" / "node.toml")
    orthanc = json.loads((DEPLOY / "compose" / "orthanc.json").read_text())
    assert orthanc["DicomModalities"]["pneumoscope"] == [node.node.ae_title, "node", node.node.port]
    (pacs,) = node.destination
    assert (pacs.ae_title, pacs.host, pacs.port) == (orthanc["DicomAet"], "orthanc", orthanc["DicomPort"])
    assert node.store.url.startswith("postgresql+psycopg://pneumoscope@database")
    assert f"127.0.0.1:{node.node.port}:{node.node.port}" in compose["services"]["node"]["ports"]
    how_to = (ROOT / "docs" / "how-to" / "orthanc.md").read_text()
    assert (DEPLOY / "compose" / "route.lua").read_text() == re.findall(r"```lua\n(.*?)```", how_to, re.DOTALL)[0]


@pytest.fixture(scope="module")
def manifests() -> dict[str, dict]:
    found = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "pneumoscope.yaml").read_text()))
    assert all({"apiVersion", "kind", "metadata"} <= one.keys() for one in found)
    return {one["kind"]: one for one in found}


def test_the_pod_meets_the_restricted_profile_and_names_probes_that_exist(manifests):
    pod = manifests["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    rights = container["securityContext"]
    assert rights == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["image"] == f"pneumoscope:{__version__}"
    for probe, path in (("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
        assert container[probe]["httpGet"]["path"] == path
    assert {one["name"] for one in container["volumeMounts"]} == {one["name"] for one in pod["volumes"]}
    assert f"{pod['securityContext']['runAsUser']}" in (DEPLOY / "Dockerfile").read_text()


def test_selectors_and_ports_agree_and_the_configuration_is_the_nodes(manifests):
    labels = manifests["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert manifests["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert manifests["Service"]["spec"]["selector"] == labels
    (container,) = manifests["Deployment"]["spec"]["template"]["spec"]["containers"]
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    assert {one["targetPort"] for one in manifests["Service"]["spec"]["ports"]} == set(ports)
    import tomllib

    config = parse_config(tomllib.loads(manifests["ConfigMap"]["data"]["node.toml"]))
    assert (config.node.port, config.web.port) == (ports["dicom"], ports["web"])


def test_the_systemd_unit_is_valid_and_protected(tmp_path):
    unit = DEPLOY / "systemd" / "pneumoscope.service"
    text = unit.read_text()
    for line in ("DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "Restart=on-failure"):
        assert line in text.splitlines()
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze not found: apt-get install systemd")
    local = tmp_path / unit.name
    local.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE))
    done = subprocess.run(["systemd-analyze", "verify", local], capture_output=True, text=True, check=False)
    assert "pneumoscope.service:" not in done.stderr, done.stderr
