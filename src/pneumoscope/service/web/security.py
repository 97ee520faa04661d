"""Guards around all routes, as plain ASGI: what a request must satisfy, and headers of every answer.

Each class wraps the next application; `create_app` puts them around all routes, DICOMweb included, so that a new
route cannot forget one.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pneumoscope.service.web.errors import refuse
from pneumoscope.service.web.oidc import CALLBACK

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
# W3C Content Security Policy Level 3. No inline script or style anywhere, nothing from elsewhere, no framing.
_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; img-src 'self'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not `no-referrer`: browsers then send `Origin: null` with our own forms (Fetch, section 3.2).
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "cache-control": "no-store",
}
_CACHED = "/static/"


class Guard(ABC):
    """An ASGI application around another one; it handles HTTP requests and passes everything else on."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle HTTP requests, pass everything else on."""
        await (self._handle if scope["type"] == "http" else self.app)(scope, receive, send)

    @abstractmethod
    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on to `self.app`."""


class SecurityHeaders(Guard):
    """Add the security headers to every answer; only our own static files may be cached."""

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                if scope["path"].startswith(_CACHED):
                    headers["cache-control"] = "no-cache"
                if scope["scheme"] == "https":
                    headers["strict-transport-security"] = "max-age=31536000"
            await send(message)

        await self.app(scope, receive, with_headers)


class LoopbackHost(Guard):
    """Refuse a request whose Host is not this machine.

    A page that needs no sign-in on loopback would otherwise be open to any web site that has its own name resolve
    to 127.0.0.1 (DNS rebinding).
    """

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _without_port(Headers(scope=scope).get("host", "")) not in _LOOPBACK_NAMES:
            await refuse(scope, receive, send, status=400, detail="Host: expected this machine, found another name")
            return
        await self.app(scope, receive, send)


class SameOrigin(Guard):
    """Refuse what another site made a browser send (CSRF).

    A browser says where a request comes from in `Sec-Fetch-Site`, older ones and plain HTTP in `Origin`. Programs
    send neither and no cookie; a session's cookie without either is refused.

    Source:
        W3C Fetch Metadata Request Headers, section 2.3; OWASP CSRF Prevention Cheat Sheet, "Fetch Metadata headers".
    """

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in SAFE_METHODS and not _is_own(Headers(scope=scope)):
            detail = "this request came from another site; reload the page and try again"
            await refuse(scope, receive, send, status=403, detail=detail)
            return
        await self.app(scope, receive, send)


class BodyLimit(Guard):
    """Refuse a body larger than `limit_bytes`, by the announced length and by the bytes that come."""

    def __init__(self, app: ASGIApp, *, limit_bytes: int) -> None:
        super().__init__(app)
        self._limit_bytes = limit_bytes

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced) > self._limit_bytes:
            await self._refuse(scope, receive, send)
            return
        received, exceeded, started = 0, False, False

        async def counted() -> Message:
            nonlocal received, exceeded
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit_bytes:
                exceeded = True
                raise _TooLargeError
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            if exceeded and not started:
                return  # what reads the body may have made an answer of its own of the error
            started = True
            await send(message)

        with suppress(_TooLargeError):
            await self.app(scope, counted, noted)
        if exceeded and not started:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        detail = f"expected at most {self._limit_bytes // 2**20} MiB, found more"
        await refuse(scope, receive, send, status=413, detail=detail)


class _TooLargeError(Exception):
    """More bytes came than are allowed."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class RateLimit(Guard):
    """Refuse a client that sends more requests than `per_minute`, and far fewer sign-ins.

    A token bucket for each address, in this process; DICOMweb is left out, since a router sends as fast as it can
    and the spool's high-water mark answers it.
    """

    SIGN_INS_PER_MINUTE = 10
    _MOST_CLIENTS = 10_000

    def __init__(self, app: ASGIApp, *, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(app)
        self._per_minute = per_minute
        self._clock = clock
        self._buckets: dict[tuple[str, bool], _Bucket] = {}

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith("/dicom-web"):
            signs_in = (scope["method"], scope["path"]) in (("POST", "/login"), ("GET", CALLBACK))
            address = scope["client"][0] if scope.get("client") else "unknown"
            if not self._admits((address, signs_in), self.SIGN_INS_PER_MINUTE if signs_in else self._per_minute):
                detail = "too many requests; wait a minute"
                await refuse(scope, receive, send, status=429, detail=detail, headers={"retry-after": "60"})
                return
        await self.app(scope, receive, send)

    def _admits(self, client: tuple[str, bool], per_minute: int) -> bool:
        now = self._clock()
        if len(self._buckets) >= self._MOST_CLIENTS:
            self._buckets = {key: one for key, one in self._buckets.items() if now - one.at < 60}
        bucket = self._buckets.setdefault(client, _Bucket(per_minute, now))
        bucket.tokens = min(per_minute, bucket.tokens + (now - bucket.at) * per_minute / 60)
        bucket.at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True


def _is_own(headers: Headers) -> bool:
    """Return whether a request that changes something comes from our own page, or from a program."""
    if site := headers.get("sec-fetch-site"):
        return site == "same-origin"
    if origin := headers.get("origin"):
        return origin.split("://", 1)[-1] == headers.get("host")
    return "cookie" not in headers


def _without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name.lower() if name and port.isdecimal() else host.lower()
