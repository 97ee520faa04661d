"""The queue of deliveries, one queue a destination: a destination that is down holds up no other."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from pneumoscope.service.store import tables
from pneumoscope.service.store.database import Store, record_of
from pneumoscope.service.store.images import LONGEST_WAIT_S, settle
from pneumoscope.service.store.records import FINAL_STATE, Delivery, DeliveryState, Parcel, State

_deliveries, _images, _results = tables.deliveries, tables.images, tables.results
_OPEN = (DeliveryState.WAITING, DeliveryState.SENDING, DeliveryState.DEAD)


def add(connection: Connection, parcels: Sequence[Parcel], *, at: float) -> None:
    """Queue deliveries within a caller's transaction; one that was queued before stays as it is."""
    rows = [
        {name: getattr(parcel, name) for name in Parcel.__slots__}
        | {"state": DeliveryState.WAITING, "attempts": 0, "not_before": at, "error": "", "created_at": at}
        for parcel in parcels
    ]
    if rows:
        insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
        connection.execute(insert(_deliveries).on_conflict_do_nothing(), rows)


def claim(store: Store, destination: str, *, worker: str, limit: int, lease_s: float) -> list[Delivery]:
    """Claim up to `limit` due deliveries, oldest first; they are this worker's until the lease ends."""
    now = store.now()
    due = or_(_deliveries.c.not_before <= now, _deliveries.c.not_before > now + LONGEST_WAIT_S)
    expired = or_(_deliveries.c.lease_until <= now, _deliveries.c.lease_until > now + LONGEST_WAIT_S)
    claimable = ((_deliveries.c.state == DeliveryState.WAITING) & due) | (
        (_deliveries.c.state == DeliveryState.SENDING) & expired
    )
    waiting = (
        select(_deliveries)
        .where(_deliveries.c.destination == destination, claimable)
        .order_by(_deliveries.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    with store.writing() as connection:
        rows = connection.execute(waiting).all()
        taken = {
            "state": DeliveryState.SENDING,
            "attempts": _deliveries.c.attempts + 1,
            "claimed_by": worker,
            "lease_until": now + lease_s,
            "first_tried_at": func.coalesce(_deliveries.c.first_tried_at, now),
        }
        ids = [row.id for row in rows]
        if ids:
            connection.execute(update(_deliveries).where(_deliveries.c.id.in_(ids)).values(taken))
            rows = connection.execute(
                select(_deliveries).where(_deliveries.c.id.in_(ids)).order_by(_deliveries.c.id)
            ).all()
    return [record_of(Delivery, row) for row in rows]


def succeed(store: Store, delivery: Delivery) -> None:
    """Note that the peer has it; the image is done when this was the last one."""
    _end(store, delivery.id, state=DeliveryState.DONE, error="")


def retry(store: Store, ids: Sequence[int], *, error: str, delay_s: float = 0.0) -> None:
    """Queue deliveries again, for `delay_s` seconds later."""
    later = {"state": DeliveryState.WAITING, "not_before": store.now() + delay_s, "error": error} | _FREE
    with store.writing() as connection:
        connection.execute(update(_deliveries).where(_deliveries.c.id.in_(ids)).values(later))


def mark_dead(store: Store, ids: Sequence[int], *, error: str) -> None:
    """Make dead letters of deliveries: a person replays or discards them."""
    dead = {"state": DeliveryState.DEAD, "error": error, "settled_at": store.now()} | _FREE
    with store.writing() as connection:
        connection.execute(update(_deliveries).where(_deliveries.c.id.in_(ids)).values(dead))


def replay(store: Store, delivery_id: int) -> bool:
    """Queue a dead letter again, with all its attempts before it; False where it is none."""
    again = {"state": DeliveryState.WAITING, "not_before": store.now(), "first_tried_at": None, "settled_at": None}
    dead = (_deliveries.c.id == delivery_id) & (_deliveries.c.state == DeliveryState.DEAD)
    with store.writing() as connection:
        return bool(connection.execute(update(_deliveries).where(dead).values(again)).rowcount)


def discard(store: Store, delivery_id: int) -> bool:
    """End a dead letter undelivered, by a person's decision; False where it is none."""
    with store.reading() as connection:
        row = connection.execute(select(_deliveries.c.state, _deliveries.c.error).filter_by(id=delivery_id)).first()
    if row is None or row.state != DeliveryState.DEAD:
        return False
    _end(store, delivery_id, state=DeliveryState.DISCARDED, error=row.error)
    return True


def dead_letters(store: Store) -> list[Delivery]:
    """Return what waits for a person, oldest first."""
    query = select(_deliveries).where(_deliveries.c.state == DeliveryState.DEAD).order_by(_deliveries.c.id)
    with store.reading() as connection:
        return [record_of(Delivery, row) for row in connection.execute(query)]


def files_to_deliver(store: Store) -> set[str]:
    """Return the paths within the spool of what is not delivered yet, dead letters included."""
    states = (*_OPEN, DeliveryState.DEAD)
    with store.reading() as connection:
        return set(connection.scalars(select(_deliveries.c.file).where(_deliveries.c.state.in_(states))))


def of_study(store: Store, study_uid: str) -> list[Delivery]:
    """Return all of the study's deliveries, in the order in which they were queued."""
    query = select(_deliveries).where(_deliveries.c.study_uid == study_uid).order_by(_deliveries.c.id)
    with store.reading() as connection:
        return [record_of(Delivery, row) for row in connection.execute(query)]


def count_by_destination(store: Store) -> dict[str, dict[DeliveryState, int]]:
    """Return how many deliveries are in each state, by destination."""
    columns = (_deliveries.c.destination, _deliveries.c.state)
    counts: dict[str, dict[DeliveryState, int]] = {}
    with store.reading() as connection:
        for name, state, number in connection.execute(select(*columns, func.count()).group_by(*columns)):
            counts.setdefault(name, dict.fromkeys(DeliveryState, 0))[DeliveryState(state)] = number
    return counts


def release_claims_of(store: Store, worker_prefix: str) -> int:
    """Queue again what workers of that prefix had claimed; for a node that starts again. Returns how many."""
    held = _deliveries.c.claimed_by.startswith(worker_prefix, autoescape=True)
    freed = {"state": DeliveryState.WAITING, "not_before": store.now()} | _FREE
    change = update(_deliveries).where(held, _deliveries.c.state == DeliveryState.SENDING).values(freed)
    with store.writing() as connection:
        return int(connection.execute(change).rowcount)


_FREE = {"claimed_by": None, "lease_until": None}


def _end(store: Store, delivery_id: int, *, state: DeliveryState, error: str) -> None:
    now = store.now()
    with store.writing() as connection:
        change = update(_deliveries).where(_deliveries.c.id == delivery_id)
        connection.execute(change.values({"state": state, "error": error, "settled_at": now} | _FREE))
        image_id = connection.execute(select(_deliveries.c.image_id).filter_by(id=delivery_id)).scalar()
        if image_id is None or connection.execute(select(_is_open(image_id))).scalar():
            return
        image = connection.execute(select(_images.c.state).filter_by(id=image_id)).scalar()
        if image == State.DELIVERING:
            status = connection.execute(select(_results.c.status).filter_by(image_id=image_id)).scalar_one()
            settle(connection, image_id, state=FINAL_STATE[status], at=now)


def _is_open(image_id: int) -> ColumnElement[bool]:
    return exists().where(_deliveries.c.image_id == image_id, _deliveries.c.state.in_(_OPEN))
