"""Bytes -> DICOM data set, with or without preamble and file meta information, within limits."""

import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from pydicom import DataElement, Dataset, uid
from pydicom.datadict import keyword_for_tag
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID

from pneumoscope.core import UnreadableError
from pneumoscope.intake.charset import charsets_of, is_undecodable
from pneumoscope.intake.compression import inflate
from pneumoscope.intake.faults import LimitError, quoted, third_party
from pneumoscope.intake.frame import SUPPORTED, PixelData
from pneumoscope.intake.limits import (
    MAX_DEPTH,
    MAX_ELEMENT_BYTES,
    MAX_HEADER_BYTES,
    MAX_INFLATED_BYTES,
    MAX_PRIVATE_BYTES,
    MAX_READS,
)

_PREAMBLE_BYTES = 128
_START_BYTES = 132
_UNDEFINED_LENGTH = 0xFFFFFFFF
_PREFIX = b"DICM"
_PIXEL_DATA = Tag("PixelData")
_TELLING = ("SOPClassUID", "Rows")
_VR = re.compile(rb"[A-Z]{2}")
_FIRST_GROUPS = (b"\x02\x00", b"\x08\x00", b"\x00\x08")
_EXPECTED = "a DICOM, PNG or JPEG file"

_PIXEL_GROUP = 0x7FE0
_OVERLAY_GROUPS = range(0x6000, 0x6100)
_BULK = {0x00880200, 0x00420011}  # Icon Image Sequence, Encapsulated Document
_NEEDED_FOR_PIXELS = {0x00283000, 0x00283010}  # Modality LUT Sequence, VOI LUT Sequence


def parse(content: bytes, *, path: str) -> tuple[Dataset, PixelData | None]:
    """Return the data set and its pixel data; a data set without meta information tells its encoding (PS3.5 7.1).

    Raises:
        UnreadableError: This is no DICOM data set, its pixel data are empty, or its transfer syntax is not supported.
    """
    stream = _MeteredStream(content)
    stream.seek(_start_of_elements(content[:_START_BYTES], path=path))
    syntax, is_stated = _syntax_of(stream, path=path)
    if syntax not in SUPPORTED:
        expected = "an uncompressed, RLE, JPEG, JPEG-LS or JPEG 2000 transfer syntax"
        raise UnreadableError("transfer_syntax", expected=expected, found=quoted(syntax.name), path=path)
    if syntax == uid.DeflatedExplicitVRLittleEndian:
        rest = content[stream.tell() :]
        stream = _MeteredStream(inflate(rest, limit=MAX_INFLATED_BYTES, check="size", path=path))
    # Two reads: pydicom forgets the whole data set when its last element, the pixel data, is cut off.
    implicit, little = syntax == uid.ImplicitVRLittleEndian, syntax != uid.ExplicitVRBigEndian
    with third_party("format", expected="a DICOM data set", path=path):
        dataset = read_dataset(stream, implicit, little, stop_when=_is_pixels)
        pixels = read_dataset(stream, dataset.original_encoding[0] is True, little)
    if _PIXEL_DATA not in pixels and not any(keyword in dataset for keyword in _TELLING):
        raise UnreadableError("format", expected=_EXPECTED, found="none of them", path=path)
    return dataset, _pixel_data(pixels, syntax=syntax, is_stated=is_stated, path=path)


def parse_until_pixels(file: Path, *, path: str) -> Dataset:
    """Return the data set of a file up to its pixel data, which are not read; parsed as `parse` does.

    How the pixel data are compressed does not matter.

    Raises:
        UnreadableError: This is no DICOM data set.
        OSError: The file cannot be read.
    """
    with file.open("rb", buffering=0) as raw, _MeteredFile(raw) as stream:
        return _until_pixels(stream, path=path)


