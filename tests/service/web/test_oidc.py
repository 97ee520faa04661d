"""Sign-in with an identity provider: one on loopback that keeps to the standard, or does not where a test says so."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pneumoscope.service.config import OidcConfig
from pneumoscope.service.store import people
from pneumoscope.service.web import Accounts

NODE = "http://127.0.0.1:8080"


class Idp:
    """The provider; `claims` are what a test puts into the ID token in place of what is right."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.claims: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.credentials: list[str | None] = []
        self.down = False
        self.issuer = ""

    def authorize(self, address: str) -> dict[str, str]:
        """What the browser is sent back with, after the person has signed in at the address."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert urlsplit(address).path == "/authorize"
        assert (query["response_type"], query["redirect_uri"]) == ("code", f"{NODE}/login/oidc/callback")
        assert (query["code_challenge_method"], query["scope"]) == ("S256", "openid profile")
        code = f"code{len(self.codes)}"
        self.codes[code] = query
        return {"code": code, "state": query["state"], "iss": self.issuer}

    def token(self, form: dict[str, str]) -> dict[str, str] | None:
        """The answer to a code, once; None where the request is not that of who began."""
        query = self.codes.pop(form["code"], None)
        verifier = hashlib.sha256(form["code_verifier"].encode()).digest()
        if query is None or base64.urlsafe_b64encode(verifier).rstrip(b"=").decode() != query["code_challenge"]:
            return None
        right = {"iss": self.issuer, "aud": "node", "sub": "4711", "exp": self.clock() + 300, "nonce": query["nonce"]}
        claims = right | {"preferred_username": "a.meyer", "groups": ["staff", "radiology"]} | self.claims
        payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
        return {"access_token": "x", "token_type": "Bearer", "id_token": f"e30.{payload}.c2ln"}


@pytest.fixture
def idp(clock: Any) -> Iterator[Idp]:
    found = Idp(clock)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            names = {"authorization_endpoint": "authorize", "token_endpoint": "token"}
            self._answer({"issuer": found.issuer} | {key: f"{found.issuer}/{path}" for key, path in names.items()})

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            found.credentials.append(self.headers["Authorization"])
            self._answer(found.token({name: values[0] for name, values in form.items()}))

        def _answer(self, content: Any) -> None:
            body = json.dumps(content).encode()
            self.send_response(503 if found.down else 400 if content is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.issuer = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def hospital(make_site: Any, idp: Idp, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A node whose people sign in at the provider."""
    monkeypatch.setenv("CLIENT_SECRET", "s3cr:t")
    config = OidcConfig(
        issuer=idp.issuer,
        url=NODE,
        client_id="node",
        client_secret_env="CLIENT_SECRET",
        viewers=("radiology",),
        admins=("pacs-admins",),
    )
    return make_site(host="0.0.0.0", oidc=config)


def sign_in(browser: Any, idp: Idp, *, to: str = "/", **changes: str) -> Any:
    """The answer to a browser that comes back from the provider."""
    begun = browser.get("/login/oidc", params={"to": to})
    assert begun.status_code == 303
    return browser.get("/login/oidc/callback", params=idp.authorize(begun.headers["location"]) | changes)


@pytest.mark.req("REQ-SV-04")
def test_a_person_signs_in_with_the_hospital_s_account_and_lands_where_she_wanted(hospital: Any, idp: Idp) -> None:
    browser = hospital.client()
    assert "Sign in with your hospital account" in browser.get("/login").text
    answer = sign_in(browser, idp, to="/monitoring")
    assert (answer.status_code, answer.headers["location"]) == (303, "/monitoring")
    assert browser.get("/monitoring").status_code == 200
    assert browser.get("/audit").status_code == 403, "a viewer"
    assert idp.credentials == ["Basic " + base64.b64encode(b"node:s3cr%3At").decode()]
    assert list(browser.cookies.keys()) == ["pneumoscope"], "the sign-in's secret is gone"


@pytest.mark.req("REQ-SV-04")
def test_the_role_is_what_the_provider_says_now_and_the_audit_log_names_the_person(hospital: Any, idp: Idp) -> None:
    browser = hospital.client()
    idp.claims = {"groups": "pacs-admins"}
    sign_in(browser, idp)
    log = browser.get("/audit").text
    assert "a.meyer #" in log
    idp.claims = {}
    sign_in(browser, idp)
    assert browser.get("/audit").status_code == 403


