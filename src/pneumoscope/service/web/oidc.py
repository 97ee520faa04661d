"""Sign-in with the site's identity provider: OpenID Connect, authorization code flow with PKCE.

The ID token comes from the token endpoint itself, over TLS that names the provider, so its signature need not be
checked (OpenID Connect Core 1.0, section 3.1.3.7, item 6); everything else that the section asks for is.
"""

import base64
import hashlib
import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from pneumoscope.core import ConfigError, InputError, RemoteError
from pneumoscope.service.config import OidcConfig
from pneumoscope.service.web.accounts import Role

CALLBACK = "/login/oidc/callback"

_SKEW_S = 60.0


class NotVouchedError(InputError):
    """The provider does not vouch for this person, or gives no role here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """For whom the provider vouches.

    Attributes:
        key: Issuer and subject, which together are never given to anyone else (Core, section 5.7).
    """

    key: str
    name: str
    role: Role


class Provider:
    """The identity provider; safe in any thread. `secret` is one sign-in's, known to its browser and to us only."""

    def __init__(self, config: OidcConfig, *, clock: Callable[[], float] = time.time) -> None:
        """Asks the provider nothing yet.

        Raises:
            ConfigError: The certificates cannot be loaded.
        """
        self._config = config
        self._clock = clock
        self._redirect = config.url.rstrip("/") + CALLBACK
        try:
            self._tls = ssl.create_default_context(cafile=config.tls_ca)
        except OSError as error:
            raise ConfigError(f"oidc.tls_ca: expected certificates, found {error}") from error

    def address(self, secret: str) -> str:
        """Return the address where the browser signs in.

        Raises:
            RemoteError: The provider cannot be asked.

        Source:
            Core, section 3.1.2.1; RFC 7636, section 4.2 (PKCE, S256).
        """
        challenge = base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self._config.client_id,
            "redirect_uri": self._redirect,
            "scope": " ".join(self._config.scopes),
            "state": state_of(secret),
            "nonce": _nonce_of(secret),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        start = str(self._endpoints["authorization_endpoint"])
        return f"{start}{'&' if '?' in start else '?'}{urlencode(query)}"

    def person(self, code: str, *, secret: str) -> Person:
        """Return who came back with this code.

        Raises:
            RemoteError: The provider cannot be asked.
            NotVouchedError: It refuses the code, its answer is not for us or not for this sign-in, or the person has
                no role here.
        """
        config = self._config
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect,
            "client_id": config.client_id,
            "code_verifier": secret,
        }
        basic = None  # RFC 6749, section 2.3.1
        if config.client_secret is not None:
            basic = httpx.BasicAuth(quote(config.client_id, safe=""), quote(config.client_secret, safe=""))
        answer = self._ask("POST", str(self._endpoints["token_endpoint"]), data=form, auth=basic)
        claims = _claims(answer.get("id_token"))
        self._require_ours(claims, nonce=_nonce_of(secret))
        return Person(
            key=f"{config.issuer} {claims['sub']}",
            name=_printable(claims.get(config.name_claim)) or _printable(claims["sub"]),
            role=self._role(claims),
        )

    def _require_ours(self, claims: Mapping[str, Any], *, nonce: str) -> None:
        """Source: Core, section 3.1.3.7, items 2 to 5, 9 and 11; section 2 for `sub`."""
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        expires, subject = claims.get("exp"), claims.get("sub")
        holds = {
            "iss": claims.get("iss") == self._config.issuer,
            "aud": self._config.client_id in audiences,
            "azp": claims.get("azp", self._config.client_id if len(audiences) == 1 else None) == self._config.client_id,
            "exp": isinstance(expires, int | float) and expires > self._clock() - _SKEW_S,
            "nonce": claims.get("nonce") == nonce,
            "sub": isinstance(subject, str) and 0 < len(subject) <= 255,
        }
        if wrong := [name for name, held in holds.items() if not held]:
            raise NotVouchedError(f"ID token: expected it to be for this sign-in, found another {', '.join(wrong)}")

    def _role(self, claims: Mapping[str, Any]) -> Role:
        found = _found(claims, self._config.role_claim)
        values = {one for one in (found if isinstance(found, list) else [found]) if isinstance(one, str)}
        for role, names in ((Role.ADMIN, self._config.admins), (Role.VIEWER, self._config.viewers)):
            if values & set(names):
                return role
        raise NotVouchedError("account: expected a group that may see this page, found none")

    @cached_property
    def _endpoints(self) -> Mapping[str, Any]:
        """Source: OpenID Connect Discovery 1.0, sections 4 and 4.3."""
        issuer = str(self._config.issuer)
        found = self._ask("GET", issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != issuer:
            raise RemoteError("identity provider: expected the issuer that oidc.issuer names, found another")
        for name in ("authorization_endpoint", "token_endpoint"):
            if not str(found.get(name, "")).startswith(issuer.split("://", 1)[0] + "://"):
                raise RemoteError(f"identity provider: expected a safe {name}, found none")
        return found

    def _ask(self, method: str, address: str, **options: Any) -> dict[str, Any]:
        try:
            with httpx.Client(verify=self._tls, timeout=self._config.timeout_s, trust_env=False) as client:
                answer = client.request(method, address, headers={"Accept": "application/json"}, **options)
                if 400 <= answer.status_code < 500 and method == "POST":
                    raise NotVouchedError("identity provider: expected it to know this sign-in, found it refused")
                found = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise RemoteError(f"identity provider: expected an answer, found {type(error).__name__}") from error
        if not isinstance(found, dict):
            raise RemoteError("identity provider: expected a JSON object, found something else")
        return found


def state_of(secret: str) -> str:
    """Return what the provider sends back with the browser: it shows that the sign-in began in this browser."""
    return hashlib.sha256(f"state {secret}".encode()).hexdigest()


def _nonce_of(secret: str) -> str:
    return hashlib.sha256(f"nonce {secret}".encode()).hexdigest()


def _claims(token: object) -> dict[str, Any]:
    """Return the claims of a signed token (RFC 7519); its signature is not checked, see above."""
    try:
        _, payload, _ = str(token).split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError as error:
        raise NotVouchedError("identity provider: expected an ID token, found none that can be read") from error
    if not isinstance(claims, dict):
        raise NotVouchedError("ID token: expected claims, found something else")
    return claims


def _found(claims: Mapping[str, Any], name: str) -> Any:
    """Return the claim of that name; else dots lead into nested claims, as in `realm_access.roles`."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _printable(value: object) -> str:
    return "".join(letter for letter in str(value or "") if letter.isprintable()).strip()