def _until_pixels(stream: BinaryIO, *, path: str) -> Dataset:
    stream.seek(_start_of_elements(stream.read(_START_BYTES), path=path))
    syntax, _ = _syntax_of(stream, path=path)
    if syntax == uid.DeflatedExplicitVRLittleEndian:
        rest = stream.read(MAX_INFLATED_BYTES)
        stream = _MeteredStream(inflate(rest, limit=MAX_INFLATED_BYTES, check="size", path=path))
    implicit, little = syntax == uid.ImplicitVRLittleEndian, syntax != uid.ExplicitVRBigEndian
    with third_party("format", expected="a DICOM data set", path=path):
        dataset = read_dataset(stream, implicit, little, stop_when=_is_pixels)
    if not any(keyword in dataset for keyword in _TELLING):
        raise UnreadableError("format", expected=_EXPECTED, found="none of them", path=path)
    return dataset


def _syntax_of(stream: BinaryIO, *, path: str) -> tuple[UID, bool]:
    """Return the transfer syntax of the data set that follows the meta information, and whether that states it."""
    with third_party("format", expected="file meta information", path=path):
        meta = read_dataset(stream, False, True, stop_when=_is_after_meta)
        stated = str(meta.get("TransferSyntaxUID") or "").strip(" \0")
    if not stated:
        at = stream.tell()
        first = stream.read(6)
        stream.seek(at)
        return _native_syntax(first), False
    return UID(stated), True


def header_of(dataset: Dataset, *, path: str) -> tuple[Dataset, tuple[str, ...]]:
    """Return the data set without pixels, overlays, icons and vendors' raw data, and a sentence for what was bent.

    Every element at every level is decoded now and dropped if it cannot be, so that none raises later. Text that is
    not in the declared character set stays as its bytes, with the representation OB.

    Raises:
        UnreadableError: What is left is larger than `MAX_HEADER_BYTES`, an element has no known representation, or
            sequences are nested deeper than `MAX_DEPTH`.
    """
    with third_party("format", expected="a DICOM data set", path=path):  # an unknown VR
        raw = {tag: dataset.get_item(tag) for tag in dataset.keys()}  # noqa: SIM118  iterating would decode
    header = Dataset({tag: element for tag, element in raw.items() if not _is_bulk(tag, element)})
    implicit, little = dataset.original_encoding
    header.set_original_encoding(implicit, little, dataset.original_character_set)
    size = sum(_length(header.get_item(tag)) for tag in header.keys())  # noqa: SIM118
    if size > MAX_HEADER_BYTES:
        expected = f"a header of at most {MAX_HEADER_BYTES:,} bytes"
        raise UnreadableError("size", expected=expected, found=f"{size:,}", path=path)
    bent = _Bent()
    with third_party("format", expected="a DICOM data set", path=path):
        _decode(header, charsets_of(header), bent, depth=0)
    return header, bent.sentences(charsets_of(header))


@dataclass(frozen=True, slots=True)
class _Bent:
    """Keywords of elements that could not be taken as they are."""

    malformed: list[str] = field(default_factory=list)
    undecodable: list[str] = field(default_factory=list)

    def sentences(self, charsets: tuple[str, ...]) -> tuple[str, ...]:
        said = quoted("\\".join(charsets)) or "no character set, which means ASCII"
        found = []
        if self.malformed:
            found.append(f"malformed, ignored: {', '.join(self.malformed)}")
        if self.undecodable:
            found.append(f"text that is not in the declared character set ({said}): {', '.join(self.undecodable)}")
        return tuple(found)


