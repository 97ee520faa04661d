"""Orthanc as the PACS, set up exactly as docs/how-to/orthanc.md says, over C-STORE and over DICOMweb."""

import json
import os
import re
import shutil
import ssl
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from pydicom import dcmread
from tests.service.conftest import chest_as, encode, free_port, wait_for
from tests.service.nginx import NGINX, start_nginx

from pneumoscope.model import UNJUDGED_HEAT, load, seal, shipped_path
from pneumoscope.service import Accounts, Node, Role, open_store, parse_config
from pneumoscope.service.store import State, images

HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "orthanc.md"
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


def block(language, number=0):
    """A code block of the how-to."""
    return re.findall(rf"```{language}\n(.*?)```", HOW_TO.read_text(), re.DOTALL)[number]


class Site:
    """An Orthanc and a node that know each other."""

    def __init__(self, folder, *, destination):
        self.dicom_port, self.http_port, node_port, web_port = (free_port() for _ in range(4))
        table = tomllib.loads(block("toml"))
        table["node"]["port"], table["store"]["path"] = node_port, str(folder / "spool")
        table["reading"] = table.get("reading", {}) | {"model": str(showing_heat(folder / "model.onnx"))}
        table["web"]["port"], table["destination"] = web_port, [destination or table["destination"][0]]
        there = table["destination"][0]
        if "url" in there:
            there["url"] = there["url"].replace("8042", str(self.http_port))
        else:
            there["port"] = self.dicom_port
        config = parse_config(table)
        store = open_store(config.store.url)
        self.token = Accounts(store).add("orthanc", Role.MACHINE)
        store.close()
        self.orthanc = self._start_orthanc(folder, node_port=node_port, web_port=web_port)
        self.web = httpx.Client(base_url=f"http://127.0.0.1:{self.http_port}", timeout=30, trust_env=False)
        wait_for(self._answers)
        self.node = Node(config)
        self.node.start()

    def _start_orthanc(self, folder, *, node_port, web_port):
        config = json.loads(block("json"))
        config |= {"DicomPort": self.dicom_port, "HttpPort": self.http_port, "LuaScripts": [str(folder / "route.lua")]}
        config |= {"StorageDirectory": str(folder / "db"), "IndexDirectory": str(folder / "db")}
        config["DicomModalities"]["pneumoscope"][2] = node_port
        server = config["DicomWeb"]["Servers"]["pneumoscope"]
        server["Url"] = server["Url"].replace("8080", str(web_port))
        (folder / "route.lua").write_text(block("lua"))
        (folder / "orthanc.json").write_text(json.dumps(config))
        with (folder / "orthanc.log").open("wb") as log:
            return subprocess.Popen(
                [shutil.which("Orthanc"), folder / "orthanc.json"],
                stdout=log,
                stderr=log,
                env=os.environ | {"ORTHANC_TOKEN": self.token},
            )

    def _answers(self):
        try:
            return self.web.get("/system").is_success
        except httpx.HTTPError:
            return False

    def upload(self, ds):
        answer = self.web.post("/instances", content=encode(ds)).raise_for_status().json()
        return answer["ParentStudy"]

    def contents(self, study):
        """Modality, series number and SOP class of every instance of a study."""
        instances = self.web.get(f"/studies/{study}/instances").raise_for_status().json()
        tags = [self.web.get(f"/instances/{one['ID']}/simplified-tags").json() for one in instances]
        return sorted((tag["Modality"], tag.get("SeriesNumber", "")) for tag in tags)

    def close(self):
        self.node.stop()
        self.web.close()
        self.orthanc.terminate()
        self.orthanc.wait(20)


@pytest.fixture
def site(tmp_path):
    if shutil.which("Orthanc") is None or not PLUGIN.exists():
        pytest.skip("Orthanc or its DICOMweb plugin not found: apt-get install orthanc orthanc-dicomweb")
    sites = []

    def start(destination=None):
        sites.append(Site(tmp_path, destination=destination))
        return sites[-1]

    yield start
    for one in sites:
        one.close()


def showing_heat(path):
    """The shipped model with leave to show heat maps, so that there is a presentation state to send."""
    artifact = load(shipped_path())
    rules = {name: replace(rule, heat=UNJUDGED_HEAT) for name, rule in artifact.card.rules.items()}
    path.write_bytes(seal(artifact.onnx, replace(artifact.card, rules=rules)))
    return path


