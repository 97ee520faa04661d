"""The application: routes inside, guards around them."""

from importlib.resources import files
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles

from pneumoscope import __version__
from pneumoscope.core import PneumoscopeError
from pneumoscope.model import Artifact
from pneumoscope.results import RESEARCH_USE
from pneumoscope.service import stow
from pneumoscope.service.config import ServiceConfig, WebConfig
from pneumoscope.service.inbox import Inbox
from pneumoscope.service.spool import Spool
from pneumoscope.service.store import Store
from pneumoscope.service.web import api_routes, auth_routes, health_routes, image_routes, page_routes
from pneumoscope.service.web.access import Authentication, sender_of
from pneumoscope.service.web.access_log import AccessLog
from pneumoscope.service.web.accounts import Accounts
from pneumoscope.service.web.context import Context
from pneumoscope.service.web.errors import answer, status_of
from pneumoscope.service.web.oidc import Provider
from pneumoscope.service.web.proxies import DirectOnly, TrustedProxies
from pneumoscope.service.web.security import BodyLimit, LoopbackHost, RateLimit, SameOrigin, SecurityHeaders

_DESCRIPTION = (
    f"{RESEARCH_USE}. Sign in with `Authorization: Bearer TOKEN`. Errors are `application/problem+json` (RFC 9457)."
)


_STOW = {
    status: {"description": words}
    for status, words in (
        (202, "Some objects are safe, others were refused: see the answer"),
        (400, "The body has no object"),
        (409, "No object was taken: see the answer"),
        (413, "Too large"),
        (415, "Not multipart/related; type=application/dicom"),
        (503, "No capacity now: send again after Retry-After"),
        (507, "Disk full"),
    )
}


def create_app(config: ServiceConfig, *, store: Store, spool: Spool, inbox: Inbox, artifact: Artifact) -> FastAPI:
    """Return the application with page and REST interface, to be run by uvicorn; opens no socket itself."""
    accounts = Accounts(store) if config.web.requires_sign_in else None
    app = FastAPI(
        title="Pneumoscope",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,  # these two load scripts from elsewhere
        redoc_url=None,
        middleware=_guards(config.web, accounts),
    )
    app.state.context = Context(
        config=config,
        store=store,
        spool=spool,
        inbox=inbox,
        artifact=artifact,
        accounts=accounts,
        provider=Provider(config.oidc, clock=store.now) if accounts and config.oidc.issuer else None,
    )
    for routes in (health_routes, api_routes, image_routes, auth_routes, page_routes):
        app.include_router(routes.router)
    app.include_router(api_routes.uploads)
    sends = [Depends(sender_of)]
    app.include_router(stow.router(inbox), prefix="/dicom-web", dependencies=sends, responses=_STOW)  # type: ignore[arg-type]
    app.mount("/static", StaticFiles(directory=str(files("pneumoscope.service.web") / "static")), name="static")
    _handle_errors(app)
    _describe_problems(app)
    return app


def first_token(config: ServiceConfig, store: Store) -> str | None:
    """Make an admin token where sign-in is required and nobody has one yet, to be shown once; else return None."""
    return Accounts(store).first_token() if config.web.requires_sign_in else None


def _guards(config: WebConfig, accounts: Accounts | None) -> list[Middleware]:
    """Return the guards from the outside inwards."""
    return [
        Middleware(TrustedProxies, proxies=config.trusted_proxies),
        Middleware(SecurityHeaders),
        Middleware(AccessLog),
        *([] if accounts else [Middleware(DirectOnly), Middleware(LoopbackHost)]),
        Middleware(RateLimit, per_minute=config.requests_per_minute),
        Middleware(SameOrigin),
        Middleware(Authentication, accounts=accounts),
        Middleware(BodyLimit, limit_bytes=config.max_upload_mb * 2**20),
    ]


def _describe_problems(app: FastAPI) -> None:
    """Describe our errors under the content type that they have; FastAPI describes all answers as JSON."""
    build = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            paths = build()["paths"].values()
            for answers in (one["responses"] for methods in paths for one in methods.values()):
                for content in (answer.get("content", {}) for answer in answers.values()):
                    if content.get("application/json", {}).get("schema", {}).get("$ref", "").endswith("/ProblemAnswer"):
                        content["application/problem+json"] = content.pop("application/json")
        return build()

    app.openapi = described  # type: ignore[method-assign]


def _handle_errors(app: FastAPI) -> None:
    @app.exception_handler(PneumoscopeError)
    def say_ours(request: Request, error: PneumoscopeError) -> Response:
        return answer(request.scope, status=status_of(error), detail=str(error))

    @app.exception_handler(HTTPException)
    def say_http(request: Request, error: HTTPException) -> Response:
        return answer(request.scope, status=error.status_code, detail=str(error.detail), headers=error.headers)

    @app.exception_handler(RequestValidationError)
    def say_invalid(request: Request, error: RequestValidationError) -> Response:
        # Where and why, never what came: it may be a patient's.
        problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        return answer(request.scope, status=422, detail="; ".join(problems))

    @app.exception_handler(SQLAlchemyError)
    def say_database(request: Request, error: SQLAlchemyError) -> Response:
        return answer(request.scope, status=503, detail=f"the database does not answer ({type(error).__name__})")
