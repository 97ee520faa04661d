"""The one way in: an object is safe on disk and in the queue, or refused with a reason; never anything between."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian
from sqlalchemy.exc import SQLAlchemyError

from pneumoscope.core import CapacityError, InputError
from pneumoscope.intake import missing_from_data_set, missing_from_file
from pneumoscope.service.content import Content, InFlight, digest_of, mapped
from pneumoscope.service.heads import LARGE, RASTERS, about_object, about_raster, head_of, split, text
from pneumoscope.service.resent import Resent, compare
from pneumoscope.service.spool import Spool
from pneumoscope.service.store import Arrival, Image, Route, Store, images

OWN_NAME = "Pneumoscope"
"""Manufacturer and model name of the objects that `results` makes."""

_MIB = 1024 * 1024
_COMPARING = threading.Lock()
"""Held while two objects are decoded and compared, which takes several times their size."""


class MismatchError(InputError):
    """The object is not what the request said that it would be."""


class ConflictError(InputError):
    """Another object has this SOP Instance UID; the first one is kept, and this one is not."""


class IncompleteError(InputError):
    """The object is cut off; a whole one under its UID is welcome."""


SUCCESS = 0x0000
_STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (CapacityError, 0xA700),
    (MismatchError, 0xA900),
    (ConflictError, 0xC001),
    (InputError, 0xC000),
)
OUT_OF_RESOURCES, MISMATCH, CONFLICT, CANNOT_UNDERSTAND = (status for _, status in _STATUSES)


def status_of(error: InputError | CapacityError) -> int:
    """Return the DIMSE status, and failure reason of STOW-RS, of an error: that of the first kind that fits.

    Source:
        PS3.4 Table B.2-1, PS3.18 Table I.2-2.
    """
    return next(status for kind, status in _STATUSES if isinstance(error, kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of an object.

    Attributes:
        sop_class: Empty for a picture without a header.
        new: Whether it was queued; False where it was known.
    """

    uid: str
    study_uid: str
    sop_class: str
    new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Object:
    """A whole object: what its head says, its bytes, and the file in `incoming` that holds them, if one does."""

    about: dict[str, str]
    prefix: bytes
    body: memoryview
    content: Content | None

    @property
    def size(self) -> int:
        return len(self.prefix) + len(self.body)


