"""Signing in and out."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from pneumoscope.service.web.access import cookie_name, keep_session
from pneumoscope.service.web.context import Context, context_of
from pneumoscope.service.web.rendering import render

router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

Parts = Annotated[Context, Depends(context_of)]


@router.get("/login")
def show_login(request: Request, to: str = "/") -> str:
    """The door."""
    return render("login.html", scope=request.scope, to=_local(to), wrong=False)


@router.post("/login")
def sign_in(
    request: Request,
    parts: Parts,
    token: Annotated[str, Form(max_length=200)],
    to: Annotated[str, Form(max_length=200)] = "/",
) -> Response:
    """Opens a session."""
    session = parts.accounts.sign_in(token.strip()) if parts.accounts else None
    user = parts.accounts.by_session(session) if parts.accounts and session else None
    parts.note_as(request, user.name if user else "nobody", "sign-in" if user else "sign-in refused")
    if session is None:
        page = render("login.html", scope=request.scope, to=_local(to), wrong=True)
        return HTMLResponse(page, status_code=401)
    answer = RedirectResponse(_local(to), status_code=303)
    keep_session(answer, session, tls=parts.tls)
    return answer


@router.post("/logout")
def sign_out(request: Request, parts: Parts) -> Response:
    """Ends the session."""
    name = cookie_name(tls=parts.tls)
    parts.note(request, "sign-out")
    if parts.accounts and (session := request.cookies.get(name)):
        parts.accounts.sign_out(session)
    answer = RedirectResponse("/login", status_code=303)
    answer.delete_cookie(name, path="/", secure=parts.tls, httponly=True, samesite="lax")
    return answer


def _local(path: str) -> str:
    """The path if it stays here; the worklist otherwise: signing in never leads to another site."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"
