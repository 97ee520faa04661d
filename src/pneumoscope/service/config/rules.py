"""Checks that several tables of `node.toml` share."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from pneumoscope.core import ConfigError

_LONGEST_AE_TITLE = 16  # PS3.5 Table 6.2-1, AE


def require(holds: bool, where: str, *, expected: str, found: object) -> None:
    """Raise `ConfigError` unless the condition is true."""
    if not holds:
        raise ConfigError(f"{where}: expected {expected}, found {found}")


def require_ae_title(title: str, *, where: str) -> None:
    """Raise `ConfigError` unless this is an AE title."""
    fits = title.strip() != "" and len(title) <= _LONGEST_AE_TITLE and title.isascii() and title.isprintable()
    require(
        fits and "\\" not in title,
        f"{where}: AE title",
        expected=f"1 to {_LONGEST_AE_TITLE} printable ASCII characters",
        found=repr(title),
    )


def require_pair(certificate: object, key: object, *, where: str) -> None:
    """Raise `ConfigError` where only one of certificate and key is given."""
    names = f"{where}.tls_certificate, {where}.tls_key"
    require((certificate is None) == (key is None), names, expected="both or neither", found="one of them")


_WEB = ("http", "https")


def require_address(address: str | None, *, where: str, schemes: tuple[str, ...] = _WEB) -> None:
    """Raise `ConfigError` unless this is an absolute URL of such a scheme that can be called, or None.

    The message does not repeat the address: its path or user part may hold a secret.
    """
    if address is None:
        return
    reason = _fault_of(address, schemes)
    require(reason is None, where, expected=f"an {' or '.join(schemes)} URL with a host", found=reason)


def _fault_of(address: str, schemes: tuple[str, ...]) -> str | None:
    """Return what is wrong with a URL, without quoting it; None where nothing is."""
    if any(character.isspace() or not character.isprintable() for character in address):
        return "white space or control characters in it"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
        httpx.URL(address)
    except (ValueError, httpx.InvalidURL) as error:
        return f"a malformed one ({type(error).__name__})"
    if parts.scheme not in schemes:
        return f"the scheme {parts.scheme!r}" if parts.scheme else "no scheme"
    if not host:
        return "no host"
    return "port 0" if port == 0 else None


def masked(address: str) -> str:
    """Return the URL for logs and pages: scheme, host and port; path, query, user and password hidden."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        place = f"[{host}]" if ":" in host else host
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "***"
    hidden = "/***" if parts.path.strip("/") or parts.query else ""
    return f"{parts.scheme}://{place}{port}{hidden}"


def secret(name: str | None) -> str | None:
    """Return the secret in the environment variable of that name; None where no name is given."""
    value = os.environ.get(name) if name else None
    return value.strip() if value else value


def require_secret(name: str | None, *, where: str) -> None:
    """Raise `ConfigError` unless the environment has the variable, with a value that a header can carry."""
    if not name:
        return
    require(name in os.environ, where, expected=f"the environment variable {name}", found="none")
    value = secret(name) or ""
    fits = value.isascii() and value.isprintable() and value != ""
    require(fits, where, expected=f"printable ASCII characters in {name}", found="others, or none")


def require_readable(path: Path | None, *, where: str) -> None:
    """Raise `ConfigError` where a file is named that cannot be opened."""
    if path is None:
        return
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise ConfigError(f"{where}: expected a file that can be read, found {path}: {error.strerror}") from error
