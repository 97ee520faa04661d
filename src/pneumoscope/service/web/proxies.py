"""Reverse proxies: whose address a request has, and requests that must not come through one."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from pneumoscope.service.log import logger
from pneumoscope.service.web.errors import refuse
from pneumoscope.service.web.security import Guard

_BY_PROXIES = frozenset({"forwarded", "via", "x-real-ip"})
_BY_PROXIES_PREFIX = "x-forwarded-"


class TrustedProxies(Guard):
    """Take the client's address and the scheme from headers of the configured proxies, and from nobody else's.

    Only X-Forwarded-For and X-Forwarded-Proto count. A proxy that sets these may pass on a client's `Forwarded`
    (RFC 7239) unchanged, so that one cannot be trusted beside them.
    """

    def __init__(self, app: ASGIApp, *, proxies: Sequence[str]) -> None:
        super().__init__(app)
        self._networks = tuple(ip_network(one) for one in proxies)
        self._has_warned = False

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        peer, headers = scope.get("client"), Headers(scope=scope)
        if peer and self._trusts(peer[0]):
            entries = [one for line in headers.getlist("x-forwarded-for") for one in line.split(",")]
            scheme = ",".join(headers.getlist("x-forwarded-proto")).rpartition(",")[2].strip().lower()
            scope["client"] = (self._client(peer[0], entries), peer[1])
            scope["scheme"] = scheme if scheme in ("http", "https") else scope["scheme"]
        elif not self._has_warned and "x-forwarded-for" in headers:
            self._has_warned = True
            logger.warning("X-Forwarded-For ignored: its sender is not in web.trusted_proxies")
        await self.app(scope, receive, send)

    def _client(self, peer: str, entries: Sequence[str]) -> str:
        """Return the last address that a trusted proxy vouches for; what stands before it may be forged."""
        address = peer
        for entry in reversed(entries):
            found = _address(entry)
            if found is None or not self._trusts(address):
                break
            address = str(found)
        return address

    def _trusts(self, address: str) -> bool:
        found = _address(address)
        return found is not None and any(found in network for network in self._networks)


class DirectOnly(Guard):
    """Refuse what a proxy passed on: where nobody signs in, everyone behind the proxy would be an administrator."""

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _has_proxy_headers(Headers(scope=scope).keys()):
            detail = 'expected a request from this machine, found one from a proxy; set web.sign_in = "always"'
            await refuse(scope, receive, send, status=403, detail=detail)
            return
        await self.app(scope, receive, send)


def _has_proxy_headers(names: Iterable[str]) -> bool:
    return any(name in _BY_PROXIES or name.startswith(_BY_PROXIES_PREFIX) for name in names)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the IP address in a header's entry, with or without a port; None where there is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
