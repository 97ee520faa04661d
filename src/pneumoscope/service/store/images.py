"""The queue of images."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from pneumoscope.service.log import hashed
from pneumoscope.service.store import tables
from pneumoscope.service.store.database import Store, record_of
from pneumoscope.service.store.people import add_audit
from pneumoscope.service.store.records import Arrival, Image, State

_images, _studies = tables.images, tables.studies

FINAL = (State.DONE, State.REFUSED, State.FAILED)
"""States in which nothing is left to do."""

PATIENT_COLUMNS = ("patient_id", "patient_name", "accession", "study_date")
"""Columns that are blanked at retention."""

LONGEST_WAIT_S = 3600.0
"""No image or delivery is ever asked to wait longer: a later `not_before` shows that the clock was set back."""


def add(store: Store, arrival: Arrival) -> bool:
    """Queue an object; False, and nothing changed, where its UID is known already."""
    now = store.now()
    row = {name: getattr(arrival, name) for name in Arrival.__slots__} | {
        "state": State.RECEIVED,
        "attempts": 0,
        "resent": 0,
        "not_before": now,
        "received_at": now,
    }
    insert = (postgresql if store.engine.dialect.name == "postgresql" else sqlite).insert
    with store.writing() as connection:
        new = insert(_images).values(row).on_conflict_do_nothing(index_elements=["uid"]).returning(_images.c.id)
        if connection.execute(new).first() is None:
            return False
        study = insert(_studies).values(
            uid=arrival.study_uid, first_received_at=now, last_received_at=now, triggered=False
        )
        # A late image opens its study again: the study's result is made anew with it.
        late = {"last_received_at": now, "triggered": False, "completed_at": None, "completed_by": None}
        connection.execute(study.on_conflict_do_update(index_elements=["uid"], set_=late))
    return True


def find(store: Store, uid: str) -> Image | None:
    """Return the image of that SOP Instance UID."""
    with store.reading() as connection:
        row = connection.execute(select(_images).where(_images.c.uid == uid)).first()
    return record_of(Image, row) if row else None


def of_ids(store: Store, ids: Sequence[int]) -> list[Image]:
    """Return the images of these row numbers, by number."""
    with store.reading() as connection:
        rows = connection.execute(select(_images).where(_images.c.id.in_(ids)).order_by(_images.c.id)).all()
    return [record_of(Image, row) for row in rows]


def of_study(store: Store, study_uid: str) -> list[Image]:
    """Return the study's images, in the order in which they came."""
    query = select(_images).where(_images.c.study_uid == study_uid).order_by(_images.c.id)
    with store.reading() as connection:
        return [record_of(Image, row) for row in connection.execute(query)]


def of_patient(store: Store, patient_id: str, patient_name: str) -> list[Image]:
    """Return all images of the patient, newest first; none without an identifier, or without a name that was readable.

    Two sites may give one Patient ID to two patients: the name must be the same too.
    """
    if not (patient_id and patient_name):
        return []
    same = (_images.c.patient_id == patient_id) & (_images.c.patient_name == patient_name)
    query = select(_images).where(same).order_by(_images.c.id.desc())
    with store.reading() as connection:
        return [record_of(Image, row) for row in connection.execute(query)]


def newest(store: Store, *, limit: int, offset: int = 0, state: State | None = None) -> list[Image]:
    """Return images, newest first."""
    query = select(_images).order_by(_images.c.id.desc()).limit(limit).offset(offset)
    if state is not None:
        query = query.where(_images.c.state == state)
    with store.reading() as connection:
        return [record_of(Image, row) for row in connection.execute(query)]


def count_by_state(store: Store) -> dict[State, int]:
    """Return how many images are in each state; every state is there."""
    query = select(_images.c.state, func.count()).group_by(_images.c.state)
    with store.reading() as connection:
        found = {State(state): int(number) for state, number in connection.execute(query)}
    return {state: found.get(state, 0) for state in State}


def count_interrupted(store: Store) -> int:
    """Return how many images wait because reading was interrupted, by a full disk or another fault."""
    waits = (_images.c.error != "") & _images.c.state.in_((State.RECEIVED, State.READING))
    with store.reading() as connection:
        return int(connection.execute(select(func.count()).where(waits)).scalar_one())