def _decode(dataset: Dataset, charsets: tuple[str, ...], bent: _Bent, *, depth: int) -> None:
    """Decode every element in place; a sequence's items may declare character sets of their own (PS3.3 C.12.1)."""
    if depth > MAX_DEPTH:
        raise LimitError(f"sequences nested deeper than {MAX_DEPTH}")
    for tag in list(dataset.keys()):
        try:
            if is_undecodable(raw := dataset.get_item(tag), charsets):
                bent.undecodable.append(keyword_for_tag(tag) or str(tag))
                dataset[tag] = DataElement(tag, "OB", raw.value)
                continue
            element = dataset[tag]
            children = list(element.value) if element.VR == "SQ" else []
        except Exception:  # noqa: BLE001  pydicom's converters raise anything on malformed values
            del dataset[tag]
            bent.malformed.append(keyword_for_tag(tag) or str(tag))
            continue
        for child in children:
            _decode(child, charsets_of(child) or charsets, bent, depth=depth + 1)


class _Meter:
    """Counts reads: the elements of a hostile data set cost more than its bytes."""

    _reads = 0

    def _count(self) -> None:
        self._reads += 1
        if self._reads > MAX_READS:
            raise LimitError(f"too many elements: parsing took {MAX_READS:,} reads")


class _MeteredStream(_Meter, io.BytesIO):
    """Bytes of which only so many pieces are read."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as `BytesIO` does, within the limit."""
        self._count()
        return super().read(size)


class _MeteredFile(_Meter, io.BufferedReader):
    """An open file of which only so many pieces are read, and no piece that is larger than any header."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as `BufferedReader` does, within the limits."""
        self._count()
        if size is not None and size > MAX_INFLATED_BYTES:
            raise LimitError(f"an element of {size:,} bytes")
        return super().read(size)


def _start_of_elements(content: bytes, *, path: str) -> int:
    if not content:
        raise UnreadableError("format", expected=_EXPECTED, found="an empty file", path=path)
    for start in (_PREAMBLE_BYTES, 0):
        if content[start : start + len(_PREFIX)] == _PREFIX:
            return start + len(_PREFIX)
    if not content.startswith(_FIRST_GROUPS):
        raise UnreadableError("format", expected=_EXPECTED, found="none of them", path=path)
    return 0


def _native_syntax(first: bytes) -> UID:
    """Return the uncompressed transfer syntax of a data set by its first bytes: tag and perhaps VR (PS3.5 7.1)."""
    if first[:2] == b"\x00\x08":
        return uid.ExplicitVRBigEndian
    return uid.ExplicitVRLittleEndian if _VR.fullmatch(first[4:6]) else uid.ImplicitVRLittleEndian


def without_pixels(path: str) -> UnreadableError:
    """Return the error of an image without pixel data."""
    found = "none: absent, empty or cut off"
    return UnreadableError("pixel_data", expected="Pixel Data (7FE0,0010)", found=found, path=path)


def _pixel_data(pixels: Dataset, *, syntax: UID, is_stated: bool, path: str) -> PixelData | None:
    if _PIXEL_DATA not in pixels:
        return None
    with third_party("pixel_data", expected="Pixel Data (7FE0,0010)", path=path):  # an unknown VR
        element = pixels.get_item(_PIXEL_DATA)
    if not isinstance(element.value, bytes) or not element.value:
        raise without_pixels(path)
    return PixelData(
        value=element.value,
        vr=str(element.VR),
        syntax=syntax,
        is_stated=is_stated,
        is_encapsulated=getattr(element, "length", 0) == _UNDEFINED_LENGTH,
    )


def _is_pixels(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return tag.group >= _PIXEL_GROUP


def _is_after_meta(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return tag.group != 0x0002


def _is_bulk(tag: BaseTag, element: Any) -> bool:
    if tag.group == _PIXEL_GROUP or tag.group in _OVERLAY_GROUPS or tag in _BULK:
        return True
    if tag in _NEEDED_FOR_PIXELS:
        return False
    return _length(element) > (MAX_PRIVATE_BYTES if tag.is_private else MAX_ELEMENT_BYTES)


def _length(element: Any) -> int:
    """Return the bytes of an element's value as read; a sequence that is already parsed counts for nothing."""
    return len(element.value) if isinstance(element.value, bytes) else 0
