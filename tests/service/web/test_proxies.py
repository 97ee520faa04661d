"""What a reverse proxy may say of a request, and what nobody may."""

from typing import Any

import httpx
import pytest
from tests.service.conftest import Node

from pneumoscope.service.config import SignIn
from pneumoscope.service.store import people
from pneumoscope.service.web import Accounts, Role

PROXY, FORGED, REAL = "10.0.0.1", "203.0.113.66", "192.168.7.7"
PASSED_ON = [
    {"forwarded": f"for={FORGED}"},
    {"x-forwarded-for": FORGED},
    {"X-Forwarded-Proto": "https"},
    {"x-forwarded-host": "node.example"},
    {"x-forwarded-anything": ""},
    {"x-real-ip": FORGED},
    {"via": "1.1 proxy"},
]


@pytest.mark.parametrize("headers", PASSED_ON)
@pytest.mark.parametrize("path", ["/", "/audit", "/healthz", "/dicom-web/studies", "/static/page.css"])
@pytest.mark.req("REQ-SV-04")
def test_where_nobody_signs_in_what_a_proxy_passed_on_is_refused(site: Any, headers: dict[str, str], path: str) -> None:
    answer = site.client().get(path, headers=headers)
    assert answer.status_code == 403
    assert "web.sign_in" in answer.json()["detail"]
    assert people.audit_entries(site.store, limit=5) == []


def seen_from(make_site: Any, *, peer: str, headers: Any, trusted: tuple[str, ...] = (PROXY,)) -> str:
    """The address in the audit log after a request of that peer with these headers."""
    site = make_site(sign_in=SignIn.ALWAYS, trusted_proxies=trusted)
    client = site.client(site.token(Role.ADMIN), client=(peer, 50000))
    assert client.get("/audit", headers=headers).status_code == 200
    return str(people.audit_entries(site.store, limit=1)[0].address)


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        (REAL, REAL),
        (f"{FORGED}, {REAL}", REAL),
        (f"{FORGED}, {REAL}, {PROXY}", REAL),
        (f"{REAL}:61234", REAL),
        ("[2001:db8::7]:61234", "2001:db8::7"),
        ("2001:db8::7", "2001:db8::7"),
        (f"{FORGED}, Zzyzx^Quentin", PROXY),
        ("unknown", PROXY),
        ("", PROXY),
        (PROXY, PROXY),
    ],
)
@pytest.mark.req("REQ-SV-07")
def test_a_trusted_proxy_says_who_asks_and_what_stands_before_it_is_not_believed(
    make_site: Any, forwarded: str, address: str
) -> None:
    assert seen_from(make_site, peer=PROXY, headers={"x-forwarded-for": forwarded}) == address


def test_addresses_in_several_headers_count_in_their_order(make_site: Any) -> None:
    headers = [("x-forwarded-for", FORGED), ("x-forwarded-for", REAL)]
    assert seen_from(make_site, peer=PROXY, headers=headers) == REAL


@pytest.mark.parametrize("headers", PASSED_ON)
@pytest.mark.req("REQ-SV-07")
def test_what_another_peer_says_of_itself_is_not_believed(make_site: Any, headers: dict[str, str]) -> None:
    assert seen_from(make_site, peer=REAL, headers=headers) == REAL


def test_the_header_that_a_proxy_may_pass_on_unchanged_is_not_believed(make_site: Any) -> None:
    headers = {"forwarded": f"for={FORGED}", "x-forwarded-for": REAL}
    assert seen_from(make_site, peer=PROXY, headers=headers) == REAL


@pytest.mark.parametrize("peer", ["10.200.0.1", "::ffff:10.0.0.1"])
def test_a_network_of_proxies_can_be_trusted(make_site: Any, peer: str) -> None:
    assert seen_from(make_site, peer=peer, headers={"x-forwarded-for": REAL}, trusted=("10.0.0.0/8",)) == REAL


@pytest.mark.parametrize(
    ("peer", "proto", "is_secure"), [(PROXY, "https", True), (PROXY, "http", False), (REAL, "https", False)]
)
@pytest.mark.req("REQ-SV-04")
def test_the_session_cookie_is_secure_behind_a_proxy_that_speaks_https(
    make_site: Any, peer: str, proto: str, is_secure: bool
) -> None:
    site = make_site(sign_in=SignIn.ALWAYS, trusted_proxies=(PROXY,))
    client = site.client(client=(peer, 50000), base_url="http://node.example")
    client.headers["x-forwarded-proto"] = proto
    answer = client.post("/login", data={"token": site.token(Role.VIEWER)})
    cookie = answer.headers["set-cookie"]
    assert ("Secure" in cookie, cookie.startswith("__Host-")) == (is_secure, is_secure)
    assert ("strict-transport-security" in answer.headers) is is_secure
    session = cookie.partition(";")[0]
    assert client.get("/", headers={"cookie": session}).status_code == 200


def test_a_guesser_of_tokens_behind_a_proxy_does_not_lock_out_others(make_site: Any) -> None:
    site = make_site(sign_in=SignIn.ALWAYS, trusted_proxies=(PROXY,))
    client = site.client(client=(PROXY, 50000))

    def guess(address: str) -> int:
        return int(client.post("/login", data={"token": "x"}, headers={"x-forwarded-for": address}).status_code)

    assert [guess(f"{FORGED}, {REAL}") for _ in range(11)] == [401] * 10 + [429]
    assert guess("192.168.7.8") == 401


@pytest.mark.req("REQ-SV-07")
def test_a_forged_address_reaches_neither_the_audit_log_nor_a_running_node(start_node: Any) -> None:
    node: Node = start_node(web={"sign_in": "always"})
    token = Accounts(node.store).add("Dr. A", Role.ADMIN)
    headers = {"authorization": f"Bearer {token}", "x-forwarded-for": FORGED, "forwarded": f"for={FORGED}"}
    answer = httpx.get(f"http://127.0.0.1:{node.web_port}/audit", headers=headers, trust_env=False)
    assert answer.status_code == 200
    assert FORGED not in answer.text
    assert {one.address for one in people.audit_entries(node.store, limit=9)} == {"127.0.0.1"}