def files(store: Store) -> set[str]:
    """Return the paths within the spool of every image's file."""
    with store.reading() as connection:
        return set(connection.execute(select(_images.c.file).where(_images.c.file.is_not(None))).scalars())


def note_resent(store: Store, uid: str) -> None:
    """Count that another object came under a known UID."""
    with store.writing() as connection:
        connection.execute(update(_images).where(_images.c.uid == uid).values(resent=_images.c.resent + 1))


def reopen(store: Store, image: Image, about: Mapping[str, str], *, file: str, size_bytes: int, sha256: str) -> None:
    """Queue an image anew whose object was cut off and now is whole; the result of the cut-off one goes."""
    now = store.now()
    row = {name: about[name] for name in about if name in _images.c} | {
        "file": file,
        "size_bytes": size_bytes,
        "sha256": sha256,
        "state": State.RECEIVED,
        "attempts": 0,
        "error": "",
        "not_before": now,
        "settled_at": None,
        "claimed_by": None,
        "lease_until": None,
    }
    with store.writing() as connection:
        connection.execute(delete(tables.results).where(tables.results.c.image_id == image.id))
        connection.execute(update(_images).where(_images.c.id == image.id).values(row))
        late = {"last_received_at": now, "triggered": False, "completed_at": None, "completed_by": None}
        connection.execute(update(_studies).where(_studies.c.uid == image.study_uid).values(late))
        add_audit(connection, store, action="whole object", target=f"study {hashed(image.study_uid)}")


def correct(
    store: Store,
    image: Image,
    about: Mapping[str, str],
    *,
    file: str,
    size_bytes: int,
    sha256: str,
    changed: Sequence[str],
) -> None:
    """Keep an image's corrected demographics, for the page and for later results; the audit log says which changed."""
    target = f"study {hashed(image.study_uid)}: {', '.join(changed)}"
    row: dict[str, Any] = {name: about[name] for name in PATIENT_COLUMNS}
    row |= {"file": file, "size_bytes": size_bytes, "sha256": sha256, "syntax": about["syntax"]}
    with store.writing() as connection:
        connection.execute(update(_images).where(_images.c.id == image.id).values(row))
        add_audit(connection, store, action="corrected", target=target)


def claim(store: Store, *, worker: str, limit: int, lease_s: float) -> list[Image]:
    """Claim up to `limit` waiting images, which are then this worker's until the lease ends; the oldest first.

    An image whose reading was begun before comes alone: should it end the process again, no other one is blamed.
    """
    now = store.now()
    waiting = (
        select(_images).where(_claimable(now)).order_by(_images.c.id).limit(limit).with_for_update(skip_locked=True)
    )
    with store.writing() as connection:
        rows = connection.execute(waiting).all()
        alone = bool(rows) and rows[0].attempts > 0
        ids = [rows[0].id] if alone else [row.id for row in rows if row.attempts == 0]
        taken = {
            "state": State.READING,
            "attempts": _images.c.attempts + 1,
            "claimed_by": worker,
            "lease_until": now + lease_s,
        }
        if ids:
            connection.execute(update(_images).where(_images.c.id.in_(ids)).values(taken))
    return of_ids(store, ids) if ids else []


def release(
    store: Store,
    ids: Sequence[int],
    *,
    delay_s: float,
    worker: str | None = None,
    error: str = "",
    counts: bool = True,
) -> None:
    """Queue images again, for `delay_s` seconds later.

    Args:
        store: The database.
        ids: Row numbers of the images.
        delay_s: Seconds until they may be claimed again.
        worker: Only images that this worker still holds; None: whoever holds them.
        error: Why reading was interrupted, for the page.
        counts: Whether the attempt counts against the image; False where the disk or the database failed, not the
            image.
    """
    held = _images.c.id.in_(ids) & (_images.c.attempts > 0)
    if worker is not None:
        held &= _images.c.claimed_by == worker
    given_back = {} if counts else {"attempts": _images.c.attempts - 1}
    with store.writing() as connection:
        _release(connection, held, not_before=store.now() + delay_s, changes={"error": error} | given_back)


