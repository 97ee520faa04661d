"""What every request must get past, and what every answer carries."""

import re
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import pytest
from sqlalchemy.exc import DatabaseError

from pneumoscope.service.store import people, tables
from pneumoscope.service.web import Role
from pneumoscope.service.web.security import RateLimit

PAGE = {"accept": "text/html"}


@pytest.mark.parametrize("path", ["/", "/images/1", "/images/99", "/nothing", "/api/v1/worklist", "/static/page.css"])
def test_every_answer_carries_the_security_headers(site: Any, path: str) -> None:
    site.image()
    headers = site.client().get(path, headers=PAGE).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert "unsafe" not in headers["content-security-policy"]
    assert policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert ("no-store" in headers["cache-control"]) is not path.startswith("/static")


def test_a_fault_of_ours_is_an_answer_with_headers_and_without_its_words(
    site: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError(f"cannot handle {site.patient[0]}")

    monkeypatch.setattr("pneumoscope.service.web.page_routes.worklist", fail)
    answer = site.client(raise_server_exceptions=False).get("/", headers=PAGE)
    assert answer.status_code == 500
    assert "content-security-policy" in answer.headers
    said = answer.text + "".join(capsys.readouterr())
    assert "RuntimeError" in said
    assert site.patient[0] not in said


@pytest.mark.parametrize("name", sorted(one.name for one in (files("pneumoscope.service.web") / "templates").iterdir()))
def test_no_template_has_a_script_a_style_or_a_handler_of_its_own(name: str) -> None:
    class Look(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            names = dict(attrs)
            assert tag != "style", name
            assert tag != "script" or (names.get("src") or "").startswith("/static/"), name
            assert not [one for one in names if one == "style" or one.startswith("on")], name

    source = (files("pneumoscope.service.web") / "templates" / name).read_text()
    Look().feed(re.sub(r"{%.*?%}", " ", source, flags=re.DOTALL))
    assert "| safe" not in source
    assert "autoescape" not in source


@pytest.mark.parametrize("folder", ["templates", "static"])
def test_the_page_asks_nothing_of_other_machines(folder: str) -> None:
    for one in (files("pneumoscope.service.web") / folder).iterdir():
        found = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+", one.read_text()))
        assert found <= {"http://www.w3.org"}, one.name  # the name of SVG


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "10.0.0.1"]
)
def test_on_loopback_a_name_of_another_site_is_refused(site: Any, host: str) -> None:
    assert site.client().get("/", headers={"host": host}).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8080", "[::1]:8080", "LOCALHOST"])
def test_on_loopback_this_machine_s_names_are_served(site: Any, host: str) -> None:
    assert site.client().get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1.evil.example"}, 403),
        ({"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1"}, 403),
        ({"cookie": "pneumoscope=abc"}, 403),
        ({"sec-fetch-site": "same-origin"}, 303),
        ({"origin": "http://127.0.0.1", "cookie": "theme=dark"}, 303),
        ({}, 303),
    ],
)
@pytest.mark.req("REQ-SV-04")
def test_only_our_own_pages_and_programs_change_anything(site: Any, headers: dict[str, str], status: int) -> None:
    image = site.image()
    answer = site.client().post(f"/images/{image.id}/feedback", data={"answer": "agree"}, headers=headers)
    assert answer.status_code == status
    assert len(people.feedback_on(site.store, image.uid)) == (status == 303)


def test_a_client_that_asks_too_often_is_told_to_wait(make_site: Any) -> None:
    client = make_site(requests_per_minute=5).client()
    statuses = [client.get("/healthz").status_code for _ in range(7)]
    assert statuses == [200] * 5 + [429] * 2
    assert client.get("/healthz").headers["retry-after"] == "60"


def test_tokens_cannot_be_guessed_quickly(guarded: Any) -> None:
    client = guarded.client()
    statuses = [client.post("/login", data={"token": f"pns_{number}"}).status_code for number in range(12)]
    assert statuses == [401] * RateLimit.SIGN_INS_PER_MINUTE + [429] * 2
    assert client.get("/login").status_code == 200


