"""Routes of the REST interface, described by OpenAPI at /openapi.json."""

from typing import Annotated

from fastapi import APIRouter, Depends, File, Query, Request, UploadFile

from pneumoscope.core import InputError
from pneumoscope.service.store import people, results
from pneumoscope.service.web.access import admin_of, person_of, sender_of
from pneumoscope.service.web.context import Context, context_of
from pneumoscope.service.web.schema import (
    FeedbackAnswer,
    FeedbackQuestion,
    ImageAnswer,
    ProblemAnswer,
    StudyAnswer,
    UploadAnswer,
    UploadedAnswer,
    WorklistAnswer,
    image_answer,
    prior_answer,
)
from pneumoscope.service.web.summaries import summary_of
from pneumoscope.service.web.upload import take
from pneumoscope.service.web.worklist import Order, worklist

_PROBLEMS = {
    status: {"model": ProblemAnswer, "description": words}
    for status, words in (
        (401, "No token or session"),
        (403, "Another role is needed"),
        (404, "No such image"),
        (422, "What came cannot be used"),
        (429, "Too many requests"),
    )
}
_PREFIX = "/api/v1"
router = APIRouter(prefix=_PREFIX, responses=_PROBLEMS, dependencies=[Depends(person_of)])  # type: ignore[arg-type]
uploads = APIRouter(prefix=_PREFIX, responses=_PROBLEMS, dependencies=[Depends(sender_of)])  # type: ignore[arg-type]

Parts = Annotated[Context, Depends(context_of)]


@router.get("/worklist", tags=["results"])
def get_worklist(
    request: Request,
    parts: Parts,
    order: Order = Order.FIRST,
    show: str | None = None,
    page: Annotated[int, Query(ge=1, le=1000)] = 1,
) -> WorklistAnswer:
    """List studies: in reading order under a triage claim, newest first otherwise."""
    parts.note_now_and_then(request, "worklist")
    found = worklist(parts.store, claim=parts.config.reading.claim, order=order, show=show, page=page)
    return WorklistAnswer(
        order=found.order.value,
        counts=found.counts,
        page=found.page,
        pages=found.pages,
        studies=[
            StudyAnswer(
                rank=row.rank,
                reviewed=row.reviewed,
                deciding=image_answer(row.deciding),
                others=[other.image.id for other in row.others],
                prior=prior_answer(row.prior),
            )
            for row in found.rows
        ],
    )


@router.get("/images/{image_id}", tags=["results"])
def get_image(request: Request, parts: Parts, image_id: int) -> ImageAnswer:
    """Return one image's result; `waiting` until it is read."""
    image = parts.image(image_id)
    parts.note(request, "view", image.uid)
    return image_answer(summary_of(image, results.of_image(parts.store, image_id)))


@uploads.post(
    "/images",
    tags=["upload"],
    status_code=202,
    responses={413: _PROBLEMS[422] | {"description": "Too large"}, 507: _PROBLEMS[422] | {"description": "Disk full"}},
)
def post_image(request: Request, parts: Parts, file: Annotated[UploadFile, File()]) -> UploadAnswer:
    """Take a DICOM, PNG or JPEG file, or a zip of them; 202 means that each image listed is safely queued."""
    parts.note(request, "upload")  # before, so that nothing comes in unnoted; below, what it was
    taken = take(parts.inbox, file.file, store=parts.store)
    for image, _ in taken.images:
        parts.note(request, "upload", image.uid)
    if not taken.images:
        raise InputError("; ".join(taken.problems) or "upload: expected at least one image, found none")
    answered = [UploadedAnswer(id=image.id, known=known) for image, known in taken.images]
    return UploadAnswer(images=answered, problems=list(taken.problems))


@router.post("/images/{image_id}/feedback", tags=["feedback"], status_code=201)
def post_feedback(request: Request, parts: Parts, image_id: int, question: FeedbackQuestion) -> None:
    """Keep agree or disagree; earlier feedback stays."""
    parts.feedback(request, image_id, agrees=question.agrees, comment=question.comment)


@router.get("/feedback", tags=["feedback"], dependencies=[Depends(admin_of)])
def get_feedback(request: Request, parts: Parts, since: float = 0.0) -> list[FeedbackAnswer]:
    """Return all feedback since that moment (seconds since 1970), oldest first, for monitoring elsewhere."""
    parts.note(request, "feedback export")
    return [
        FeedbackAnswer(
            sop_instance_uid=one.image_uid,
            study_instance_uid=one.study_uid,
            person=one.person,
            agrees=one.agrees,
            comment=one.comment,
            at=one.at,
        )
        for one in people.feedback_since(parts.store, since)
    ]
