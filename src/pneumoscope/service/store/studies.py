"""Studies: when one counts as complete, and its result."""

from collections.abc import Sequence

from sqlalchemy import func, or_, select, update

from pneumoscope.service.store import deliveries, tables
from pneumoscope.service.store.database import Store, record_of
from pneumoscope.service.store.records import Parcel, Study

_images, _results, _studies = tables.images, tables.results, tables.studies


def find(store: Store, uid: str) -> Study | None:
    """Return the study of that Study Instance UID."""
    with store.reading() as connection:
        row = connection.execute(select(_studies).where(_studies.c.uid == uid)).first()
    return record_of(Study, row) if row else None


def trigger(store: Store, uids: Sequence[str]) -> None:
    """Note that a sender said these studies are complete."""
    with store.writing() as connection:
        connection.execute(update(_studies).where(_studies.c.uid.in_(uids)).values(triggered=True))


def due(store: Store, *, complete_after_s: float, expected_images: int, limit: int = 100) -> list[tuple[Study, str]]:
    """Studies that are complete and have no result yet, each with what completed it; all their images are read.

    `trigger`: a sender said so; `count`: the expected number of images is there; `time-out`: no image came for
    `complete_after_s` seconds.
    """
    counts = (
        select(_images.c.study_uid, func.count().label("images"), func.count(_results.c.image_id).label("read"))
        .outerjoin(_results, _results.c.image_id == _images.c.id)
        .join(_studies, _studies.c.uid == _images.c.study_uid)
        .where(_studies.c.completed_at.is_(None))
        .group_by(_images.c.study_uid)
        .subquery()
    )
    counted = (counts.c.images >= expected_images) if expected_images else (counts.c.images < 0)
    silent = or_(
        _studies.c.last_received_at <= store.now() - complete_after_s,
        _studies.c.last_received_at > store.now() + complete_after_s,  # the clock was set back
    )
    query = (
        select(_studies, counts.c.images)
        .join(counts, counts.c.study_uid == _studies.c.uid)
        .where(counts.c.images == counts.c.read, or_(_studies.c.triggered, counted, silent))
        .order_by(_studies.c.last_received_at)
        .limit(limit)
    )
    with store.reading() as connection:
        rows = connection.execute(query).all()
    return [(record_of(Study, row), _reason(row.triggered, row.images, expected_images)) for row in rows]


def complete(store: Store, study: Study, *, by: str, line: str, parcels: Sequence[Parcel]) -> bool:
    """Keep a study's result and queue its deliveries; False, and nothing changed, if an image came since."""
    now = store.now()
    same = (
        (_studies.c.uid == study.uid)
        & (_studies.c.last_received_at == study.last_received_at)
        & _studies.c.completed_at.is_(None)
    )
    done = {"completed_at": now, "completed_by": by, "line": line}
    with store.writing() as connection:
        if not connection.execute(update(_studies).where(same).values(done)).rowcount:
            return False
        deliveries.add(connection, parcels, at=now)
    return True


def _reason(triggered: bool, images: int, expected_images: int) -> str:
    if triggered:
        return "trigger"
    return "count" if expected_images and images >= expected_images else "time-out"
