"""Bytes -> DICOM data set, with or without preamble and file meta information, within limits."""

import io
import re
from collections.abc import Iterator
from typing import Any

from pydicom import Dataset, uid
from pydicom.datadict import keyword_for_tag
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID

from pneumoscope.core import UnreadableError
from pneumoscope.intake.compression import inflate
from pneumoscope.intake.faults import quoted, third_party
from pneumoscope.intake.frame import SUPPORTED, PixelData
from pneumoscope.intake.limits import (
    MAX_ELEMENT_BYTES,
    MAX_HEADER_BYTES,
    MAX_INFLATED_BYTES,
    MAX_PRIVATE_BYTES,
    MAX_READS,
)

_PREAMBLE_BYTES = 128
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
    """The data set and its pixel data; without file meta information the encoding is told by itself (PS3.5 7.1).

    Raises:
        UnreadableError: This is no DICOM data set, its pixel data are empty, or its transfer syntax is not supported.
    """
    stream = _MeteredStream(content)
    stream.seek(_start_of_elements(content, path=path))
    with third_party("format", expected="file meta information", path=path):
        meta = read_dataset(stream, False, True, stop_when=_is_after_meta)
        stated = meta.get("TransferSyntaxUID")
    syntax = UID(str(stated)) if stated else _native_syntax(content[stream.tell() : stream.tell() + 6])
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
    return dataset, _pixel_data(pixels, syntax=syntax, path=path)


def header_of(dataset: Dataset, *, path: str) -> tuple[Dataset, tuple[str, ...]]:
    """The data set without pixels, overlays, icons and vendors' raw data, and the tags that could not be decoded.

    Every element at every level is decoded now and dropped if it cannot be, so that none raises later.

    Raises:
        UnreadableError: What is left is larger than `MAX_HEADER_BYTES`, or an element has no known representation.
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
    return header, tuple(_dropped_while_decoding(header))


def _dropped_while_decoding(dataset: Dataset) -> Iterator[str]:
    for tag in list(dataset.keys()):
        try:
            element = dataset[tag]
            children = list(element.value) if element.VR == "SQ" else []
        except Exception:  # noqa: BLE001  pydicom's converters raise anything on malformed values
            del dataset[tag]
            yield keyword_for_tag(tag) or str(tag)
            continue
        for child in children:
            yield from _dropped_while_decoding(child)


class _MeteredStream(io.BytesIO):
    """Bytes of which only so many pieces are read: the elements of a hostile data set cost more than its bytes."""

    _reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        if self._reads > MAX_READS:
            raise ValueError(f"too many elements: parsing took {MAX_READS:,} reads")
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
    """The uncompressed transfer syntax of a data set that starts with `first`: tag and perhaps VR (PS3.5 7.1)."""
    if first[:2] == b"\x00\x08":
        return uid.ExplicitVRBigEndian
    return uid.ExplicitVRLittleEndian if _VR.fullmatch(first[4:6]) else uid.ImplicitVRLittleEndian


def without_pixels(path: str) -> UnreadableError:
    """What there is to say of an image that has none."""
    found = "none: absent, empty or cut off"
    return UnreadableError("pixel_data", expected="Pixel Data (7FE0,0010)", found=found, path=path)


def _pixel_data(pixels: Dataset, *, syntax: UID, path: str) -> PixelData | None:
    if _PIXEL_DATA not in pixels:
        return None
    with third_party("pixel_data", expected="Pixel Data (7FE0,0010)", path=path):  # an unknown VR
        element = pixels.get_item(_PIXEL_DATA)
    if not isinstance(element.value, bytes) or not element.value:
        raise without_pixels(path)
    return PixelData(value=element.value, vr=str(element.VR), syntax=syntax)


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
    """Bytes of an element's value as read; a sequence that is already parsed counts for nothing."""
    return len(element.value) if isinstance(element.value, bytes) else 0