async def _nothing(*_: Any) -> None:
    """An application that answers nothing."""


def test_the_allowance_comes_back_with_time_and_is_each_client_s_own() -> None:
    now = [0.0]
    guard = RateLimit(_nothing, per_minute=60, clock=lambda: now[0])
    assert [guard._admits(("a", False), 60) for _ in range(61)] == [True] * 60 + [False]
    assert guard._admits(("b", False), 60)
    now[0] += 2
    assert [guard._admits(("a", False), 60) for _ in range(3)] == [True, True, False]


def test_a_body_that_announces_too_much_is_not_read(make_site: Any) -> None:
    client = make_site(max_upload_mb=1).client()
    answer = client.post("/api/v1/images", files={"file": ("big.dcm", b"0" * 2**21)})
    assert (answer.status_code, answer.json()["detail"]) == (413, "expected at most 1 MiB, found more")


def test_a_body_that_announces_nothing_is_cut_off_at_the_limit(make_site: Any) -> None:
    sent = [0]

    def body() -> Any:
        head = b'--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for part in (head, *[b"0" * 2**18] * 40):
            sent[0] += len(part)
            yield part

    client = make_site(max_upload_mb=1).client()
    kind = {"content-type": "multipart/form-data; boundary=x"}
    assert client.post("/api/v1/images", content=body(), headers=kind).status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/images/..%2f..%2fqueue.db/pixels",
        "/images/-1",
    ],
)
def test_no_address_leads_out_of_what_is_served(site: Any, path: str) -> None:
    assert site.client().get(path).status_code in (404, 422)


def test_a_path_in_the_database_does_not_lead_out_of_the_spool(site: Any) -> None:
    image = site.image()
    with site.store.writing() as connection:
        connection.execute(tables.images.update().values(file="../../../etc/passwd"))
    answer = site.client(raise_server_exceptions=False).get(f"/images/{image.id}/pixels")
    assert answer.status_code == 500
    assert b"root:" not in answer.content


@pytest.mark.req("REQ-SV-07")
def test_who_saw_an_image_is_in_the_audit_log(guarded: Any) -> None:
    image = guarded.image(heat=True)
    client = guarded.client(guarded.token(Role.VIEWER, "Dr. A"))
    for path in ("", "/pixels", "/heat"):
        client.get(f"/images/{image.id}{path}")
    entries = people.audit_entries(guarded.store, limit=10)
    assert [(one.person, one.action, one.object) for one in reversed(entries)] == [
        ("Dr. A", action, image.uid) for action in ("view", "pixels", "heat")
    ]
    assert entries[0].address == "testclient"


@pytest.mark.req("REQ-SV-07")
def test_nothing_is_shown_that_could_not_be_audited(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    image = site.image()
    with site.store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE audit")
    for path in (f"/images/{image.id}", f"/images/{image.id}/pixels", f"/api/v1/images/{image.id}", "/"):
        answer = site.client().get(path)
        assert answer.status_code == 503, path
        assert image.uid not in answer.text


@pytest.mark.parametrize("statement", ["UPDATE audit SET person = 'x'", "DELETE FROM audit"])
def test_the_audit_log_cannot_be_changed(site: Any, statement: str) -> None:
    site.client().get("/")
    with pytest.raises(DatabaseError, match="append-only"), site.store.engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert len(people.audit_entries(site.store, limit=5)) == 1


def test_a_page_that_refreshes_itself_does_not_flood_the_audit_log(site: Any, clock: Any) -> None:
    client = site.client()
    for _ in range(10):
        clock.now += 5
        client.get("/")
    assert len(people.audit_entries(site.store, limit=50)) == 1
    clock.now += 601
    client.get("/")
    assert len(people.audit_entries(site.store, limit=50)) == 2
