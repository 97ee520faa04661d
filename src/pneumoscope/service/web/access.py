"""Authentication by bearer token (programs) or session cookie (people); without either, only sign-in is open."""

from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request, cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pneumoscope.service.web.accounts import LOCAL, LONGEST_S, Accounts, Role, User
from pneumoscope.service.web.errors import refuse, wants_page
from pneumoscope.service.web.oidc import CALLBACK
from pneumoscope.service.web.security import Guard

_OPEN = ("/login", "/login/oidc", CALLBACK, "/healthz", "/readyz")
_OPEN_BELOW = "/static/"


class Authentication(Guard):
    """Let a request through with its user in `scope["state"]["user"]`; the default for any path is to refuse.

    Where `accounts` is None nobody has to sign in: the page listens on loopback only.
    """

    def __init__(self, app: ASGIApp, *, accounts: Accounts | None) -> None:
        super().__init__(app)
        self._accounts = accounts

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        user = await self._user(scope)
        scope.setdefault("state", {})["user"] = user
        path = scope["path"]
        if user is not None or path in _OPEN or path.startswith(_OPEN_BELOW):
            await self.app(scope, receive, send)
        elif wants_page(scope) and scope["method"] == "GET":
            await RedirectResponse(f"/login?to={quote(path)}", status_code=303)(scope, receive, send)
        else:
            detail = "expected `Authorization: Bearer TOKEN` or a session, found neither, or an ended one"
            bearer = {"www-authenticate": "Bearer"}
            await refuse(scope, receive, send, status=401, detail=detail, headers=bearer)

    async def _user(self, scope: Scope) -> User | None:
        if self._accounts is None:
            return LOCAL
        headers = Headers(scope=scope)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return await run_in_threadpool(self._accounts.by_token, token.strip())
        if session := cookie_parser(headers.get("cookie", "")).get(cookie_name(scope)):
            return await run_in_threadpool(self._accounts.by_session, session)
        return None


def is_https(scope: Scope) -> bool:
    """Return whether the browser speaks HTTPS, with this node or with a trusted proxy before it."""
    return bool(scope["scheme"] == "https")


def cookie_name(scope: Scope) -> str:
    """Return the session cookie's name; a browser takes `__Host-` only with Secure, from this host, for all of it.

    Source:
        RFC 6265bis, section 4.1.3.2.
    """
    return "__Host-pneumoscope" if is_https(scope) else "pneumoscope"


def keep_session(answer: Response, session: str, *, scope: Scope) -> None:
    """Set the session cookie, which scripts never see.

    SameSite is Lax, so that a link in the RIS opens a study; what changes anything is guarded by `SameOrigin`.
    """
    secure = is_https(scope)
    answer.set_cookie(
        cookie_name(scope), session, max_age=int(LONGEST_S), path="/", secure=secure, httponly=True, samesite="lax"
    )


def user_of(request: Request) -> User:
    """Return the request's user; a dependency of routes."""
    user: User = request.state.user
    return user


def person_of(request: Request) -> User:
    """Return the request's user, who must not be a machine; guards whatever shows results."""
    return _require(user_of(request), Role.VIEWER, Role.ADMIN)


def admin_of(request: Request) -> User:
    """Return the request's user, who must be an admin."""
    return _require(user_of(request), Role.ADMIN)


def sender_of(request: Request) -> User:
    """Return the request's user, who must be allowed to send images."""
    return _require(user_of(request), Role.MACHINE, Role.ADMIN)


def _require(user: User, *roles: Role) -> User:
    if user.role not in roles:
        raise HTTPException(403, f"expected the role {' or '.join(roles)}, found {user.role}")
    return user
