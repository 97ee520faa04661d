"""Who comes in, and how far."""

import re
from typing import Any

import pytest

from pneumoscope.core import ConfigError
from pneumoscope.service.config import SignIn, WebConfig
from pneumoscope.service.web import Role, first_token
from pneumoscope.service.web.accounts import IDLE_S, LONGEST_S

ADMIN_ONLY = [("GET", "/upload"), ("GET", "/audit"), ("POST", "/deliveries/1/replay"), ("GET", "/api/v1/feedback")]
SEEN_BY_PEOPLE = ["/", "/images/1", "/images/1/pixels", "/monitoring", "/deliveries", "/settings", "/api/v1/worklist"]


def routes(site: Any) -> list[tuple[str, str]]:
    """Every method and address of the application, its numbers filled in."""
    return [
        (method.upper(), re.sub(r"{\w+}", "1", path))
        for path, methods in _paths(site.app.routes).items()
        for method in methods
    ]


def _paths(found: Any) -> dict[str, set[str]]:
    paths: dict[str, set[str]] = {}
    for route in found:
        if inner := getattr(route, "original_router", None):  # a router within, as FastAPI keeps it
            paths |= {route.include_context.prefix + path: methods for path, methods in _paths(inner.routes).items()}
        elif methods := getattr(route, "methods", None):
            paths.setdefault(route.path, set()).update(methods - {"HEAD"})
    return paths


@pytest.mark.req("REQ-SV-04")
def test_beyond_loopback_every_address_but_sign_in_asks_for_a_token(guarded: Any) -> None:
    client, open_to_all = guarded.client(), set()
    for method, path in routes(guarded):
        if client.request(method, path).status_code != 401:
            open_to_all.add(path)
    assert len(routes(guarded)) > 20
    assert open_to_all == {"/login", "/login/oidc", "/login/oidc/callback", "/healthz", "/readyz"}


def test_a_person_without_a_session_is_led_to_sign_in_and_back(guarded: Any) -> None:
    answer = guarded.client().get("/images/3", headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?to=/images/3")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "0.0.0.0", "192.168.1.5", "pacs-node"])
@pytest.mark.req("REQ-SV-04")
def test_everyone_signs_in_by_default_also_on_loopback(host: str) -> None:
    assert WebConfig(host=host).requires_sign_in


@pytest.mark.req("REQ-SV-04")
def test_a_node_without_settings_shows_its_page_to_nobody(make_site: Any) -> None:
    site = make_site(sign_in=WebConfig().sign_in)
    assert site.client().get("/").status_code == 401
    assert site.client().post("/dicom-web/studies", content=b"").status_code == 401


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]"])
def test_on_loopback_sign_in_can_be_switched_off(host: str) -> None:
    assert not WebConfig(host=host, sign_in=SignIn.NEVER).requires_sign_in
    assert not WebConfig(host=host, sign_in=SignIn.AUTO).requires_sign_in


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "pacs-node"])
@pytest.mark.req("REQ-SV-04")
def test_sign_in_cannot_be_avoided_beyond_loopback(host: str) -> None:
    assert WebConfig(host=host, sign_in=SignIn.AUTO).requires_sign_in
    with pytest.raises(ConfigError, match=r"expected a loopback address in web.host"):
        WebConfig(host=host, sign_in=SignIn.NEVER)


def test_sign_in_cannot_be_avoided_behind_a_proxy() -> None:
    assert WebConfig(sign_in=SignIn.AUTO, trusted_proxies=("127.0.0.1",)).requires_sign_in
    with pytest.raises(ConfigError, match=r"expected no web.trusted_proxies, found some"):
        WebConfig(sign_in=SignIn.NEVER, trusted_proxies=("127.0.0.1",))


def test_the_first_token_is_an_admin_s_and_is_made_once(guarded: Any) -> None:
    token = first_token(guarded.config, guarded.store)
    assert token is not None
    assert first_token(guarded.config, guarded.store) is None
    assert guarded.client(token).get("/audit").status_code == 200


def test_no_first_token_is_made_where_nobody_signs_in(site: Any) -> None:
    assert first_token(site.config, site.store) is None


def test_the_database_holds_neither_tokens_nor_sessions(guarded: Any) -> None:
    token = guarded.token(Role.VIEWER)
    session = guarded.client().post("/login", data={"token": token}).cookies["pneumoscope"]
    with guarded.store.engine.connect() as connection:
        dump = "\n".join(connection.connection.driver_connection.iterdump())
    assert "web_session" in dump
    assert token not in dump
    assert session not in dump