def release_claims_of(store: Store, worker_prefix: str) -> int:
    """Queue again what workers of that prefix had claimed; for a node that starts again. Returns how many."""
    held = _images.c.claimed_by.startswith(worker_prefix, autoescape=True)
    with store.writing() as connection:
        return _release(connection, held, not_before=store.now())


def _release(
    connection: Connection, which: ColumnElement[bool], *, not_before: float, changes: dict[str, Any] | None = None
) -> int:
    freed = {"state": State.RECEIVED, "not_before": not_before, "claimed_by": None, "lease_until": None}
    change = update(_images).where(which, _images.c.state == State.READING).values(freed | (changes or {}))
    return int(connection.execute(change).rowcount)


def settle(connection: Connection, image_id: int, *, state: State, at: float) -> None:
    """Put an image into a state, within a caller's transaction; a final one ends its way."""
    settled = {
        "state": state,
        "error": "",
        "claimed_by": None,
        "lease_until": None,
        "settled_at": at if state in FINAL else None,
    }
    connection.execute(update(_images).where(_images.c.id == image_id).values(settled))


def outdated(store: Store, *, before: float, limit: int) -> list[Image]:
    """Return settled images older than `before` whose files or patient data are still here."""
    here = _images.c.file.is_not(None) | _named()
    old = (_images.c.settled_at < before) & _images.c.state.in_(FINAL) & here
    with store.reading() as connection:
        return [record_of(Image, row) for row in connection.execute(select(_images).where(old).limit(limit))]


def forget_file(store: Store, image_id: int) -> None:
    """Note that the image's files are deleted, and blank what its row says of the patient."""
    blank = dict.fromkeys(PATIENT_COLUMNS, "")
    with store.writing() as connection:
        connection.execute(update(_images).where(_images.c.id == image_id).values({"file": None} | blank))
        gone = update(tables.results).where(tables.results.c.image_id == image_id)
        connection.execute(gone.values(folder=None))


def to_purge(store: Store, *, study_uid: str | None = None, patient_id: str | None = None) -> list[Image]:
    """Return the images of a study or of a patient, in whatever state they are."""
    which = _images.c.study_uid == study_uid if study_uid is not None else _images.c.patient_id == patient_id
    with store.reading() as connection:
        return [record_of(Image, row) for row in connection.execute(select(_images).where(which))]


def withdraw(store: Store, image_id: int) -> bool:
    """Take an image's file out of the queue before it is purged; False while a worker reads it."""
    with store.writing() as connection:
        mine = (_images.c.id == image_id) & (_images.c.state != State.READING)
        out = {"file": None, "state": State.FAILED, "claimed_by": None, "settled_at": store.now()}
        return bool(connection.execute(update(_images).where(mine).values(out)).rowcount)


def remove(store: Store, image: Image) -> None:
    """Delete all rows of an image, and those of its study once it was the last one."""
    with store.writing() as connection:
        for table in (tables.deliveries, tables.results):
            connection.execute(delete(table).where(table.c.image_id == image.id))
        connection.execute(delete(tables.feedback).where(tables.feedback.c.image_uid == image.uid))
        connection.execute(delete(_images).where(_images.c.id == image.id))
        others = select(_images.c.id).where(_images.c.study_uid == image.study_uid)
        if connection.execute(others).first() is None:
            connection.execute(delete(tables.deliveries).where(tables.deliveries.c.study_uid == image.study_uid))
            connection.execute(delete(_studies).where(_studies.c.uid == image.study_uid))


def _named() -> ColumnElement[bool]:
    """Select rows that say something of a patient."""
    return or_(*(_images.c[name] != "" for name in PATIENT_COLUMNS))


def _claimable(now: float) -> ColumnElement[bool]:
    """Select images that are received and due, or claimed by a worker whose lease ended."""
    due = or_(_images.c.not_before <= now, _images.c.not_before > now + LONGEST_WAIT_S)
    expired = or_(_images.c.lease_until <= now, _images.c.lease_until > now + LONGEST_WAIT_S)
    return ((_images.c.state == State.RECEIVED) & due) | ((_images.c.state == State.READING) & expired)
