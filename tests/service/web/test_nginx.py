"""The real nginx before a real node, both set up as docs/how-to/reverse-proxy.md says."""

import re
import shlex
import ssl
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.service.conftest import free_port
from tests.service.nginx import NGINX
from tests.service.nginx import start_nginx as run_nginx
from typer.testing import CliRunner

from pneumoscope.cli.main import app
from pneumoscope.phantom import studies_folder
from pneumoscope.service.config import SignIn
from pneumoscope.service.store import images, people

HOW_TO = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "reverse-proxy.md"
CLIENT, FORGED = "127.0.0.2", "203.0.113.66"

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx not found: apt-get install nginx-light")


def block(language: str, number: int = 0) -> str:
    """A code block of the how-to."""
    return re.findall(rf"```{language}\n(.*?)```", HOW_TO.read_text(), re.DOTALL)[number]


@pytest.fixture
def start_nginx(tmp_path: Path, certificates: Path) -> Iterator[Callable[[int], tuple[int, int]]]:
    """Starts nginx from a folder of its own before the node's port; returns its ports for HTTP and HTTPS."""
    running: list[subprocess.Popen[bytes]] = []

    def start(node_port: int) -> tuple[int, int]:
        plain, tls = free_port(), free_port()
        changes = {
            "listen 80;": f"listen 127.0.0.1:{plain};",
            "listen 443 ssl;": f"listen 127.0.0.1:{tls} ssl;",
            "/etc/ssl/certs/pneumoscope.pem": str(certificates / "cert.pem"),
            "/etc/ssl/private/pneumoscope.key": str(certificates / "key.pem"),
            "http://127.0.0.1:8080": f"http://127.0.0.1:{node_port}",
        }
        running.append(run_nginx(tmp_path, block("nginx"), changes=changes, port=tls))
        return plain, tls

    yield start
    for process in running:
        process.terminate()
        process.wait(10)


def port_of(address: str) -> int:
    """The port in an address."""
    return int(address.rpartition(":")[2])


@pytest.fixture
def hospital(
    tmp_path: Path, certificates: Path, make_site: Any, serve: Any, start_nginx: Any
) -> Iterator[tuple[Any, httpx.Client, str]]:
    """A node behind nginx, a client on another address, and the administrator's token, all made by the how-to."""
    site = make_site(
        sign_in=SignIn.ALWAYS, trusted_proxies=tuple(tomllib.loads(block("toml"))["web"]["trusted_proxies"])
    )
    path = tmp_path / "node.toml"
    path.write_text(block("toml") + f'[store]\npath = "{site.config.store.path}"\n')
    words = shlex.split(block("sh"))
    assert words[:2] == ["pneumoscope", "token"]
    made = CliRunner().invoke(app, [*words[1:-1], str(path)])
    assert made.exit_code == 0, made.output
    _, port = start_nginx(port_of(serve(site)))
    tls = ssl.create_default_context(cafile=certificates / "cert.pem")
    transport = httpx.HTTPTransport(local_address=CLIENT, verify=tls, trust_env=False)
    with httpx.Client(base_url=f"https://127.0.0.1:{port}", transport=transport) as client:
        yield site, client, made.output.strip()


def test_behind_nginx_nobody_comes_in_without_a_token_whatever_they_claim(hospital: Any) -> None:
    _, client, _ = hospital
    assert client.get("/", headers={"accept": "text/html"}).headers["location"] == "/login?to=/"
    claims = {"x-forwarded-for": "127.0.0.1", "forwarded": "for=127.0.0.1", "x-real-ip": "127.0.0.1"}
    for path in ("/", "/audit", "/api/v1/worklist", "/metrics", "/dicom-web/studies"):
        assert client.get(path, headers=claims).status_code == 401, path


def test_behind_nginx_the_administrator_signs_in_and_the_audit_log_has_the_real_address(hospital: Any) -> None:
    site, client, token = hospital
    forged = {"x-forwarded-for": FORGED, "forwarded": f"for={FORGED}", "x-forwarded-proto": "http"}
    own = {"origin": str(client.base_url).rstrip("/"), "sec-fetch-site": "same-origin"}
    answer = client.post("/login", data={"token": token}, headers=own | forged)
    assert answer.status_code == 303
    assert answer.headers["set-cookie"].startswith("__Host-pneumoscope=")
    assert "Secure" in answer.headers["set-cookie"]
    assert "strict-transport-security" in answer.headers
    page = client.get("/audit", headers=forged)
    assert page.status_code == 200
    assert "Ada Admin" in page.text
    entries = people.audit_entries(site.store, limit=9)
    assert [(one.person, one.action, one.address) for one in entries] == [
        ("Ada Admin", "audit", CLIENT),
        ("Ada Admin", "sign-in", CLIENT),
    ]


def test_behind_nginx_another_site_s_form_changes_nothing_and_an_image_comes_through(hospital: Any) -> None:
    site, client, token = hospital
    bearer = {"authorization": f"Bearer {token}"}
    content = (studies_folder() / "5-hand.dcm").read_bytes()
    foreign = client.post(
        "/api/v1/images", files={"file": content}, headers=bearer | {"origin": "https://evil.example"}
    )
    assert foreign.status_code == 403
    taken = client.post("/api/v1/images", files={"file": content}, headers=bearer)
    assert taken.status_code == 202
    assert images.count_by_state(site.store)["received"] == 1


@pytest.mark.req("REQ-SV-04")
def test_a_page_without_sign_in_does_not_answer_through_nginx(
    site: Any, serve: Any, start_nginx: Any, certificates: Path
) -> None:
    address = serve(site)
    plain, port = start_nginx(port_of(address))
    tls = ssl.create_default_context(cafile=certificates / "cert.pem")
    assert httpx.get(address, trust_env=False).status_code == 200
    for path in ("/", "/audit", "/healthz"):
        answer = httpx.get(f"https://127.0.0.1:{port}{path}", verify=tls, trust_env=False)
        assert answer.status_code == 403, path
    redirect = httpx.get(f"http://127.0.0.1:{plain}/audit", trust_env=False)
    assert redirect.headers["location"] == "https://127.0.0.1/audit"
