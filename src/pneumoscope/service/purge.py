"""Deletion on request: what the node holds of a study, of a patient, or from before a moment."""

import getpass
import hashlib
from dataclasses import dataclass
from pathlib import Path

from pneumoscope.core import InputError
from pneumoscope.service.config import ServiceConfig
from pneumoscope.service.heads import header_of
from pneumoscope.service.housekeeping import Housekeeping
from pneumoscope.service.log import hashed
from pneumoscope.service.spool import Spool
from pneumoscope.service.store import Image, Store, images, people
from pneumoscope.service.watch import kept_files

ACTION = "purge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """What was deleted.

    Attributes:
        images: Images whose files, and rows or patient data, are gone.
        files: Files of the watched folder's `taken` and `refused` that are gone.
        being_read: Images that a reader holds at this moment; run again for them.
    """

    images: int
    files: int
    being_read: int


def purge_study(store: Store, spool: Spool, config: ServiceConfig, study_uid: str) -> Purged:
    """Delete everything of the study: objects, results, rows, what was still to be delivered, comments.

    The audit log keeps a line with a digest of the UID. What went to other systems stays there.
    """
    taken = images.to_purge(store, study_uid=study_uid)
    files = _delete_watched(config, keyword="StudyInstanceUID", value=study_uid)
    return _purged(store, spool, taken, files=files, target=f"study {hashed(study_uid)}")


def purge_patient(store: Store, spool: Spool, config: ServiceConfig, patient_id: str) -> Purged:
    """Delete everything under the Patient ID, as `purge_study` does.

    Raises:
        InputError: The Patient ID is empty: that would be all images that have none.
    """
    if not patient_id.strip():
        raise InputError("purge: expected a Patient ID, found an empty one")
    taken = images.to_purge(store, patient_id=patient_id.strip())
    files = _delete_watched(config, keyword="PatientID", value=patient_id.strip())
    digest = hashlib.sha256(patient_id.strip().encode()).hexdigest()[:12]
    return _purged(store, spool, taken, files=files, target=f"patient {digest}")


def purge_older(store: Store, spool: Spool, config: ServiceConfig, *, days: float) -> Purged:
    """Delete files and patient data of images that were settled more than `days` ago, as retention would."""
    keeper = Housekeeping(config.store, store=store, spool=spool, watch=config.watch)
    deleted = keeper.delete_images(before=store.now() - days * 86_400)
    _audit(store, target=f"older than {days:g} days: {deleted} images")
    return Purged(images=deleted, files=0, being_read=0)


def _purged(store: Store, spool: Spool, taken: list[Image], *, files: int, target: str) -> Purged:
    """Delete files before rows: rows that are left by a power failure lead the next run to what is left."""
    deleted = [image for image in taken if images.withdraw(store, image.id)]
    for image in deleted:
        spool.delete_image(image.uid)
        spool.delete_study(image.study_uid)
        images.remove(store, image)
    _audit(store, target=f"{target}: {len(deleted)} images")
    return Purged(images=len(deleted), files=files, being_read=len(taken) - len(deleted))


def _audit(store: Store, *, target: str) -> None:
    people.audit(store, person=getpass.getuser(), address="command line", action=ACTION, target=target)


def _delete_watched(config: ServiceConfig, *, keyword: str, value: str) -> int:
    """Delete the watched folder's kept files whose header has that value; return how many."""
    if config.watch.path is None:
        return 0
    found = [path for path in kept_files(config.watch.path) if _value_in(path, keyword) == value]
    for path in found:
        path.unlink(missing_ok=True)
        path.with_name(f"{path.name}.reason.txt").unlink(missing_ok=True)
    return len(found)


def _value_in(path: Path, keyword: str) -> str | None:
    try:
        return str(header_of(path).get(keyword, "")).strip()
    except (InputError, OSError):
        return None
