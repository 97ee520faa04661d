"""`[web]` and `[oidc]`: the page, and who may see it."""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from pneumoscope.service.config.rules import require, require_pair, require_secret, secret


class Column(StrEnum):
    """What of an image's header the worklist may show; patient attributes only where a site asks for them."""

    CALLER = "caller"
    MODALITY = "modality"
    STUDY_DATE = "study_date"
    ACCESSION = "accession"
    PATIENT_ID = "patient_id"
    PATIENT_NAME = "patient_name"


class SignIn(StrEnum):
    """Who must sign in: everyone, nobody (on loopback only), or `auto`: nobody on loopback, everyone elsewhere."""

    ALWAYS = "always"
    NEVER = "never"
    AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """The page, REST, and DICOMweb STOW at /dicom-web.

    Attributes:
        sign_in: Who must sign in; beyond loopback and behind a trusted proxy always everyone.
        trusted_proxies: IP addresses or networks of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto count.
        columns: What of the header the worklist shows.
        requests_per_minute: Limit for one client address; DICOMweb is not counted.
        tls_certificate: PEM file; with `tls_key` the page is served by HTTPS.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    max_upload_mb: int = 512
    sign_in: SignIn = SignIn.ALWAYS
    trusted_proxies: tuple[str, ...] = ()
    columns: tuple[Column, ...] = (Column.CALLER, Column.STUDY_DATE)
    requests_per_minute: int = 1200
    tls_certificate: Path | None = None
    tls_key: Path | None = None

    def __post_init__(self) -> None:
        require(0 <= self.port <= 65535, "web.port", expected="0 to 65535", found=self.port)
        for name in ("max_upload_mb", "requests_per_minute"):
            require(getattr(self, name) > 0, f"web.{name}", expected="1 or more", found=getattr(self, name))
        require_pair(self.tls_certificate, self.tls_key, where="web")
        for proxy in self.trusted_proxies:
            where, expected = "web.trusted_proxies", "IP addresses or networks such as 10.0.0.0/8"
            require(_is_network(proxy), where, expected=expected, found=repr(proxy))
        if self.sign_in is SignIn.NEVER:
            where = 'web.sign_in = "never"'
            require(self.is_loopback, where, expected="a loopback address in web.host", found=self.host)
            require(not self.trusted_proxies, where, expected="no web.trusted_proxies", found="some")

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the page."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    @property
    def requires_sign_in(self) -> bool:
        """Whether everyone must sign in."""
        if self.sign_in is SignIn.AUTO:
            return not self.is_loopback or bool(self.trusted_proxies)
        return self.sign_in is SignIn.ALWAYS


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcConfig:
    """Sign-in with the accounts of the site's identity provider (OpenID Connect), beside access tokens.

    Attributes:
        issuer: The provider's address; None: nobody signs in this way.
        client_id: Under which the provider knows this node.
        client_secret_env: Environment variable with the client's secret; None: the provider wants none.
        url: The page's own address as browsers see it; the provider must allow `URL/login/oidc/callback`.
        role_claim: Claim of the ID token that lists a person's roles or groups; dots lead into nested claims.
        viewers: Values of it that make a viewer.
        admins: Values of it that make an admin.
        name_claim: Claim that names a person in the audit log.
        label: What the button says that it signs in with.
        tls_ca: PEM file of who signed the provider's certificate; None: the system's.
    """

    issuer: str | None = None
    client_id: str = ""
    client_secret_env: str | None = None
    url: str = ""
    scopes: tuple[str, ...] = ("openid", "profile")
    role_claim: str = "groups"
    viewers: tuple[str, ...] = ()
    admins: tuple[str, ...] = ()
    name_claim: str = "preferred_username"
    label: str = "your hospital account"
    tls_ca: Path | None = None
    timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if self.issuer is None:
            return
        for name, address in (("issuer", self.issuer), ("url", self.url)):
            parts = urlsplit(address)
            local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
            require(parts.scheme == "https" or local, f"oidc.{name}", expected="an https URL", found=address or "none")
        require(bool(self.client_id), "oidc.client_id", expected="the node's name at the provider", found="none")
        require("openid" in self.scopes, "oidc.scopes", expected="openid among them", found=", ".join(self.scopes))
        roles = self.viewers + self.admins
        require(bool(roles), "oidc.viewers, oidc.admins", expected="someone who may come in", found="nobody")
        require_secret(self.client_secret_env, where="oidc.client_secret_env")

    @property
    def client_secret(self) -> str | None:
        """The client's secret, from the environment."""
        return secret(self.client_secret_env)
