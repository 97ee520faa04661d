"""Routes for liveness and readiness, which are open to everyone, and for metrics."""

import os
import shutil

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy.exc import SQLAlchemyError

from pneumoscope.core import CapacityError
from pneumoscope.service.monitoring import metrics
from pneumoscope.service.store import images
from pneumoscope.service.web.context import Context, context_of
from pneumoscope.service.web.schema import HealthAnswer, ReadyAnswer

router = APIRouter(tags=["operation"])


@router.get("/healthz")
def get_health() -> HealthAnswer:
    """Answer 200 while the process lives; nothing else is checked, so that an orchestrator does not restart in vain."""
    return HealthAnswer()


@router.get("/readyz", responses={503: {"model": ReadyAnswer, "description": "Not ready"}})
def get_readiness(request: Request) -> JSONResponse:
    """Answer 200 where the database answers, the spool is writable and has room; 503 and the reason otherwise."""
    parts = context_of(request)
    checks = {"database": _database(parts), "spool": _spool(parts)}
    ready = all(words == "ok" for words in checks.values())
    answer = ReadyAnswer(ready=ready, checks=checks)
    return JSONResponse(answer.model_dump(), status_code=200 if ready else 503)


@router.get("/metrics", response_class=PlainTextResponse)
def get_metrics(request: Request) -> PlainTextResponse:
    """Return Prometheus metrics; needs a token, as everything that tells of the site does."""
    parts = context_of(request)
    text = metrics(parts.store, parts.spool, parts.artifact)
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def _database(parts: Context) -> str:
    try:
        images.count_by_state(parts.store)
    except SQLAlchemyError as error:
        return f"does not answer ({type(error).__name__})"
    return "ok"


def _spool(parts: Context) -> str:
    try:
        parts.spool.require_space()
    except CapacityError:
        free_mb = shutil.disk_usage(parts.spool.root).free // 2**20 if parts.spool.root.exists() else 0
        return f"no room: {free_mb} MB free"
    return "ok" if os.access(parts.spool.root, os.W_OK) else "not writable"