class Inbox:
    """Accepts objects; safe in any thread."""

    def __init__(
        self,
        store: Store,
        spool: Spool,
        *,
        arrived: Callable[[], None] = lambda: None,
        refused: Callable[[str, str], None] = lambda _caller, _reason: None,
        max_object_mb: int = 512,
        max_in_flight_mb: int = 16_384,
    ) -> None:
        """`arrived` is called when there is something to read, `refused` with sender and reason of a refusal."""
        self.max_object_bytes = max_object_mb * _MIB
        self.in_flight = InFlight(max_in_flight_mb * _MIB)
        self._store = store
        self._spool = spool
        self._arrived = arrived
        self._refused = refused

    def new_content(self) -> Content:
        """Return where the bytes of one object go while they arrive; whoever asks discards it in the end."""
        return Content(self._spool, self.in_flight, limit_bytes=self.max_object_bytes)

    def note_refusal(self, error: InputError, *, caller: str) -> None:
        """Tell the page of an object that was refused for good; there is no row that could show it."""
        self._refused(caller, str(error))

    def take(self, content: bytes, *, caller: str, route: Route, study_uid: str | None = None) -> Receipt:
        """Accept a whole file in memory, as `take_content` does."""
        received = self.new_content()
        try:
            received.write(content)
            return self.take_content(received, caller=caller, route=route, study_uid=study_uid)
        finally:
            received.discard()

    def take_content(self, content: Content, *, caller: str, route: Route, study_uid: str | None = None) -> Receipt:
        """Accept a whole file: DICOM, PNG or JPEG; of `study_uid` alone where that is given.

        Raises:
            MismatchError: It is of another study.
            ConflictError: Another object has its UID.
            IncompleteError: It is cut off.
            InputError: It is none of these, lacks a UID, or is too large.
            CapacityError: The disk or the database cannot take it now.
        """
        content.raise_fault()
        if content.is_too_large:
            raise InputError(f"object: expected at most {self.max_object_bytes // _MIB} MB, found more")
        with content.view() as view:
            head = None
            if bytes(view[:8]).startswith(RASTERS):
                about, offset = about_raster(digest_of(view)), 0
            else:
                head, meta, offset = split(view)
                about = about_object(head, meta)
            if study_uid is not None and about["study_uid"] != study_uid:
                raise MismatchError("object: expected the study that the request names, found another")
            with _large_where(about["syntax"] == DeflatedExplicitVRLittleEndian):
                _require_whole(missing_from_file(view))
            if head is not None and _is_own_result(head):
                return _returned(about)
            one = _Object(about=about, prefix=bytes(view[:offset]), body=view[offset:], content=content)
            return self._keep(one, caller=caller, route=route)

    def take_data_set(
        self, content: Content, *, prefix: bytes, sop_class: str, uid: str, syntax: str, caller: str
    ) -> Receipt:
        """Accept an encoded data set that came by C-STORE; `prefix` is the file meta information to put before it.

        Raises:
            MismatchError: The data set names another object than the request.
            ConflictError: Another object has its UID.
            IncompleteError: It is cut off.
            InputError: It is not a DICOM data set in that transfer syntax, or lacks a UID.
            CapacityError: The disk or the database cannot take it now.
        """
        content.raise_fault()
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = UID(syntax)
        with content.view() as view:
            head = head_of(view, syntax=UID(syntax))
            about = about_object(head, meta)
            if (about["uid"], about["sop_class"]) != (uid, sop_class):
                raise MismatchError("data set: expected the SOP Class and Instance UID of the request, found others")
            with _large_where(syntax == DeflatedExplicitVRLittleEndian):
                _require_whole(missing_from_data_set(view, syntax=syntax))
            if _is_own_result(head):
                return _returned(about)
            one = _Object(about=about, prefix=prefix, body=view, content=content)
            return self._keep(one, caller=caller, route=Route.C_STORE)

    def recover(self, relative: str) -> bool:
        """Queue an object that is in the spool without a row: the process or the power ended in between.

        An object whose row says that its file is deleted is what retention could not delete any more: it goes now.

        Raises:
            InputError: It is not an object of ours.
            CapacityError: The database cannot take it now.
            OSError: The file cannot be read.
        """
        caller, route = "", Route.UPLOAD
        with mapped(self._spool.path(relative)) as content:
            size = len(content)
            if bytes(content[:8]).startswith(RASTERS):
                digest = digest_of(content)
                about = about_raster(digest)
            else:
                head, meta, offset = split(content)
                about, digest = about_object(head, meta), digest_of(content[offset:])
                if caller := text(meta, "SourceApplicationEntityTitle"):
                    route = Route.C_STORE
        queued = self._queue(about, relative, size=size, sha256=digest, caller=caller, route=route)
        if not queued:
            with _database():
                image = images.find(self._store, about["uid"])
            if image is not None and image.file is None:
                self._spool.delete(relative)
        return queued

    def _keep(self, one: _Object, *, caller: str, route: Route) -> Receipt:
        """Write to disk first, then to the queue: what is in the queue is on disk."""
        uid, sha256 = one.about["uid"], digest_of(one.body)
        if (known := self._known(one, sha256)) is not None:
            return known
        self._spool.require_space(one.size)
        relative, fresh = self._write(one)
        # An older file without a row is what was left by a process that died; it may hold other content.
        queued = (
            self._queue(one.about, relative, size=one.size, sha256=sha256, caller=caller, route=route)
            if fresh
            else self.recover(relative)
        )
        if queued:
            self._arrived()
        if not (queued and fresh):  # another one may have been faster, and other content
            self._known(one, sha256)
        return Receipt(uid=uid, study_uid=one.about["study_uid"], sop_class=one.about["sop_class"], new=queued)

    def _write(self, one: _Object) -> tuple[str, bool]:
        if one.content is not None and one.content.path is not None:
            one.content.sync()
            return self._spool.add_file(one.about["uid"], one.content.path)
        return self._spool.add_object(one.about["uid"], (one.prefix, one.body))

    def _known(self, one: _Object, sha256: str) -> Receipt | None:
        """Return what becomes of an object that came before; None where it did not.

        Raises:
            ConflictError: Another object came under its UID.
            CapacityError: The disk or the database cannot take it now.
        """
        uid = one.about["uid"]
        with _database():
            image = images.find(self._store, uid)
        if image is None:
            return None
        if image.sha256 != sha256:
            self._resent(image, one, sha256)
        return Receipt(uid=uid, study_uid=image.study_uid, sop_class=image.sop_class, new=False)

    def _resent(self, image: Image, one: _Object, sha256: str) -> None:
        """Settle what came again in other bytes: a whole one for a cut-off one, the same image, or another."""
        with _COMPARING:
            found = compare(self._spool, image, prefix=one.prefix, body=one.body)
        with _database():
            if found.kind is Resent.OTHER:
                images.note_resent(self._store, image.uid)
                raise ConflictError("UID: expected a new one, found that of another object, kept here")
            if found.kind is Resent.SAME:
                return
        file = self._spool.replace_object(image.uid, (one.prefix, one.body))
        with _database():
            if found.kind is Resent.WHOLE:
                images.reopen(self._store, image, one.about, file=file, size_bytes=one.size, sha256=sha256)
                self._arrived()
            else:
                images.correct(
                    self._store, image, one.about, file=file, size_bytes=one.size, sha256=sha256, changed=found.changed
                )

    def _queue(
        self, about: dict[str, str], relative: str, *, size: int, sha256: str, caller: str, route: Route
    ) -> bool:
        arrival = Arrival(**about, caller=caller, route=route, file=relative, size_bytes=size, sha256=sha256)
        with _database():
            return images.add(self._store, arrival)


@contextmanager
def _database() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise CapacityError(f"queue: expected a database that answers, found {type(error).__name__}") from error


@contextmanager
def _large_where(condition: bool) -> Iterator[None]:
    """Hold the right to have a whole object in memory, where the block needs it."""
    if condition:
        with LARGE:
            yield
    else:
        yield


def _require_whole(missing: str | None) -> None:
    if missing:
        raise IncompleteError(f"object: expected a whole one, found it cut off: it lacks {missing}")


def _is_own_result(head: Dataset) -> bool:
    """Return whether a router sends us back what we made: we have it, and an answer would come back for ever."""
    return text(head, "Manufacturer") == text(head, "ManufacturerModelName") == OWN_NAME


def _returned(about: dict[str, str]) -> Receipt:
    return Receipt(uid=about["uid"], study_uid=about["study_uid"], sop_class=about["sop_class"], new=False)
