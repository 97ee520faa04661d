"""Requests and answers of the REST interface, as OpenAPI describes them; nothing in them names a patient."""

from typing import Literal

from pydantic import BaseModel, Field

from pneumoscope.service.web.priors import Prior
from pneumoscope.service.web.summaries import CheckRow, ImageSummary


class CheckAnswer(BaseModel):
    """One check: what was expected and what was found."""

    check: str
    outcome: Literal["passed", "failed", "not available"]
    expected: str
    found: str


class DecisionAnswer(BaseModel):
    """What the model says: calibrated probability against a threshold."""

    probability: float = Field(ge=0, le=1)
    threshold: float = Field(ge=0, le=1)
    operating_point: str
    positive: bool = Field(description="The probability reaches the threshold.")
    uncertain: bool = Field(description="A person decides: both answers are plausible, or none.")


class ModelAnswer(BaseModel):
    """Which model gave a result."""

    name: str
    version: str
    sha256: str


class ImageAnswer(BaseModel):
    """An image and what was found; `refused` and `failed` are never a negative."""

    id: int = Field(description="The number that every address here uses.")
    sop_instance_uid: str
    study_instance_uid: str
    state: Literal["received", "reading", "delivering", "done", "refused", "failed"]
    result: Literal["suspicious", "uncertain", "clear", "waiting", "refused", "failed"]
    words: str = Field(description="The result as a person is told it.")
    decision: DecisionAnswer | None
    view: str | None
    population: str = Field(description="Whose rule read the image, and why that one; empty where not analysed.")
    reasons: list[CheckAnswer] = Field(description="Every check that failed.")
    checks: list[CheckAnswer]
    model: ModelAnswer | None
    received_at: float = Field(description="Seconds since 1970, UTC.")
    read_at: float | None


class PriorAnswer(BaseModel):
    """The patient's last earlier study with a result."""

    id: int = Field(description="Number of its most suspicious image.")
    probability: float = Field(ge=0, le=1)
    change: float | None = Field(description="Probability now minus then; null where another model read the prior.")


class StudyAnswer(BaseModel):
    """A study in the worklist."""

    rank: int | None = Field(description="Place in the reading order, from 1; null without a triage claim.")
    reviewed: bool = Field(description="A person agreed or disagreed with a result.")
    deciding: ImageAnswer = Field(description="The image that decides what is said of the study.")
    others: list[int] = Field(description="Numbers of its other images.")
    prior: PriorAnswer | None = Field(description="Null where the patient has no earlier result here.")


class WorklistAnswer(BaseModel):
    """One page of the worklist."""

    order: Literal["first", "newest"]
    counts: dict[str, int] = Field(description="Studies by result.")
    page: int
    pages: int
    studies: list[StudyAnswer]


class UploadedAnswer(BaseModel):
    """An image that is safely in the queue."""

    id: int
    known: bool = Field(description="An object of this UID was here already; it was kept.")


class UploadAnswer(BaseModel):
    """What became of an uploaded file: one image, or several of a zip archive."""

    images: list[UploadedAnswer]
    problems: list[str] = Field(description="What could not be taken, and why.")


class FeedbackQuestion(BaseModel):
    """What a person says of a result."""

    agrees: bool
    comment: str = Field(default="", max_length=2000, description="No patient names, please.")


class FeedbackAnswer(BaseModel):
    """What a person said of a result."""

    sop_instance_uid: str
    study_instance_uid: str
    person: str
    agrees: bool
    comment: str
    at: float


class HealthAnswer(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class ReadyAnswer(BaseModel):
    """Whether images would be taken and read now; each check says `ok` or what is wrong."""

    ready: bool
    checks: dict[str, str]


class ProblemAnswer(BaseModel):
    """An error, as RFC 9457 puts it."""

    type: str
    title: str
    status: int
    detail: str


def image_answer(one: ImageSummary) -> ImageAnswer:
    """Return the image and its result as the interface describes it."""
    decision, (name, version, sha256) = one.decision, one.model
    return ImageAnswer(
        id=one.image.id,
        sop_instance_uid=one.image.uid,
        study_instance_uid=one.image.study_uid,
        state=one.image.state.value,
        result=one.kind,  # type: ignore[arg-type]  # pydantic checks it
        words=one.words,
        decision=None
        if decision is None
        else DecisionAnswer(
            probability=decision.probability,
            threshold=decision.threshold,
            operating_point=decision.operating_point,
            positive=decision.positive,
            uncertain=decision.uncertain,
        ),
        view=one.view,
        population=one.population,
        reasons=[_check(check) for check in one.reasons],
        checks=[_check(check) for check in one.checks],
        model=ModelAnswer(name=name, version=version, sha256=sha256) if name else None,
        received_at=one.image.received_at,
        read_at=one.read_at,
    )


def prior_answer(prior: Prior | None) -> PriorAnswer | None:
    """Return the prior as the interface describes it."""
    if prior is None:
        return None
    return PriorAnswer(id=prior.image_id, probability=prior.probability, change=prior.change)


def _check(row: CheckRow) -> CheckAnswer:
    return CheckAnswer(check=row.name, outcome=row.outcome, expected=row.expected, found=row.found)  # type: ignore[arg-type]
