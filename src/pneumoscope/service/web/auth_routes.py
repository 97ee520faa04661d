"""Routes that sign people in and out."""

import secrets
from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Scope

from pneumoscope.service.web.access import cookie_name, is_https, keep_session
from pneumoscope.service.web.context import Context, context_of
from pneumoscope.service.web.errors import NotFoundError
from pneumoscope.service.web.oidc import CALLBACK, NotVouchedError, Provider, state_of
from pneumoscope.service.web.rendering import render

router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

Parts = Annotated[Context, Depends(context_of)]


@router.get("/login")
def show_login(request: Request, parts: Parts, to: str = "/") -> str:
    """Render the sign-in form."""
    return _form(request, parts, to=to)


@router.post("/login")
def sign_in(
    request: Request,
    parts: Parts,
    token: Annotated[str, Form(max_length=200)],
    to: Annotated[str, Form(max_length=200)] = "/",
) -> Response:
    """Open a session for an access token."""
    session = parts.accounts.sign_in(token.strip()) if parts.accounts else None
    user = parts.accounts.by_session(session) if parts.accounts and session else None
    parts.note_as(request, user.name if user else "nobody", "sign-in" if user else "sign-in refused")
    if session is None:
        page = _form(request, parts, to=to, wrong="This token is not known, or it was revoked.")
        return HTMLResponse(page, status_code=401)
    answer = RedirectResponse(_local(to), status_code=303)
    keep_session(answer, session, scope=request.scope)
    return answer


@router.get("/login/oidc")
def begin_oidc(request: Request, parts: Parts, to: str = "/") -> Response:
    """Redirect to the identity provider; a cookie keeps the secret that the browser must come back with."""
    secret = secrets.token_urlsafe(32)
    answer = RedirectResponse(_provider(parts).address(secret), status_code=303)
    name, value, secure = _oidc_cookie(request.scope), f"{secret}.{quote(_local(to))}", is_https(request.scope)
    answer.set_cookie(name, value, max_age=600, secure=secure, httponly=True, samesite="lax")
    return answer


@router.get(CALLBACK)
def end_oidc(request: Request, parts: Parts, code: str = "", state: str = "", iss: str | None = None) -> Response:
    """Open a session for a person whom the identity provider vouches for."""
    cookie = _oidc_cookie(request.scope)
    secret, _, to = request.cookies.get(cookie, "").partition(".")
    try:
        session = _admit(parts, code, secret=secret, state=state, iss=iss)
    except NotVouchedError as error:
        parts.note_as(request, "nobody", "sign-in refused")
        answer: Response = HTMLResponse(_form(request, parts, to=unquote(to), wrong=str(error)), status_code=401)
    else:
        user = parts.accounts.by_session(session) if parts.accounts else None
        parts.note_as(request, user.name if user else "nobody", "sign-in")
        answer = RedirectResponse(_local(unquote(to)), status_code=303)
        keep_session(answer, session, scope=request.scope)
    answer.delete_cookie(cookie, secure=is_https(request.scope), httponly=True, samesite="lax")
    return answer


@router.post("/logout")
def sign_out(request: Request, parts: Parts) -> Response:
    """End the session."""
    name = cookie_name(request.scope)
    parts.note(request, "sign-out")
    if parts.accounts and (session := request.cookies.get(name)):
        parts.accounts.sign_out(session)
    answer = RedirectResponse("/login", status_code=303)
    answer.delete_cookie(name, path="/", secure=is_https(request.scope), httponly=True, samesite="lax")
    return answer


def _local(path: str) -> str:
    """Return the path if it stays on this site, else the worklist's: sign-in never leads to another site."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"


def _form(request: Request, parts: Context, *, to: str, wrong: str = "") -> str:
    label = parts.config.oidc.label if parts.provider else None
    return render("login.html", scope=request.scope, to=_local(to), wrong=wrong, label=label)


def _provider(parts: Context) -> Provider:
    if parts.provider is None:
        raise NotFoundError("expected oidc in the configuration, found none")
    return parts.provider


def _admit(parts: Context, code: str, *, secret: str, state: str, iss: str | None) -> str:
    """Return a new session's secret.

    Raises:
        NotVouchedError: This is not the end of a sign-in that began in this browser, or the person may not come in.
        RemoteError: The provider cannot be asked.

    Source:
        RFC 6749, section 10.12 (`state`); RFC 9207 (`iss`).
    """
    provider = _provider(parts)
    if not secret or not secrets.compare_digest(state.encode(), state_of(secret).encode()):
        raise NotVouchedError("sign-in: expected one that began in this browser, found none; please begin again")
    if not code or iss not in (None, parts.config.oidc.issuer):
        raise NotVouchedError("identity provider: expected it to vouch for you, found that it did not")
    person = provider.person(code, secret=secret)
    session = parts.accounts.admit(person.key, name=person.name, role=person.role) if parts.accounts else None
    if session is None:
        raise NotVouchedError("account: expected one that may come in, found it revoked")
    return session


def _oidc_cookie(scope: Scope) -> str:
    """Return the name of the cookie with a sign-in's secret."""
    return f"{cookie_name(scope)}-oidc"
