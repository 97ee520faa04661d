"""The one way in: an object is safe on disk and in the queue, or refused with a reason; never anything between."""

import hashlib
import io
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from uuid import NAMESPACE_OID, uuid5

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from sqlalchemy.exc import SQLAlchemyError

from pneumoscope.core import CapacityError, InputError
from pneumoscope.service.spool import Spool
from pneumoscope.service.store import Arrival, Route, Store, images

Buffer: TypeAlias = bytes | memoryview

_LAST_GROUP = 0x0020  # patient, study and series identifiers are at or before it
_HEAD_BYTES, _LATE_HEAD_BYTES = 1024 * 1024, 256 * 1024 * 1024  # private elements of any length may come before
_FIRST_GROUPS = (b"\x02\x00", b"\x08\x00")
_RASTERS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


OWN_NAME = "Pneumoscope"
"""Manufacturer and model name of the objects that `results` makes."""

_KEYWORDS = {
    "uid": "SOPInstanceUID",
    "sop_class": "SOPClassUID",
    "study_uid": "StudyInstanceUID",
    "series_uid": "SeriesInstanceUID",
    "patient_id": "PatientID",
    "patient_name": "PatientName",
    "accession": "AccessionNumber",
    "study_date": "StudyDate",
    "modality": "Modality",
}


class MismatchError(InputError):
    """The object is not what the request said that it would be."""


class ConflictError(InputError):
    """Another object has this SOP Instance UID; the first one is kept, and this one is not."""


SUCCESS = 0x0000
_STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (CapacityError, 0xA700),
    (MismatchError, 0xA900),
    (ConflictError, 0xC001),
    (InputError, 0xC000),
)
OUT_OF_RESOURCES, MISMATCH, CONFLICT, CANNOT_UNDERSTAND = (status for _, status in _STATUSES)


