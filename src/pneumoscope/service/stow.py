"""STOW-RS: DICOM objects by HTTP, into the same inbox as C-STORE. The web application mounts it at /dicom-web."""

import re
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from pneumoscope.core import CapacityError, InputError
from pneumoscope.service.inbox import OUT_OF_RESOURCES, Inbox, named_in, status_of
from pneumoscope.service.log import hashed, logger
from pneumoscope.service.store import Route

CALLER = "STOW-RS"
"""What stands for the calling AE title in rules."""

_JSON = "application/dicom+json"
_REFERENCED, _FAILED, _OTHER_FAILURES = "00081199", "00081198", "0008119A"
_FAILURE_REASON = "00081197"


def router(inbox: Inbox) -> APIRouter:
    """`POST /studies` and `POST /studies/{uid}` (PS3.18 10.5); 200 all kept, 202 some, 409 none, 507 no room.

    Success is answered for an object only when it is safe on disk and in the queue. Of the others each is named with
    its reason, as far as it says what it is (PS3.18 Annex I).
    """
    routes = APIRouter(tags=["DICOMweb"])

    @routes.post("/studies", summary="Store instances (STOW-RS)")
    async def store(request: Request) -> JSONResponse:
        return await _stored(request, inbox=inbox, study_uid=None)

    @routes.post("/studies/{study_uid}", summary="Store instances of one study (STOW-RS)")
    async def store_in_study(request: Request, study_uid: str) -> JSONResponse:
        return await _stored(request, inbox=inbox, study_uid=study_uid)

    return routes


async def _stored(request: Request, *, inbox: Inbox, study_uid: str | None) -> JSONResponse:
    kind = request.headers.get("content-type", "")
    boundary = re.search(r'boundary="?([^";,]+)"?', kind)
    if "multipart/related" not in kind.lower() or boundary is None or "application/dicom+" in kind.lower():
        detail = 'expected multipart/related; type="application/dicom"; boundary=..., found another content type'
        return JSONResponse({"detail": detail}, status_code=415)
    body = await request.body()
    return await run_in_threadpool(_take_all, body, boundary[1].encode(), inbox, study_uid)


def _take_all(body: bytes, boundary: bytes, inbox: Inbox, study_uid: str | None) -> JSONResponse:
    kept: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    unnamed: list[dict[str, Any]] = []
    reasons: set[int] = set()
    for part in parts_of(body, boundary):
        try:
            receipt = inbox.take(part, caller=CALLER, route=Route.STOW, study_uid=study_uid)
        except (InputError, CapacityError) as error:
            reasons.add(reason := status_of(error))
            logger.warning("refused", route="stow", status=f"{reason:04X}", reason=str(error))
            why = {_FAILURE_REASON: {"vr": "US", "Value": [reason]}}
            if (name := named_in(part)) is not None:
                failed.append(_reference(*name) | why)
            else:
                unnamed.append(why)
        else:
            logger.info("received", study=hashed(receipt.study_uid), route="stow", new=receipt.new)
            kept.append(_reference(receipt.sop_class, receipt.uid))
    sequences = {_REFERENCED: kept, _FAILED: failed, _OTHER_FAILURES: unnamed}
    answer = {tag: {"vr": "SQ", "Value": items} for tag, items in sequences.items() if items}
    return JSONResponse(answer, status_code=_status(any_kept=bool(kept), reasons=reasons), media_type=_JSON)


def parts_of(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """The content of each part of a multipart body (RFC 2046, 5.1.1)."""
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:]:
        if part.startswith(b"--"):
            return
        _, separator, content = part.partition(b"\r\n\r\n")
        if separator:
            yield content


def _status(*, any_kept: bool, reasons: set[int]) -> int:
    if not reasons:
        return 200 if any_kept else 400
    if any_kept:
        return 202
    return 507 if reasons == {OUT_OF_RESOURCES} else 409


def _reference(sop_class: str, uid: str) -> dict[str, Any]:
    return {"00081150": {"vr": "UI", "Value": [sop_class]}, "00081155": {"vr": "UI", "Value": [uid]}}
