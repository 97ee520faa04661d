"""Rows as frozen records; times are seconds since 1970, UTC."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where an image is on its way. `DONE`, `REFUSED` and `FAILED` are final: nothing is left to do."""

    RECEIVED = "received"
    READING = "reading"
    DELIVERING = "delivering"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


FINAL_STATE = {"analysed": State.DONE, "refused": State.REFUSED, "failed": State.FAILED}
"""State in which an image ends, by its result's status."""


class DeliveryState(StrEnum):
    """Where a delivery is. `DEAD` waits for a person, who replays or discards it."""

    WAITING = "waiting"
    SENDING = "sending"
    DONE = "done"
    DEAD = "dead"
    DISCARDED = "discarded"


class Route(StrEnum):
    """How an image came."""

    C_STORE = "c-store"
    STOW = "stow"
    WATCH = "watch"
    UPLOAD = "upload"


class What(StrEnum):
    """What a delivery carries."""

    SR = "sr"
    SC = "sc"
    GSPS = "gsps"
    NOT_ANALYSED = "not-analysed"
    IMAGE_RESULT = "image-result"
    STUDY_RESULT = "study-result"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An object that is safely in the spool and shall be queued; patient attributes are empty where unknown.

    Attributes:
        caller: Calling AE title, or what stands for it on the other routes.
        file: Path within the spool.
        sha256: Digest of the data set, without the file meta information that senders write differently.
    """

    uid: str
    study_uid: str
    series_uid: str
    sop_class: str
    syntax: str
    caller: str
    route: Route
    patient_id: str
    patient_name: str
    accession: str
    study_date: str
    modality: str
    file: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image in the queue.

    Attributes:
        file: Path within the spool; None once retention has deleted it.
        attempts: Times that reading was begun and did not end in order: the process ended, or the reader failed.
        error: Why the image waits, where reading was interrupted; empty otherwise.
        resent: Times that another object came under this UID; the first one was kept.
        settled_at: When nothing was left to do.
    """

    id: int
    uid: str
    study_uid: str
    series_uid: str
    sop_class: str
    syntax: str
    caller: str
    route: Route
    patient_id: str
    patient_name: str
    accession: str
    study_date: str
    modality: str
    file: str | None
    size_bytes: int
    sha256: str
    state: State
    attempts: int
    error: str
    resent: int
    received_at: float
    settled_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What reading said of one image; the columns repeat what lists and monitoring sort by.

    Attributes:
        line: The line of `results.jsonl` as JSON.
        pixel_mean: Mean of the grey values in [0, 1], so `pixel_deviation`; None where not readable.
        distance: Distance of the embedding from the training images, as the model's guard measures it.
        folder: Folder of the result's files within the spool; None where there are none.
    """

    image_id: int
    study_uid: str
    status: str
    view: str | None
    probability: float | None
    threshold: float | None
    operating_point: str | None
    positive: bool | None
    uncertain: bool | None
    model_sha256: str
    age_years: float | None
    pixel_mean: float | None
    pixel_deviation: float | None
    distance: float | None
    line: str
    folder: str | None
    read_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A study, and its result once it is complete."""

    uid: str
    first_received_at: float
    last_received_at: float
    triggered: bool
    completed_at: float | None
    completed_by: str | None
    line: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """An object to deliver; `object` is its UID, or what else makes it one of a kind at the destination.

    Attributes:
        sha256: Digest of the file when it was written; empty where unknown.
    """

    destination: str
    object: str
    what: What
    image_id: int | None
    study_uid: str
    file: str
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A parcel on its way."""

    id: int
    destination: str
    object: str
    what: What
    image_id: int | None
    study_uid: str
    file: str
    sha256: str
    state: DeliveryState
    attempts: int
    not_before: float
    error: str
    created_at: float
    first_tried_at: float | None
    settled_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What a person said of a result."""

    id: int
    image_uid: str
    study_uid: str
    person: str
    agrees: bool
    comment: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who did what to which object, from where."""

    id: int
    at: float
    person: str
    address: str
    action: str
    object: str
