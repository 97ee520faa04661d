"""What reading said, and the worklist that comes of it."""

from collections.abc import Sequence

from sqlalchemy import insert, select

from pneumoscope.service.store import deliveries, tables
from pneumoscope.service.store.database import Store, record_of
from pneumoscope.service.store.images import settle
from pneumoscope.service.store.records import FINAL_STATE, Image, Parcel, Result, State

_images, _results = tables.images, tables.results


def record(store: Store, result: Result, *, parcels: Sequence[Parcel]) -> bool:
    """Keep a result and queue what is to be delivered, in one transaction.

    False, and nothing changed, where the image has a result already: two workers read it, since the lease of the
    first one ended.
    """
    now = store.now()
    with store.writing() as connection:
        image = _results.c.image_id == result.image_id
        if connection.execute(select(_results.c.image_id).where(image)).first():
            return False
        connection.execute(insert(_results).values({name: getattr(result, name) for name in Result.__slots__}))
        deliveries.add(connection, parcels, at=now)
        state = State.DELIVERING if parcels else FINAL_STATE[result.status]
        settle(connection, result.image_id, state=state, at=now)
    return True


def of_image(store: Store, image_id: int) -> Result | None:
    """Return the image's result; None while it is not read."""
    with store.reading() as connection:
        row = connection.execute(select(_results).where(_results.c.image_id == image_id)).first()
    return record_of(Result, row) if row else None


def of_study(store: Store, study_uid: str) -> list[Result]:
    """Return the results of the study's images, in the order in which they came."""
    query = select(_results).where(_results.c.study_uid == study_uid).order_by(_results.c.image_id)
    with store.reading() as connection:
        return [record_of(Result, row) for row in connection.execute(query)]


def since(store: Store, moment: float, *, limit: int = 100_000) -> list[Result]:
    """Return the results of `moment` and later, oldest first."""
    query = select(_results).where(_results.c.read_at >= moment).order_by(_results.c.read_at).limit(limit)
    with store.reading() as connection:
        return [record_of(Result, row) for row in connection.execute(query)]


def joined(store: Store, *, limit: int, since: float = 0.0) -> list[tuple[Image, Result | None]]:
    """Return the images received at `since` or later with their results, newest first; what the worklist is made of."""
    newest = select(_images).where(_images.c.received_at >= since).order_by(_images.c.id.desc()).limit(limit).subquery()
    with store.reading() as connection:
        images = [record_of(Image, row) for row in connection.execute(select(newest))]
        query = select(_results).join(newest, newest.c.id == _results.c.image_id)
        found = {row.image_id: record_of(Result, row) for row in connection.execute(query)}
    images.sort(key=lambda image: -image.id)
    return [(image, found.get(image.id)) for image in images]


def times_to_result(store: Store, *, since: float) -> list[float]:
    """Return the seconds from receipt to result of each image read at `since` or later."""
    query = (
        select(_results.c.read_at - _images.c.received_at)
        .join(_images, _images.c.id == _results.c.image_id)
        .where(_results.c.read_at >= since)
    )
    with store.reading() as connection:
        return [float(seconds) for (seconds,) in connection.execute(query)]
