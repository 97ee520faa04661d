"""What several tables of `node.toml` ask of their values."""

import os

from pneumoscope.core import ConfigError

_LONGEST_AE_TITLE = 16  # PS3.5 Table 6.2-1, AE


def require(holds: bool, where: str, *, expected: str, found: object) -> None:
    """Returns where it holds.

    Raises:
        ConfigError: It does not.
    """
    if not holds:
        raise ConfigError(f"{where}: expected {expected}, found {found}")


def require_ae_title(title: str, *, where: str) -> None:
    """Returns where this is an AE title.

    Raises:
        ConfigError: It is not.
    """
    fits = title.strip() != "" and len(title) <= _LONGEST_AE_TITLE and title.isascii() and title.isprintable()
    require(
        fits and "\\" not in title,
        f"{where}: AE title",
        expected=f"1 to {_LONGEST_AE_TITLE} printable ASCII characters",
        found=repr(title),
    )


def require_pair(certificate: object, key: object, *, where: str) -> None:
    """Returns where certificate and key are both there, or neither.

    Raises:
        ConfigError: One of them is.
    """
    names = f"{where}.tls_certificate, {where}.tls_key"
    require((certificate is None) == (key is None), names, expected="both or neither", found="one of them")


def require_address(address: str, *, where: str) -> None:
    """Returns where this is an address of the web.

    Raises:
        ConfigError: It is not.
    """
    require(address.startswith(("http://", "https://")), where, expected="an http or https URL", found=address)


def secret(name: str | None) -> str | None:
    """The secret in the environment variable of that name; None where no name is given."""
    return os.environ.get(name) if name else None


def require_secret(name: str | None, *, where: str) -> None:
    """Returns where the environment has the variable, or no name is given.

    Raises:
        ConfigError: It has not.
    """
    require(not name or name in os.environ, where, expected=f"the environment variable {name}", found="none")