def status_of(error: InputError | CapacityError) -> int:
    """DIMSE status, and failure reason of STOW-RS, of an error; of the first kind that fits.

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


class Inbox:
    """Takes objects; safe in any thread."""

    def __init__(self, store: Store, spool: Spool, *, arrived: Callable[[], None] = lambda: None) -> None:
        self._store = store
        self._spool = spool
        self._arrived = arrived

    def take(self, content: bytes, *, caller: str, route: Route, study_uid: str | None = None) -> Receipt:
        """Takes a whole file: DICOM, PNG or JPEG; of `study_uid` alone where that is given.

        Raises:
            MismatchError: It is of another study.
            ConflictError: Another object has its UID.
            InputError: It is none of these, or lacks a UID.
            CapacityError: The disk or the database cannot take it now.
        """
        if content.startswith(_RASTERS):
            about, offset = _raster(_digest(content)), 0
        else:
            head, meta, offset = _parts_of(content)
            about = _about(head, meta)
            if _is_own_result(head):
                return _returned(about)
        parts = memoryview(content)[:offset], memoryview(content)[offset:]
        if study_uid is not None and about["study_uid"] != study_uid:
            raise MismatchError("object: expected the study that the request names, found another")
        return self._keep(about, parts, sha256=_digest(parts[1]), caller=caller, route=route)

    def take_data_set(
        self, data_set: memoryview, *, prefix: bytes, sop_class: str, uid: str, syntax: str, caller: str
    ) -> Receipt:
        """Takes an encoded data set that came by C-STORE; `prefix` is the file meta information to put before it.

        Raises:
            MismatchError: The data set names another object than the request.
            ConflictError: Another object has its UID.
            InputError: It is not a DICOM data set in that transfer syntax, or lacks a UID.
            CapacityError: The disk or the database cannot take it now.
        """
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = UID(syntax)
        head = _head(data_set, syntax=UID(syntax))
        about = _about(head, meta)
        if (about["uid"], about["sop_class"]) != (uid, sop_class):
            raise MismatchError("data set: expected the SOP Class and Instance UID of the request, found others")
        if _is_own_result(head):
            return _returned(about)
        return self._keep(about, [prefix, data_set], sha256=_digest(data_set), caller=caller, route=Route.C_STORE)

    def recover(self, relative: str) -> bool:
        """Queue an object that is in the spool without a row: the process or the power ended in between.

        An object whose row says that its file is deleted is what retention could not delete any more: it goes now.

        Raises:
            InputError: It is not an object of ours.
            CapacityError: The database cannot take it now.
            OSError: The file cannot be read.
        """
        content = self._spool.path(relative).read_bytes()
        caller, route = "", Route.UPLOAD
        if content.startswith(_RASTERS):
            digest = _digest(content)
            about = _raster(digest)
        else:
            head, meta, offset = _parts_of(content)
            about, digest = _about(head, meta), _digest(memoryview(content)[offset:])
            if caller := _text(meta, "SourceApplicationEntityTitle"):
                route = Route.C_STORE
        queued = self._queue(about, relative, size=len(content), sha256=digest, caller=caller, route=route)
        if not queued:
            with _database():
                image = images.find(self._store, about["uid"])
            if image is not None and image.file is None:
                self._spool.delete(relative)
        return queued

    def _keep(
        self, about: dict[str, str], parts: Sequence[Buffer], *, sha256: str, caller: str, route: Route
    ) -> Receipt:
        """Disk first, then the queue: what is in the queue is on disk."""
        uid = about["uid"]
        if (known := self._known(uid, sha256)) is not None:
            return known
        size = sum(map(len, parts))
        self._spool.require_space(size)
        relative, fresh = self._spool.add_object(uid, parts)
        # An older file without a row is what was left by a process that died; it may hold other content.
        queued = (
            self._queue(about, relative, size=size, sha256=sha256, caller=caller, route=route)
            if fresh
            else self.recover(relative)
        )
        if queued:
            self._arrived()
        if not (queued and fresh):  # another one may have been faster, and other content
            self._known(uid, sha256)
        return Receipt(uid=uid, study_uid=about["study_uid"], sop_class=about["sop_class"], new=queued)

    def _known(self, uid: str, sha256: str) -> Receipt | None:
        """What became of the object when it came before; None where it did not.

        Raises:
            ConflictError: Another object came under its UID.
        """
        with _database():
            image = images.find(self._store, uid)
            if image is None:
                return None
            if image.sha256 != sha256:
                images.note_resent(self._store, uid)
                raise ConflictError("UID: expected a new one, found that of another object, kept here")
        return Receipt(uid=uid, study_uid=image.study_uid, sop_class=image.sop_class, new=False)

    def _queue(
        self, about: dict[str, str], relative: str, *, size: int, sha256: str, caller: str, route: Route
    ) -> bool:
        arrival = Arrival(**about, caller=caller, route=route, file=relative, size_bytes=size, sha256=sha256)
        with _database():
            return images.add(self._store, arrival)


def header_of(file: Path) -> Dataset:
    """What identifies the object in a file whose pixels or other attributes cannot be read.

    Raises:
        InputError: Not even that can be read, or it is no DICOM file.
    """
    with file.open("rb") as opened:
        return _parts_of(opened.read(_HEAD_BYTES))[0]


def named_in(content: bytes) -> tuple[str, str] | None:
    """SOP Class and Instance UID that a DICOM file names; None where it names none that is valid."""
    try:
        head, meta, _ = _parts_of(content)
        about = _about(head, meta)
    except InputError:
        return None
    return about["sop_class"], about["uid"]


@contextmanager
def _database() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise CapacityError(f"queue: expected a database that answers, found {type(error).__name__}") from error


def _parts_of(content: bytes) -> tuple[Dataset, FileMetaDataset, int]:
    """The head of the data set, the file meta information, and where the data set begins.

    Raises:
        InputError: This is no DICOM file.
    """
    stream = io.BytesIO(content)
    meta, offset = FileMetaDataset(), 0
    with _malformed("a DICOM, PNG or JPEG file"):
        if content[128:132] == b"DICM":
            stream.seek(132)
            meta = FileMetaDataset(read_dataset(stream, False, True, stop_when=_is_after_meta))
            offset = stream.tell()
        elif content[:2] not in _FIRST_GROUPS:
            raise ValueError("no DICOM prefix")
        if not meta.get("TransferSyntaxUID"):
            explicit = content[offset + 4 : offset + 6].isalpha() and content[offset + 4 : offset + 6].isupper()
            meta.TransferSyntaxUID = ExplicitVRLittleEndian if explicit else ImplicitVRLittleEndian
        return _head(memoryview(content)[offset:], syntax=UID(meta.TransferSyntaxUID)), meta, offset


def _head(data_set: memoryview, *, syntax: UID) -> Dataset:
    """The data set up to the study's and series' identifiers; more of it only where they come late.

    Raises:
        InputError: It cannot be parsed.
    """
    for size in (_HEAD_BYTES, _LATE_HEAD_BYTES):
        head = _first(data_set, size=size, syntax=syntax)
        if "StudyInstanceUID" in head or len(data_set) <= size:
            break
    return head


def _first(data_set: memoryview, *, size: int, syntax: UID) -> Dataset:
    """What identifies the object, of so many bytes."""
    with _malformed(f"a data set in {syntax.name}"):
        start = bytes(data_set[:size])
        if syntax == DeflatedExplicitVRLittleEndian:
            start = zlib.decompressobj(-zlib.MAX_WBITS).decompress(start, size)
        return read_dataset(
            io.BytesIO(start),
            syntax == ImplicitVRLittleEndian,
            syntax != ExplicitVRBigEndian,
            stop_when=_is_after_head,
        )


@contextmanager
def _malformed(expected: str) -> Iterator[None]:
    """A block in which pydicom may raise anything; what came is not quoted, since it may name a patient."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except InputError:
            raise
        except Exception as error:
            raise InputError(f"object: expected {expected}, found something else") from error