def settled(node):
    counts = images.count_by_state(node.store)
    return not any(counts[state] for state in (State.RECEIVED, State.READING, State.DELIVERING)) and sum(
        counts.values()
    )


def test_orthanc_routes_a_study_and_gets_report_capture_and_presentation_state_back_in_it(site):
    pacs = site()
    study = pacs.upload(chest_as("1.2.3.1"))
    refused = pacs.upload(chest_as("1.2.3.2", StudyInstanceUID="1.2.3.9", BodyPartExamined="HAND"))
    wait_for(lambda: len(pacs.contents(study)) == 4)
    assert pacs.contents(study) == [("DX", "1"), ("OT", "9002"), ("PR", "9003"), ("SR", "9001")]
    wait_for(lambda: len(pacs.contents(refused)) == 3)
    assert pacs.contents(refused) == [("DX", "1"), ("OT", "9002"), ("SR", "9004")]
    wait_for(lambda: settled(pacs.node))
    counts = images.count_by_state(pacs.node.store)
    assert (counts[State.DONE], counts[State.REFUSED]) == (1, 1), "our own results did not come back to us"


def test_the_same_over_dicomweb_in_both_directions(site):
    pacs = site(tomllib.loads(block("toml", 1))["destination"][0])
    study = pacs.upload(chest_as("1.2.3.1", Modality="RG"))  # which route.lua does not send on
    sent = pacs.web.post("/dicom-web/servers/pneumoscope/stow", json={"Resources": [study]})
    assert sent.is_success, sent.text
    wait_for(lambda: len(pacs.contents(study)) == 3)
    assert pacs.contents(study) == [("OT", "9002"), ("RG", "1"), ("SR", "9004")], "refused: modality RG"
    (image,) = images.newest(pacs.node.store, limit=9)
    assert image.route == "stow"


def test_real_images_go_through_orthanc_as_well(site, data_root):
    pacs, names = site(), ("udacity/test3.dcm", "udacity/test4.dcm", "wg04/RG1_J2KI.dcm")
    for name in names:
        pacs.upload(dcmread(data_root / "dicom" / name))
    wait_for(lambda: settled(pacs.node) == len(names))
    instances = pacs.web.get("/instances").json()
    assert len(instances) == len(names) + 3 + 2 + 3


@pytest.mark.skipif(NGINX is None, reason="nginx not found: apt-get install nginx-light")
def test_behind_nginx_orthanc_asks_for_a_password_and_the_node_for_a_token(site, tmp_path, certificates):
    pacs, port = site(), free_port()
    made = subprocess.run(["openssl", "passwd", "-apr1", "s3cret"], capture_output=True, text=True, check=True)
    (tmp_path / "passwords").write_text(f"ada:{made.stdout}")
    changes = {
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "/etc/ssl/certs/pneumoscope.pem": str(certificates / "cert.pem"),
        "/etc/ssl/private/pneumoscope.key": str(certificates / "key.pem"),
        "/etc/nginx/orthanc.passwords": str(tmp_path / "passwords"),
        "http://127.0.0.1:8042": f"http://127.0.0.1:{pacs.http_port}",
    }
    nginx = start_nginx(tmp_path, block("nginx"), changes=changes, port=port)
    tls = ssl.create_default_context(cafile=certificates / "cert.pem")
    try:
        with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=tls, trust_env=False, timeout=60) as client:
            assert client.get("/system").status_code == 401
            assert client.get("/system", auth=("ada", "wrong")).status_code == 401
            assert client.get("/system", auth=("ada", "s3cret")).json()["DicomAet"] == "ORTHANC"
    finally:
        nginx.terminate()
        nginx.wait(20)
    page = f"http://127.0.0.1:{pacs.node.web_port}"
    assert httpx.get(f"{page}/", trust_env=False).status_code == 401
    bearer = {"authorization": f"Bearer {pacs.token}"}
    assert httpx.get(f"{page}/metrics", headers=bearer, trust_env=False).status_code == 200
    assert httpx.get(f"{page}/api/v1/worklist", headers=bearer, trust_env=False).status_code == 403
