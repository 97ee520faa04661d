"""STOW-RS: DICOM objects by HTTP, into the same inbox as C-STORE. The web application mounts it at /dicom-web."""

import re
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from pneumoscope.core import CapacityError, InputError
from pneumoscope.service.inbox import Inbox, Receipt
from pneumoscope.service.log import hashed, logger
from pneumoscope.service.store import Route

CALLER = "STOW-RS"
"""What stands for the calling AE title in rules."""

_JSON = "application/dicom+json"
_OUT_OF_RESOURCES, _CANNOT_UNDERSTAND, _COERCED = 0xA700, 0xC000, 0xB000


def router(inbox: Inbox) -> APIRouter:
    """`POST /studies` and `POST /studies/{uid}` (PS3.18 10.5); 200 all kept, 202 some, 409 none, 507 no room.

    Success is answered for an object only when it is safe on disk and in the queue.
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
    for part in parts_of(body, boundary):
        try:
            receipt = inbox.take(part, caller=CALLER, route=Route.STOW, study_uid=study_uid)
        except (InputError, CapacityError) as error:
            reason = _OUT_OF_RESOURCES if isinstance(error, CapacityError) else _CANNOT_UNDERSTAND
            logger.warning("refused", route="stow", status=f"{reason:04X}", reason=str(error))
            failed.append({"00081197": {"vr": "US", "Value": [reason]}})
        else:
            logger.info("received", study=hashed(receipt.study_uid), route="stow", new=receipt.new)
            kept.append(_reference(receipt))
    answer: dict[str, Any] = {}
    if kept:
        answer["00081199"] = {"vr": "SQ", "Value": kept}
    if failed:
        answer["00081198"] = {"vr": "SQ", "Value": failed}
    return JSONResponse(answer, status_code=_status(kept, failed), media_type=_JSON)


def parts_of(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """The content of each part of a multipart body (RFC 2046, 5.1.1)."""
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:]:
        if part.startswith(b"--"):
            return
        _, separator, content = part.partition(b"\r\n\r\n")
        if separator:
            yield content


def _status(kept: list[dict[str, Any]], failed: list[dict[str, Any]]) -> int:
    if not kept and not failed:
        return 400
    if not failed:
        return 200
    if kept:
        return 202
    codes = {one["00081197"]["Value"][0] for one in failed}
    return 507 if codes == {_OUT_OF_RESOURCES} else 409


def _reference(receipt: Receipt) -> dict[str, Any]:
    item: dict[str, Any] = {
        "00081150": {"vr": "UI", "Value": [receipt.sop_class]},
        "00081155": {"vr": "UI", "Value": [receipt.uid]},
    }
    if receipt.changed:
        item["00081196"] = {"vr": "US", "Value": [_COERCED]}
    return item
