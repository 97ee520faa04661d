"""What an object's head says: identifiers and what the queue keeps beside them; pixels are never parsed here."""

import io
import re
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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

from pneumoscope.core import InputError
from pneumoscope.intake import charsets_of, is_undecodable

_LAST_GROUP = 0x0020  # patient, study and series identifiers are at or before it
_HEAD_BYTES, _LATE_HEAD_BYTES = 1024 * 1024, 256 * 1024 * 1024  # private elements of any length may come before
_FIRST_GROUPS = (b"\x02\x00", b"\x08\x00", b"\x00\x08")
RASTERS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
"""How PNG and JPEG files begin."""

LARGE = threading.BoundedSemaphore(2)
"""Held while a whole object is in memory, so that no more than two ever are."""

_LONGEST_UID = 64  # PS3.5 Table 6.2-1, UI
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")

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


def header_of(file: Path) -> Dataset:
    """Return what identifies the object in a file whose pixels or other attributes cannot be read.

    Raises:
        InputError: Not even that can be read, or it is no DICOM file.
    """
    with file.open("rb") as opened:
        return split(memoryview(opened.read(_HEAD_BYTES)))[0]


def named_in(content: memoryview) -> tuple[str, str] | None:
    """Return the SOP Class and Instance UID that a DICOM file names; None where it names none that is valid."""
    try:
        head, meta, _ = split(content)
        about = about_object(head, meta)
    except InputError:
        return None
    return about["sop_class"], about["uid"]


def split(content: memoryview) -> tuple[Dataset, FileMetaDataset, int]:
    """Return the head of the data set, the file meta information, and where the data set begins.

    Raises:
        InputError: This is no DICOM file.
    """
    meta, offset = FileMetaDataset(), 0
    with _malformed("a DICOM, PNG or JPEG file"):
        start = next((at + 4 for at in (128, 0) if bytes(content[at : at + 4]) == b"DICM"), 0)
        if start:
            stream = io.BytesIO(bytes(content[: start + _HEAD_BYTES]))
            stream.seek(start)
            meta = FileMetaDataset(read_dataset(stream, False, True, stop_when=_is_after_meta))
            offset = stream.tell()
        elif bytes(content[:2]) not in _FIRST_GROUPS:
            raise ValueError("no DICOM prefix")
        if not meta.get("TransferSyntaxUID"):
            meta.TransferSyntaxUID = _native_syntax(bytes(content[offset : offset + 6]))
        return head_of(content[offset:], syntax=UID(meta.TransferSyntaxUID)), meta, offset


def _native_syntax(first: bytes) -> UID:
    """Return the uncompressed transfer syntax of a data set that does not say its own (PS3.5 7.1)."""
    if first[:2] == b"\x00\x08":
        return ExplicitVRBigEndian
    is_explicit = first[4:6].isalpha() and first[4:6].isupper()
    return ExplicitVRLittleEndian if is_explicit else ImplicitVRLittleEndian


def head_of(data_set: memoryview, *, syntax: UID) -> Dataset:
    """Return the data set up to the study's and series' identifiers; more of it only where they come late.

    Raises:
        InputError: It cannot be parsed.
    """
    head = _first(data_set, size=_HEAD_BYTES, syntax=syntax)
    if "StudyInstanceUID" in head or len(data_set) <= _HEAD_BYTES:
        return head
    with LARGE:
        return _first(data_set, size=_LATE_HEAD_BYTES, syntax=syntax)


def _first(data_set: memoryview, *, size: int, syntax: UID) -> Dataset:
    """Return what identifies the object, of so many bytes."""
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
    """Turn what pydicom raises into an `InputError`; what came is not quoted, since it may name a patient."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"object: expected {expected}, found something else") from error


def about_object(head: Dataset, meta: FileMetaDataset) -> dict[str, str]:
    """Return what the queue says of the object.

    UIDs with leading zeros are accepted and kept as they are: systems send them, and an answer must name the same.

    Raises:
        InputError: A UID that it is filed under is missing, longer than 64 characters or no UID.
    """
    found = {name: text(head, keyword) for name, keyword in _KEYWORDS.items()}
    for name in ("uid", "sop_class", "study_uid"):
        if fault := _fault_of_uid(found[name]):
            raise InputError(f"object: expected a valid {_KEYWORDS[name]}, found {fault}")
    found["study_date"] = found["study_date"][:8]
    for name, length in (("series_uid", 64), ("modality", 16)):
        found[name] = found[name][:length]
    return found | {"syntax": str(meta.TransferSyntaxUID)[:64]}


def _fault_of_uid(value: str) -> str | None:
    if not value:
        return "none"
    if len(value) > _LONGEST_UID:
        return f"one of {len(value)} characters, more than {_LONGEST_UID}"
    return None if _UID.fullmatch(value) else "one that is malformed"


def text(head: Dataset, keyword: str) -> str:
    """Return the attribute as text; empty where it is absent or cannot be decoded: a reader says what is wrong."""
    try:
        if is_undecodable(head.get_item(keyword), charsets_of(head)):
            return ""
        value = head.get(keyword)
    except Exception:  # noqa: BLE001  pydicom's converters raise anything on malformed values
        return ""
    return "" if value is None else str(value).strip(" \0").replace("\0", "")


def about_raster(digest: str) -> dict[str, str]:
    """Return what the queue says of a PNG or JPEG, which has no header: a study of its own, by its content."""
    number = uuid5(NAMESPACE_OID, digest).int
    empty = dict.fromkeys(_KEYWORDS, "")
    return empty | {"uid": f"2.25.{number}", "study_uid": f"2.25.{number}", "modality": "", "syntax": ""}


def _is_after_meta(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return tag.group != 0x0002


def _is_after_head(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return tag.group > _LAST_GROUP
