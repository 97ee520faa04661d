"""What the worklist is made of: a few columns of many images, and all columns of those on one page."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import select

from pneumoscope.service.store import tables
from pneumoscope.service.store.database import Store, record_of
from pneumoscope.service.store.records import Image, Result

_feedback, _images, _results = tables.feedback, tables.images, tables.results


class Entry(NamedTuple):
    """An image as far as counting and ordering need it; `status` and the numbers are None while it waits."""

    image_id: int
    study_uid: str
    received_at: float
    state: str
    status: str | None
    probability: float | None
    threshold: float | None
    uncertain: bool | None


@dataclass(frozen=True, slots=True)
class PatientResult:
    """An analysed image of a patient, as the comparison with later ones needs it; the study date may be empty."""

    image_id: int
    study_uid: str
    patient_id: str
    patient_name: str
    study_date: str
    received_at: float
    model_sha256: str
    probability: float


def newest_entries(store: Store, *, limit: int) -> list[Entry]:
    """Return the images that were received last, newest first."""
    found = (_results.c.status, _results.c.probability, _results.c.threshold, _results.c.uncertain)
    query = (
        select(_images.c.id, _images.c.study_uid, _images.c.received_at, _images.c.state, *found)
        .outerjoin(_results, _results.c.image_id == _images.c.id)
        .order_by(_images.c.id.desc())
        .limit(limit)
    )
    with store.reading() as connection:
        return [Entry._make(row) for row in connection.execute(query).all()]


def reviewed_studies(store: Store, *, from_image_id: int) -> set[str]:
    """Return the studies on whose images, from that row number on, a person gave feedback."""
    query = (
        select(_images.c.study_uid)
        .join(_feedback, _feedback.c.image_uid == _images.c.uid)
        .where(_images.c.id >= from_image_id)
        .distinct()
    )
    with store.reading() as connection:
        return set(connection.scalars(query))


def of_images(store: Store, image_ids: Collection[int]) -> dict[int, tuple[Image, Result | None]]:
    """Return these images with their results, by row number."""
    with store.reading() as connection:
        rows = connection.execute(select(_images).where(_images.c.id.in_(image_ids)))
        images = [record_of(Image, row) for row in rows]
        rows = connection.execute(select(_results).where(_results.c.image_id.in_(image_ids)))
        results = {row.image_id: record_of(Result, row) for row in rows}
    return {image.id: (image, results.get(image.id)) for image in images}


def of_patients(store: Store, patient_ids: Collection[str]) -> list[PatientResult]:
    """Return the analysed images under these Patient IDs, in the order in which they came; none for an empty one."""
    image = (_images.c.id, _images.c.study_uid, _images.c.patient_id, _images.c.patient_name, _images.c.study_date)
    query = (
        select(*image, _images.c.received_at, _results.c.model_sha256, _results.c.probability)
        .join(_results, _results.c.image_id == _images.c.id)
        .where(_images.c.patient_id.in_({one for one in patient_ids if one}), _results.c.probability.is_not(None))
        .order_by(_images.c.id)
    )
    with store.reading() as connection:
        return [PatientResult(*row) for row in connection.execute(query)]
