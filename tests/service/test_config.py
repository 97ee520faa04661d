from dataclasses import fields
from pathlib import Path

import pytest

from pneumoscope.core import Claim, ConfigError
from pneumoscope.service import ServiceConfig, load_config, parse_config
from pneumoscope.service.config import Destination, Kind, Send, When, masked
from pneumoscope.service.store import open_store

DOCUMENTED = """
[node]
ae_title = "PNEUMOSCOPE"
host = "127.0.0.1"
port = 11112
allowed_callers = []
[web]
host = "127.0.0.1"
port = 8080
[store]
path = "spool"
database = "sqlite:///spool/queue.db"
[reading]
operating_point = "balanced"
claim = "detection"
[[destination]]
name = "pacs"
ae_title = "ORTHANC"
host = "127.0.0.1"
port = 4242
"""


OIDC = {"issuer": "https://idp.example", "url": "https://node.example", "client_id": "node", "viewers": ["radiology"]}


def test_the_documented_file_is_what_the_defaults_say_and_a_destination(tmp_path):
    path = tmp_path / "node.toml"
    path.write_text(DOCUMENTED)
    config = load_config(path)
    default = ServiceConfig()
    assert (config.node, config.web, config.reading) == (default.node, default.web, default.reading)
    assert config.store.url == default.store.url
    assert config.reading.claim is Claim.DETECTION
    assert [one.kind for one in config.destination] == [Kind.DICOM]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"nod": {}}, "expected node, web, .*found nod"),
        ({"node": {"prot": 1}}, "node: expected ae_title, .*found prot"),
        ({"node": {"port": "104"}}, "node.port: expected a whole number, found '104'"),
        ({"node": {"port": True}}, "node.port: expected a whole number"),
        ({"node": {"port": 70000}}, "node.port: expected 0 to 65535, found 70000"),
        ({"node": {"ae_title": "A" * 17}}, "1 to 16 printable ASCII"),
        ({"node": {"ae_title": "A\\B"}}, "1 to 16 printable ASCII"),
        ({"node": {"allowed_callers": "CR1"}}, "node.allowed_callers: expected a list"),
        ({"node": {"tls_key": "k.pem"}}, "both or neither"),
        ({"reading": {"claim": "diagnosis"}}, "reading.claim: expected one of triage, detection, both"),
        ({"reading": {"claim": ["triage"]}}, "reading.claim: expected one of"),
        ({"reading": {"workers": 0}}, "reading.workers: expected 1 or more"),
        ({"study": {"complete_after_s": 0}}, "study.complete_after_s"),
        ({"destination": [{"ae_title": "A"}]}, "expected name, found none"),
        ({"destination": [{"name": "a"}]}, "expected exactly one of .*found none"),
        ({"destination": [{"name": "a", "ae_title": "A", "fhir": "http://x"}]}, "found ae_title, fhir"),
        ({"destination": [{"name": "a", "url": "ftp://x"}]}, "an http or https URL"),
        ({"destination": [{"name": "a", "url": "http://x", "objects": ["sr"]}]}, "sc beside sr or gsps"),
        ({"destination": [{"name": "a", "url": "http://x", "token_env": "NO_SUCH"}]}, "variable NO_SUCH"),
        ({"destination": [{"name": "a", "url": "http://x"}] * 2}, "each name once, found a twice"),
        ({"destination": {"name": "a"}}, "destination: expected a list"),
        ({"store": 3}, "store: expected a table"),
        ({"oidc": OIDC | {"issuer": "http://idp.example"}}, "oidc.issuer: expected an https URL"),
        ({"web": {"trusted_proxies": ["proxy"]}}, "web.trusted_proxies: expected IP addresses or networks"),
        ({"web": {"trusted_proxies": "127.0.0.1"}}, "web.trusted_proxies: expected a list"),
        ({"oidc": OIDC | {"url": ""}}, "oidc.url: expected an https URL, found none"),
        ({"oidc": OIDC | {"client_id": ""}}, "oidc.client_id"),
        ({"oidc": OIDC | {"scopes": ["profile"]}}, "openid among them, found profile"),
        ({"oidc": OIDC | {"viewers": []}}, "expected someone who may come in, found nobody"),
        ({"oidc": OIDC | {"client_secret_env": "NO_SUCH"}}, "oidc.client_secret_env: .*variable NO_SUCH"),
    ],
)
def test_what_is_unknown_or_out_of_range_is_refused_with_what_was_expected(table, words):
    with pytest.raises(ConfigError, match=words):
        parse_config(table)