def _about(head: Dataset, meta: FileMetaDataset) -> dict[str, str]:
    """What the queue says of the object.

    Raises:
        InputError: A UID that it is filed under is missing or malformed.
    """
    found = {name: _text(head, keyword) for name, keyword in _KEYWORDS.items()}
    for name in ("uid", "sop_class", "study_uid"):
        if not UID(found[name]).is_valid or not found[name]:
            came = "one that is malformed" if found[name] else "none"
            raise InputError(f"object: expected a valid {_KEYWORDS[name]}, found {came}")
    found["study_date"] = found["study_date"][:8]
    for name, length in (("series_uid", 64), ("modality", 16)):
        found[name] = found[name][:length]
    return found | {"syntax": str(meta.TransferSyntaxUID)[:64]}


def _is_own_result(head: Dataset) -> bool:
    """Whether a router sends us back what we made: we have it, and an answer to it would come back for ever."""
    return _text(head, "Manufacturer") == _text(head, "ManufacturerModelName") == OWN_NAME


def _returned(about: dict[str, str]) -> Receipt:
    return Receipt(uid=about["uid"], study_uid=about["study_uid"], sop_class=about["sop_class"], new=False)


def _text(head: Dataset, keyword: str) -> str:
    """The attribute as text; empty where it is absent or cannot be decoded. A reader says what is wrong with it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = head.get(keyword)
        except Exception:  # noqa: BLE001  pydicom's converters raise anything on malformed values
            return ""
    return "" if value is None else str(value).strip(" \0").replace("\0", "")


def _raster(digest: str) -> dict[str, str]:
    """What the queue says of a PNG or JPEG, which has no header: a study of its own, by its content."""
    number = uuid5(NAMESPACE_OID, digest).int
    empty = dict.fromkeys(_KEYWORDS, "")
    return empty | {"uid": f"2.25.{number}", "study_uid": f"2.25.{number}", "modality": "", "syntax": ""}


def _digest(content: Buffer) -> str:
    return hashlib.sha256(content).hexdigest()


def _is_after_meta(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return tag.group != 0x0002


def _is_after_head(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return tag.group > _LAST_GROUP
