"""STOW-RS: DICOM objects by HTTP, into the same inbox as C-STORE. The web application mounts it at /dicom-web."""

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from pneumoscope.core import CapacityError, InputError
from pneumoscope.service.content import Content
from pneumoscope.service.heads import named_in
from pneumoscope.service.inbox import OUT_OF_RESOURCES, Inbox, status_of
from pneumoscope.service.log import hashed, logger
from pneumoscope.service.multipart import Inflate, Parts, media_type
from pneumoscope.service.store import Route

CALLER = "STOW-RS"
"""What stands for the calling AE title in rules."""

RETRY_AFTER_S = 30
"""When a client may try again what there was no room for."""

_JSON = "application/dicom+json"
_REFERENCED, _FAILED, _OTHER_FAILURES = "00081199", "00081198", "0008119A"
_FAILURE_REASON, _ERROR_COMMENT = "00081197", "00000902"
_EXPECTED = 'expected multipart/related; type="application/dicom"; boundary=...'


def router(inbox: Inbox) -> APIRouter:
    """Return `POST /studies` and `POST /studies/{uid}` (PS3.18 10.5).

    200 all kept, 202 some, 409 none, 503 no room now. Success is answered for an object only when it is safe on disk
    and in the queue. Of the others each is named with its reason, as far as it says what it is (PS3.18 Annex I). The
    body goes to the spool while it arrives.
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
    kind, parameters = media_type(request.headers.get("content-type", ""))
    wanted = parameters.get("type", "application/dicom").lower()
    boundary = parameters.get("boundary", "")
    if kind != "multipart/related" or wanted != "application/dicom" or not boundary:
        found = "no boundary" if kind == "multipart/related" and not boundary else f"{kind or 'none'} of {wanted}"
        return _refused(f"content type: {_EXPECTED}, found {found}", status=415)
    try:
        inflate = Inflate(request.headers.get("content-encoding", ""))
    except InputError as error:
        return _refused(str(error), status=415)
    answer = _Answer(inbox, study_uid=study_uid)
    parts = Parts(boundary, open_part=answer.open_part, close_part=answer.close_part)
    try:
        return await _received(request.stream(), inflate=inflate, parts=parts, answer=answer)
    finally:
        await run_in_threadpool(answer.discard)


async def _received(body: AsyncIterator[bytes], *, inflate: Inflate, parts: Parts, answer: "_Answer") -> JSONResponse:
    """Take the body in, piece by piece, in a thread that may wait for the disk."""

    def feed(data: bytes) -> None:
        for piece in inflate.pieces(data):
            parts.feed(piece)

    try:
        async for data in body:
            await run_in_threadpool(feed, data)
    except InputError as error:
        answer.refuse_rest(str(error))
        return answer.response()
    if not parts.is_complete:
        answer.refuse_rest("body: expected a closing boundary, found it cut off")
    return answer.response()


class _Answer:
    """What becomes of each part."""

    def __init__(self, inbox: Inbox, *, study_uid: str | None) -> None:
        self._inbox = inbox
        self._study_uid = study_uid
        self._open: Content | None = None
        self._kept: list[dict[str, Any]] = []
        self._failed: list[dict[str, Any]] = []
        self._unnamed: list[dict[str, Any]] = []
        self._reasons: set[int] = set()
        self._words: list[str] = []

    def open_part(self) -> Content:
        """Return where the next part's bytes go."""
        self._open = self._inbox.new_content()
        return self._open

    def close_part(self, _sink: object) -> None:
        """Accept or refuse the part that is whole now."""
        content = self._open
        assert content is not None, "a part was open"
        try:
            receipt = self._inbox.take_content(content, caller=CALLER, route=Route.STOW, study_uid=self._study_uid)
        except (InputError, CapacityError) as error:
            self._refuse(content, error)
        else:
            logger.info("received", study=hashed(receipt.study_uid), route="stow", new=receipt.new)
            self._kept.append(_reference(receipt.sop_class, receipt.uid))
        finally:
            self.discard()

    def discard(self) -> None:
        """Forget the bytes of a part that did not end."""
        if self._open is not None:
            self._open.discard()
            self._open = None

    def refuse_rest(self, words: str) -> None:
        """Note that the body broke off or makes no sense from here on: the part that is open is not accepted."""
        self._reasons.add(0xC000)
        self._words.append(words)
        self._unnamed.append(_why(0xC000, words))
        logger.warning("refused", route="stow", status="C000", reason=words)

    def _refuse(self, content: Content, error: InputError | CapacityError) -> None:
        reason, words = status_of(error), str(error)
        self._reasons.add(reason)
        self._words.append(words)
        logger.warning("refused", route="stow", status=f"{reason:04X}", reason=words)
        if isinstance(error, InputError):
            self._inbox.note_refusal(error, caller=CALLER)
        with content.view() as view:
            name = named_in(view)
        if name is not None:
            self._failed.append(_reference(*name) | _why(reason, words))
        else:
            self._unnamed.append(_why(reason, words))

    def response(self) -> JSONResponse:
        """Return the answer (PS3.18 10.5.3.2); where nothing was kept, `detail` says why in words too."""
        sequences = {_REFERENCED: self._kept, _FAILED: self._failed, _OTHER_FAILURES: self._unnamed}
        answer: dict[str, Any] = {tag: {"vr": "SQ", "Value": items} for tag, items in sequences.items() if items}
        if not answer:
            return _refused("body: expected at least one part, found none", status=400)
        full = self._reasons == {OUT_OF_RESOURCES} and not self._kept
        status = 202 if self._kept and self._reasons else 200 if self._kept else 503 if full else self._none_kept()
        headers = {"Retry-After": str(RETRY_AFTER_S)} if OUT_OF_RESOURCES in self._reasons else None
        return JSONResponse(answer, status_code=status, media_type=_JSON, headers=headers)

    def _none_kept(self) -> int:
        """Return 400 where the body itself was wrong, 409 where its objects were."""
        return 400 if all(words.startswith("body:") for words in self._words) else 409


def _refused(detail: str, *, status: int) -> JSONResponse:
    logger.warning("refused", route="stow", status=str(status), reason=detail)
    return JSONResponse({"detail": detail}, status_code=status)


def _why(reason: int, words: str) -> dict[str, Any]:
    """Return the failure reason, and Error Comment with it in words."""
    return {
        _FAILURE_REASON: {"vr": "US", "Value": [reason]},
        _ERROR_COMMENT: {"vr": "LO", "Value": [words.encode("ascii", "replace").decode()[:64].replace("\\", "/")]},
    }


def _reference(sop_class: str, uid: str) -> dict[str, Any]:
    return {"00081150": {"vr": "UI", "Value": [sop_class]}, "00081155": {"vr": "UI", "Value": [uid]}}
