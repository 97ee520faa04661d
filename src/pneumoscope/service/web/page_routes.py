"""Routes of the pages that people open, and of the forms on them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from pneumoscope.core import InputError
from pneumoscope.results import HEAT_MEANING
from pneumoscope.service.monitoring import EventKind, newest_events, report_of
from pneumoscope.service.store import deliveries, people, results
from pneumoscope.service.triage import latency
from pneumoscope.service.web.access import admin_of, person_of
from pneumoscope.service.web.charts import control_chart, histogram, number
from pneumoscope.service.web.context import Context, context_of
from pneumoscope.service.web.destinations import destinations
from pneumoscope.service.web.rendering import render
from pneumoscope.service.web.settings import sections
from pneumoscope.service.web.study import image_page
from pneumoscope.service.web.wording import COLUMNS, KINDS, OBJECTS, STATES
from pneumoscope.service.web.worklist import Order, worklist

router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False, dependencies=[Depends(person_of)])

Parts = Annotated[Context, Depends(context_of)]
AUDIT_PAGE = 200
_KEYS = (
    ("+ −", "zoom"),
    ("0 1", "fit, one to one"),
    ("← → ↑ ↓", "move"),
    ("[ ]", "level"),
    (", .", "width"),
    ("i", "invert"),
    ("h", "heat map"),
    ("m", "boxes"),
    ("r", "reset"),
    ("Shift + drag, wheel", "move, zoom"),
)


@router.get("/")
def show_worklist(
    request: Request,
    parts: Parts,
    order: Order = Order.FIRST,
    show: str | None = None,
    page: Annotated[int, Query(ge=1, le=1000)] = 1,
) -> str:
    """Render the worklist."""
    claim, columns = parts.config.reading.claim, parts.config.web.columns
    parts.note_now_and_then(request, "worklist")
    found = worklist(parts.store, claim=claim, columns=columns, order=order, show=show, page=page)
    return render(
        "worklist.html",
        scope=request.scope,
        list=found,
        kinds=KINDS,
        states=STATES,
        columns=COLUMNS,
        triage=claim.orders_worklist,
        silent=parts.config.reading.silent,
        node=parts.config.node,
    )


@router.get("/images/{image_id}")
def show_image(request: Request, parts: Parts, image_id: int) -> str:
    """Render the study page."""
    image = parts.image(image_id)
    parts.note(request, "view", image.uid)
    claim, columns = parts.config.reading.claim, parts.config.web.columns
    shown = image_page(parts.store, parts.spool, image=image, claim=claim, columns=columns)
    return render(
        "image.html",
        scope=request.scope,
        shown=shown,
        states=STATES,
        heat_meaning=HEAT_MEANING,
        keys=[key for key in _KEYS if shown.has_heat or key[0] not in "hm"],
    )


@router.post("/images/{image_id}/feedback")
def say_opinion(
    request: Request,
    parts: Parts,
    image_id: int,
    answer: Annotated[Literal["agree", "disagree"], Form()],
    comment: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Keep agree or disagree, and go back to the study."""
    parts.feedback(request, image_id, agrees=answer == "agree", comment=comment)
    return RedirectResponse(f"/images/{image_id}", status_code=303)


@router.get("/upload", dependencies=[Depends(admin_of)])
def show_upload(request: Request, parts: Parts) -> str:
    """Render the upload page."""
    return render(
        "upload.html",
        scope=request.scope,
        limit_mb=parts.config.web.max_upload_mb,
        destinations=[one.name for one in parts.config.destination],
        silent=parts.config.reading.silent,
    )


@router.get("/monitoring")
def show_monitoring(request: Request, parts: Parts) -> str:
    """Render charts, self-test and agreement."""
    seconds = results.times_to_result(parts.store, since=parts.store.now() - 86_400)
    return render(
        "monitoring.html",
        scope=request.scope,
        report=report_of(parts.store, parts.config, parts.artifact),
        test=next(iter(newest_events(parts.store, kind=EventKind.SELF_TEST, limit=1)), None),
        events=newest_events(parts.store, limit=25),
        latency=latency(seconds),
        model=parts.artifact.identity,
        point=parts.config.reading.operating_point,
        batch=parts.config.monitoring.batch,
        webhook=parts.config.monitoring.webhook,
        histogram=histogram,
        control_chart=control_chart,
        number=number,
    )


@router.get("/deliveries")
def show_deliveries(request: Request, parts: Parts) -> str:
    """Render destinations and dead letters."""
    return render(
        "deliveries.html",
        scope=request.scope,
        destinations=destinations(parts.store, parts.config),
        letters=deliveries.dead_letters(parts.store),
        objects=OBJECTS,
    )


@router.post("/deliveries/{delivery_id}/{what}", dependencies=[Depends(admin_of)])
def settle_letter(request: Request, parts: Parts, delivery_id: int, what: Literal["replay", "discard"]) -> Response:
    """Send a dead letter again, or discard it."""
    parts.note(request, what, f"delivery {delivery_id}")
    done = {"replay": deliveries.replay, "discard": deliveries.discard}[what](parts.store, delivery_id)
    if not done:
        raise InputError(f"delivery: expected a dead letter, found none with {delivery_id}")
    return RedirectResponse("/deliveries", status_code=303)


@router.get("/settings")
def show_settings(request: Request, parts: Parts) -> str:
    """Render the configuration in force, and the model."""
    return render("settings.html", scope=request.scope, sections=sections(parts.config, parts.artifact))


@router.get("/audit", dependencies=[Depends(admin_of)])
def show_audit(request: Request, parts: Parts, page: Annotated[int, Query(ge=1, le=100_000)] = 1) -> str:
    """Render the audit log, newest first."""
    parts.note(request, "audit")
    entries = people.audit_entries(parts.store, limit=AUDIT_PAGE + 1, offset=(page - 1) * AUDIT_PAGE)
    return render(
        "audit.html", scope=request.scope, entries=entries[:AUDIT_PAGE], page=page, more=len(entries) > AUDIT_PAGE
    )
