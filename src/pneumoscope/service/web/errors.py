"""Errors as answers: a page for people, `application/problem+json` (RFC 9457) for programs; nothing of a patient."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from pneumoscope.core import ArtifactError, CapacityError, ConfigError, InputError, PneumoscopeError, RemoteError
from pneumoscope.service.web.rendering import render


class NotFoundError(InputError):
    """There is nothing of that number here."""


_STATUS: tuple[tuple[type[PneumoscopeError], int], ...] = (
    (NotFoundError, 404),
    (InputError, 422),
    (CapacityError, 507),
    (RemoteError, 502),
    (ConfigError, 500),
    (ArtifactError, 500),
)
_IN_WORDS = {
    400: "The request cannot be understood",
    401: "Please sign in",
    403: "Not allowed",
    404: "Not found",
    405: "Not possible here",
    409: "Not possible now",
    413: "Too large",
    422: "The request cannot be processed",
    429: "Too many requests",
    500: "Internal error",
    502: "Another system did not answer",
    503: "Temporarily unavailable",
    507: "The disk is nearly full",
}


def status_of(error: PneumoscopeError) -> int:
    """Return the HTTP status of an error of ours: 404 and 422 their input, 507 our disk, 502 a peer, 500 our files."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def answer(scope: Scope, *, status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return the error as a page where the client is a browser that navigates, else as problem JSON."""
    title = _IN_WORDS.get(status, HTTPStatus(status).phrase)
    if wants_page(scope):
        page = render("error.html", scope=scope, title=title, detail=detail, status=status)
        return Response(page, status_code=status, media_type="text/html", headers=dict(headers or {}))
    problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JSONResponse(problem, status_code=status, media_type="application/problem+json", headers=dict(headers or {}))


async def refuse(
    scope: Scope, receive: Receive, send: Send, *, status: int, detail: str, headers: Mapping[str, str] | None = None
) -> None:
    """Answer with the error, from outside of any route."""
    await answer(scope, status=status, detail=detail, headers=headers)(scope, receive, send)


def wants_page(scope: Scope) -> bool:
    """Return whether the client is a person's browser that opens a page."""
    accept = Headers(scope=scope).get("accept", "")
    return "text/html" in accept and not scope["path"].startswith(("/api/", "/dicom-web"))