def test_roles_may_lie_within_nested_claims(make_site: Any, idp: Idp) -> None:
    config = OidcConfig(
        issuer=idp.issuer, url=NODE, client_id="node", role_claim="realm_access.roles", admins=("chief",)
    )
    browser = make_site(host="0.0.0.0", oidc=config).client()
    idp.claims = {"realm_access": {"roles": ["chief"]}}
    sign_in(browser, idp)
    assert browser.get("/audit").status_code == 200
    assert idp.credentials == [None], "a client without a secret"


WRONG = [
    {"iss": "https://elsewhere.example"},
    {"aud": "another"},
    {"aud": ["node", "another"]},
    {"azp": "another"},
    {"exp": 0},
    {"exp": "soon"},
    {"nonce": "another"},
    {"sub": ""},
    {"groups": ["surgery"]},
    {"groups": None},
    {"groups": [{"radiology": 1}]},
]


@pytest.mark.parametrize("claims", WRONG, ids=str)
@pytest.mark.req("REQ-SV-04")
def test_a_token_that_is_not_for_this_sign_in_or_gives_no_role_opens_nothing(
    hospital: Any, idp: Idp, claims: dict[str, Any]
) -> None:
    browser = hospital.client()
    idp.claims = claims
    answer = sign_in(browser, idp)
    assert answer.status_code == 401
    assert 'role="alert"' in answer.text
    assert "pneumoscope" not in browser.cookies
    assert browser.get("/").status_code == 401


@pytest.mark.parametrize("changes", [{"state": "x"}, {"code": "x"}, {"code": ""}, {"iss": "https://elsewhere.example"}])
@pytest.mark.req("REQ-SV-04")
def test_a_sign_in_that_began_elsewhere_or_was_refused_opens_nothing(
    hospital: Any, idp: Idp, changes: dict[str, str]
) -> None:
    browser = hospital.client()
    assert sign_in(browser, idp, **changes).status_code == 401
    assert "pneumoscope" not in browser.cookies


@pytest.mark.req("REQ-SV-04")
def test_an_answer_of_the_provider_opens_only_the_browser_that_asked(hospital: Any, idp: Idp) -> None:
    attacker, victim = hospital.client(), hospital.client()
    answer = idp.authorize(attacker.get("/login/oidc").headers["location"])
    assert victim.get("/login/oidc/callback", params=answer).status_code == 401
    victim.get("/login/oidc")
    assert victim.get("/login/oidc/callback", params=answer).status_code == 401


def test_a_person_whom_an_admin_shut_out_stays_out(hospital: Any, idp: Idp) -> None:
    browser = hospital.client()
    sign_in(browser, idp)
    (name,) = {entry.person for entry in _audit(hospital) if entry.person.startswith("a.meyer")}
    Accounts(hospital.store).revoke(name)
    assert browser.get("/").status_code == 401, "her session ended"
    idp.claims = {"preferred_username": "b.meyer"}
    assert sign_in(browser, idp).status_code == 401, "whatever she calls herself"


def test_two_people_of_one_name_are_two(hospital: Any, idp: Idp) -> None:
    for subject in ("1", "2"):
        idp.claims = {"sub": subject}
        assert sign_in(hospital.client(), idp).status_code == 303
    assert len({entry.person for entry in _audit(hospital) if entry.action == "sign-in"}) == 2


def test_no_bearer_token_opens_a_person_s_account(hospital: Any, idp: Idp) -> None:
    sign_in(hospital.client(), idp)
    with hospital.store.engine.connect() as connection:
        (digest,) = connection.exec_driver_sql("SELECT digest FROM web_token").scalars()
    for guess in (digest, f"{idp.issuer} 4711", digest.removeprefix("oidc:")):
        assert hospital.client(guess).get("/").status_code == 401


def test_a_provider_that_is_down_is_said_and_tokens_still_sign_people_in(hospital: Any, idp: Idp) -> None:
    idp.down = True
    answer = hospital.client().get("/login/oidc", headers={"accept": "text/html"})
    assert answer.status_code == 502
    assert "Identity provider" in answer.text
    idp.down = False
    assert hospital.client().get("/login/oidc").status_code == 303, "asked again"


def test_another_issuer_s_description_is_not_believed(make_site: Any, idp: Idp) -> None:
    config = OidcConfig(issuer=f"{idp.issuer}/realm", url=NODE, client_id="node", admins=("chief",))
    assert make_site(host="0.0.0.0", oidc=config).client().get("/login/oidc").status_code == 502


def _audit(site: Any) -> Any:
    return people.audit_entries(site.store, limit=100)
