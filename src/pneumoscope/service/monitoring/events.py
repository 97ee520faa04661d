"""What monitoring found, kept for a later change-control plan: self-tests, alerts, models that came into use."""

import hashlib
import json
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from pneumoscope.service.store import Store, tables

_EVENTS = tables.monitoring_events


class EventKind(StrEnum):
    """What happened."""

    MODEL = "model"
    REFERENCE = "reference"
    SELF_TEST = "self-test"
    ALERT = "alert"
    REFUSAL = "refusal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One entry; `key` is what makes it one of its kind, so that two nodes on one database tell it once.

    Attributes:
        passed: False for what someone should look at.
        told_at: When the webhook took it; None where nobody was told yet.
    """

    id: int
    at: float
    kind: EventKind
    key: str
    model_sha256: str
    passed: bool
    words: str
    detail: dict[str, Any]
    told_at: float | None


def add(
    store: Store, kind: EventKind, key: str, *, model_sha256: str, passed: bool, words: str, detail: dict[str, Any]
) -> bool:
    """Keep an event; False, and nothing changed, where it is known."""
    insert = (postgresql if store.engine.dialect.name == "postgresql" else sqlite).insert
    row = {
        "at": store.now(),
        "kind": kind.value,
        "key": key,
        "model_sha256": model_sha256,
        "passed": passed,
        "words": words,
        "detail": json.dumps(detail, sort_keys=True),
    }
    with store.writing() as connection:
        return bool(connection.execute(insert(_EVENTS).values(row).on_conflict_do_nothing()).rowcount)


def note_refusal(store: Store, *, caller: str, reason: str, model_sha256: str) -> None:
    """Keep that an object was refused on its way in; once a day for each sender and reason."""
    day = time.strftime("%Y-%m-%d", time.localtime(store.now()))
    words = f"object from {caller or 'an unknown sender'} refused: {reason}"
    key = f"{day}:{hashlib.sha256(words.encode()).hexdigest()[:32]}"
    add(store, EventKind.REFUSAL, key, model_sha256=model_sha256, passed=False, words=words, detail={})


def newest(store: Store, *, kind: EventKind | None = None, limit: int = 50) -> list[Event]:
    """Return events, newest first."""
    query = select(_EVENTS).order_by(_EVENTS.c.id.desc()).limit(limit)
    return _events(store, query if kind is None else query.where(_EVENTS.c.kind == kind.value))


def find(store: Store, kind: EventKind, key: str, *, model_sha256: str) -> Event | None:
    """Return the event of that kind and key for that model."""
    query = select(_EVENTS).where(
        _EVENTS.c.kind == kind.value, _EVENTS.c.key == key, _EVENTS.c.model_sha256 == model_sha256
    )
    return next(iter(_events(store, query)), None)


def has_any(store: Store, kind: EventKind, *, model_sha256: str) -> bool:
    """Return whether there is any event of that kind for that model."""
    query = select(_EVENTS.c.id).where(_EVENTS.c.kind == kind.value, _EVENTS.c.model_sha256 == model_sha256).limit(1)
    with store.reading() as connection:
        return connection.execute(query).first() is not None


def untold(store: Store) -> list[Event]:
    """Return events that someone should look at and that no webhook took yet, oldest first."""
    return _events(store, select(_EVENTS).where(~_EVENTS.c.passed, _EVENTS.c.told_at.is_(None)).order_by(_EVENTS.c.id))


def note_told(store: Store, event: Event) -> None:
    """Note that the webhook took it."""
    with store.writing() as connection:
        connection.execute(_EVENTS.update().where(_EVENTS.c.id == event.id).values(told_at=store.now()))


def _events(store: Store, query: Any) -> list[Event]:
    with store.reading() as connection:
        return [
            Event(**(dict(row._mapping) | {"kind": EventKind(row.kind), "detail": json.loads(row.detail)}))
            for row in connection.execute(query)
        ]
