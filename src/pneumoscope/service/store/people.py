"""What people did: their feedback on results, and the append-only audit log."""

from sqlalchemy import Connection, insert, select

from pneumoscope.service.store import tables
from pneumoscope.service.store.database import Store, record_of
from pneumoscope.service.store.records import AuditEntry, Feedback, Image

_audit, _feedback = tables.audit, tables.feedback


def add_feedback(store: Store, image: Image, *, person: str, agrees: bool, comment: str) -> None:
    """Keep what a person said of an image's result; nothing that was said before is overwritten."""
    row = {
        "image_uid": image.uid,
        "study_uid": image.study_uid,
        "person": person,
        "agrees": agrees,
        "comment": comment,
        "at": store.now(),
    }
    with store.writing() as connection:
        connection.execute(insert(_feedback).values(row))


def feedback_on(store: Store, image_uid: str) -> list[Feedback]:
    """Return what was said of the image's result, oldest first."""
    query = select(_feedback).where(_feedback.c.image_uid == image_uid).order_by(_feedback.c.id)
    with store.reading() as connection:
        return [record_of(Feedback, row) for row in connection.execute(query)]


def feedback_since(store: Store, moment: float) -> list[Feedback]:
    """Return all feedback of `moment` and later, oldest first."""
    query = select(_feedback).where(_feedback.c.at >= moment).order_by(_feedback.c.id)
    with store.reading() as connection:
        return [record_of(Feedback, row) for row in connection.execute(query)]


def audit(store: Store, *, person: str, address: str, action: str, target: str) -> None:
    """Add an entry; the database refuses to change or delete one."""
    row = {"at": store.now(), "person": person, "address": address, "action": action, "object": target}
    with store.writing() as connection:
        connection.execute(insert(_audit).values(row))


def add_audit(connection: Connection, store: Store, *, action: str, target: str) -> None:
    """Add an entry of the node's own doing, within a caller's transaction."""
    row = {"at": store.now(), "person": "node", "address": "", "action": action, "object": target}
    connection.execute(insert(_audit).values(row))


def audit_entries(store: Store, *, limit: int, offset: int = 0) -> list[AuditEntry]:
    """Return entries, newest first."""
    query = select(_audit).order_by(_audit.c.id.desc()).limit(limit).offset(offset)
    with store.reading() as connection:
        return [record_of(AuditEntry, row) for row in connection.execute(query)]