@pytest.mark.parametrize(("method", "path"), ADMIN_ONLY)
@pytest.mark.req("REQ-SV-04")
def test_a_viewer_is_kept_from_what_is_an_admin_s(guarded: Any, method: str, path: str) -> None:
    viewer, admin = (guarded.client(guarded.token(role)) for role in (Role.VIEWER, Role.ADMIN))
    assert viewer.request(method, path).status_code == 403
    assert admin.request(method, path).status_code in (200, 422)


@pytest.mark.parametrize("path", SEEN_BY_PEOPLE)
@pytest.mark.req("REQ-SV-04")
def test_a_machine_sees_no_result(guarded: Any, path: str) -> None:
    guarded.image()
    machine, viewer = (guarded.client(guarded.token(role)) for role in (Role.MACHINE, Role.VIEWER))
    assert machine.get(path).status_code == 403
    assert viewer.get(path).status_code == 200


def test_machines_send_images_and_viewers_do_not(guarded: Any) -> None:
    statuses = {}
    for role in Role:
        client = guarded.client(guarded.token(role))
        upload = client.post("/api/v1/images", files={"file": ("a.dcm", b"not an image")}).status_code
        statuses[role] = upload, client.post("/dicom-web/studies", content=b"").status_code
    assert statuses == {Role.VIEWER: (403, 403), Role.ADMIN: (422, 415), Role.MACHINE: (422, 415)}


def test_a_revoked_token_ends_its_sessions_too(guarded: Any) -> None:
    from pneumoscope.service.web import Accounts

    token = guarded.token(Role.VIEWER, "Dr. A")
    browser = guarded.client()
    browser.post("/login", data={"token": token})
    assert browser.get("/").status_code == 200
    Accounts(guarded.store).revoke("Dr. A")
    assert browser.get("/").status_code == 401
    assert guarded.client(token).get("/").status_code == 401


@pytest.mark.parametrize(("step_s", "steps", "status"), [(IDLE_S - 60, 5, 200), (IDLE_S + 60, 1, 401), (1800, 25, 401)])
def test_a_session_ends_when_idle_and_after_a_working_day(
    guarded: Any, clock: Any, step_s: float, steps: int, status: int
) -> None:
    browser = guarded.client()
    browser.post("/login", data={"token": guarded.token(Role.VIEWER)})
    for _ in range(steps):
        clock.now += step_s
        last = browser.get("/").status_code
    assert last == status
    assert steps * step_s > LONGEST_S or status == 200 or step_s > IDLE_S


def test_signing_out_ends_the_session_on_the_server(guarded: Any) -> None:
    browser = guarded.client()
    browser.post("/login", data={"token": guarded.token(Role.VIEWER)})
    stolen = browser.cookies["pneumoscope"]
    browser.post("/logout", headers={"origin": "http://node.example"})
    thief = guarded.client()
    thief.cookies.set("pneumoscope", stolen)
    assert thief.get("/").status_code == 401


def test_scripts_never_see_the_session_and_tls_marks_it_secure(make_site: Any, tmp_path: Any) -> None:
    plain = make_site(host="0.0.0.0")
    cookie = plain.client().post("/login", data={"token": plain.token(Role.VIEWER)}).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    secure = make_site(host="0.0.0.0", tls_certificate=tmp_path / "c.pem", tls_key=tmp_path / "k.pem")
    cookie = secure.client().post("/login", data={"token": secure.token(Role.VIEWER)}).headers["set-cookie"]
    assert cookie.startswith("__Host-pneumoscope=")
    assert "Secure" in cookie
    assert "Path=/" in cookie


@pytest.mark.parametrize(
    "to", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\n/"]
)
def test_signing_in_never_leads_to_another_site(guarded: Any, to: str) -> None:
    answer = guarded.client().post("/login", data={"token": guarded.token(Role.VIEWER), "to": to})
    assert answer.headers["location"] == "/"


def test_a_wrong_token_is_told_and_audited(guarded: Any) -> None:
    answer = guarded.client().post("/login", data={"token": "pns_wrong"})
    assert answer.status_code == 401
    assert "not known" in answer.text
    log = guarded.client(guarded.token(Role.ADMIN)).get("/audit").text
    assert "sign-in refused" in log
    assert "pns_wrong" not in log