@pytest.mark.parametrize(
    "address",
    [
        *("http://", "https:///x", "http://host:port/x", "http://host:70000/", "http://host:0/", "http://[::1/x"),
        *("http://ho st/", "http://host/a\nb", "host/x", "http:host", "http://exa\x7fmple/", "http://user:secret@"),
    ],
)
@pytest.mark.parametrize("key", ["url", "webhook", "fhir"])
def test_an_address_that_cannot_be_called_is_refused_at_configuration_without_quoting_it(address, key):
    with pytest.raises(ConfigError, match=f"destination 'a' {key}: expected an http or https URL") as caught:
        parse_config({"destination": [{"name": "a", key: address}]})
    assert "secret" not in str(caught.value)
    if key == "webhook":
        with pytest.raises(ConfigError, match=r"monitoring.webhook: expected an http or https URL"):
            parse_config({"monitoring": {"webhook": address}})


def test_a_token_that_no_header_can_carry_is_refused_and_a_line_end_after_it_is_dropped(monkeypatch):
    table = {"destination": [{"name": "a", "url": "http://x", "token_env": "PACS_TOKEN"}]}
    monkeypatch.setenv("PACS_TOKEN", "s3cr3t\n")
    assert parse_config(table).destination[0].token == "s3cr3t"
    monkeypatch.setenv("PACS_TOKEN", "größer")
    with pytest.raises(ConfigError, match="expected printable ASCII characters in PACS_TOKEN"):
        parse_config(table)


def test_lists_of_words_and_paths_become_what_they_stand_for():
    config = parse_config(
        {"destination": [{"name": "a", "webhook": "https://x", "results": ["uncertain"], "objects": ["sc"]}]}
    )
    (one,) = config.destination
    assert (one.results, one.objects, one.kind) == ((When.UNCERTAIN,), (Send.SC,), Kind.WEBHOOK)


def test_a_token_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("PACS_TOKEN", "s3cr3t")
    config = parse_config({"destination": [{"name": "a", "url": "http://x", "token_env": "PACS_TOKEN"}]})
    assert config.destination[0].token == "s3cr3t"
    assert "s3cr3t" not in repr(config)


def test_a_file_that_is_missing_or_no_toml_is_a_configuration_error(tmp_path):
    with pytest.raises(ConfigError, match="expected a configuration file, found No such file"):
        load_config(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("[node\n")
    with pytest.raises(ConfigError, match=r"bad.toml: expected TOML"):
        load_config(tmp_path / "bad.toml")


def test_every_key_is_in_the_reference():
    words = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "node-configuration.md").read_text()
    sections = {one.name: one for one in fields(ServiceConfig)}
    for name, section in sections.items():
        kind = Destination if name == "destination" else section.default_factory
        start = words.index(f"[{name}]")
        table = words[start : words.find("\n## ", start) if words.find("\n## ", start) > 0 else None]
        assert [one.name for one in fields(kind) if f"| `{one.name}` |" not in table] == [], name


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://hooks.example/services/T0/s3cr3t", "https://hooks.example/***"),
        ("http://user:s3cr3t@pacs:8042", "http://pacs:8042"),
        ("http://[::1]:80/?token=s3cr3t", "http://[::1]:80/***"),
        ("http://[s3cr3t", "***"),
    ],
)
def test_an_address_is_shown_without_what_may_be_a_secret(address, shown):
    assert masked(address) == shown


@pytest.mark.parametrize("url", ["postgresql+psycopg://u:s3cr3t@127.0.0.1:1/x", "no url s3cr3t", "other://u:s3cr3t@x"])
def test_a_database_that_cannot_be_opened_is_named_without_its_password(url):
    with pytest.raises(ConfigError) as caught:
        open_store(url)
    assert "s3cr3t" not in str(caught.value)
