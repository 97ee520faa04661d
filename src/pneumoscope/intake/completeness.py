"""Whether an object arrived whole: its last element ends where its bytes end, and its pixel data are there.

Nothing is decoded. The elements are walked from length to length, without recursion and in time linear in their
number, so that a node can ask this of every object before it accepts one.
"""

import re
import zlib
from dataclasses import dataclass
from typing import TypeAlias

from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from pneumoscope.intake.limits import MAX_ELEMENTS, MAX_INFLATED_BYTES, MAX_TAIL_BYTES

Buffer: TypeAlias = bytes | bytearray | memoryview

_END_OF_CODESTREAM = b"\xff\xd9"
_PNG_MAGIC, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xae\x42\x60\x82"
_JPEG_MAGIC = b"\xff\xd8\xff"

_FIRST_GROUPS = (b"\x02\x00", b"\x08\x00", b"\x00\x08")

_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_TRANSFER_SYNTAX, _SOP_CLASS, _ROWS = 0x00020010, 0x00080016, 0x00280010
_PIXEL_DATA = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_UNDEFINED = 0xFFFFFFFF
_CLOSES = {_ITEM_END: frozenset({"item"}), _SEQUENCE_END: frozenset({"sequence", "fragments"})}
_LONG_VRS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_VR = re.compile(rb"[A-Z]{2}")


def missing_from_file(content: Buffer) -> str | None:
    """Return what a DICOM, PNG or JPEG file lacks at its end, in words; None where it is whole.

    A file of another kind, or whose elements make no sense, is nobody's half: reading it says what is wrong.
    """
    view = memoryview(content)
    if bytes(view[: len(_PNG_MAGIC)]) == _PNG_MAGIC:
        return None if _PNG_END in bytes(view[-MAX_TAIL_BYTES:]) else "the end of a PNG image (IEND)"
    if bytes(view[: len(_JPEG_MAGIC)]) == _JPEG_MAGIC:
        return None if _END_OF_CODESTREAM in bytes(view[-MAX_TAIL_BYTES:]) else "the end of a JPEG image (FFD9)"
    start = next((at + 4 for at in (128, 0) if bytes(view[at : at + 4]) == b"DICM"), 0)
    if start == 0 and bytes(view[:2]) not in _FIRST_GROUPS:
        return None
    meta = _Walk(view, start, syntax=ExplicitVRLittleEndian, group=0x0002)
    if missing := meta.missing():
        return missing
    syntax = UID(meta.syntax) if meta.syntax else _told_by(view[meta.at :])
    return missing_from_data_set(view[meta.at :], syntax=syntax)


def missing_from_data_set(data_set: Buffer, *, syntax: str) -> str | None:
    """Return what an encoded data set lacks at its end, in words; None where it is whole.

    Whole means: each element has all the bytes that its length promises; each open sequence has its delimiter, or,
    for encapsulated pixel data, the last fragment has the end marker of its codestream; an object with Rows or
    of an image's SOP Class has Pixel Data.

    Source:
        PS3.5 Sections 7.1, 7.5 (sequences) and A.4 (encapsulation: the Sequence Delimitation Item ends it).
    """
    view = memoryview(data_set)
    if syntax == DeflatedExplicitVRLittleEndian:
        inflated = _inflated(view)
        if inflated is None:
            return "the end of a deflated data set"
        view = memoryview(inflated)
    walk = _Walk(view, 0, syntax=syntax)
    if missing := walk.missing():
        return missing
    return "Pixel Data (7FE0,0010)" if walk.is_image and not walk.has_pixels else None


def _inflated(view: memoryview) -> bytes | None:
    """Return the inflated data set; None where the stream does not end, empty where it is no such stream."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = stream.decompress(view, MAX_INFLATED_BYTES)
    except zlib.error:
        return b""
    return content if stream.eof or stream.unconsumed_tail else None


def _told_by(view: memoryview) -> UID:
    """Return the uncompressed transfer syntax of a data set that does not say its own (PS3.5 7.1)."""
    if bytes(view[:2]) == b"\x00\x08":
        return UID(ExplicitVRBigEndian)
    return UID(ExplicitVRLittleEndian if _VR.fullmatch(bytes(view[4:6])) else ImplicitVRLittleEndian)


@dataclass(frozen=True, slots=True)
class _Open:
    """A sequence, item or run of fragments of undefined length, and whether the VRs around it are implicit."""

    kind: str
    implicit: bool


class _Walk:
    """Steps over the elements of one data set; stops where they end, break off or make no sense."""

    def __init__(self, view: memoryview, at: int, *, syntax: str, group: int | None = None) -> None:
        self.at = at
        self.syntax = ""
        self.is_image = self.has_pixels = False
        self._view = view
        self._group = group
        self._little = syntax != ExplicitVRBigEndian
        self._implicit = syntax == ImplicitVRLittleEndian
        self._open: list[_Open] = []
        self._last_fragment = view[:0]

    def missing(self) -> str | None:
        """Walk to the end; return what is missing there."""
        for _ in range(MAX_ELEMENTS):
            if self.at >= len(self._view) or self._is_past_group() or self._is_tail():
                break
            if self.at + 8 > len(self._view):
                return "the rest of an element's tag and length"
            step = self._item() if self._tag() >> 16 == 0xFFFE else self._element()
            if step is not None:
                return step or None
        else:
            return None
        if self._open and not (self._is_in_fragments() and self._ends_in_marker()):
            return "the Sequence Delimitation Item (FFFE,E0DD)"
        return None

    def _number(self, at: int, size: int) -> int:
        return int.from_bytes(self._view[at : at + size], "little" if self._little else "big")

    def _tag(self) -> int:
        return self._number(self.at, 2) << 16 | self._number(self.at + 2, 2)

    def _is_past_group(self) -> bool:
        return self._group is not None and not self._open and self._number(self.at, 2) != self._group

    def _is_tail(self) -> bool:
        """Whether all is there and only padding follows, as some writers append it."""
        return self.has_pixels and not self._open and len(self._view) - self.at <= MAX_TAIL_BYTES

    def _is_in_fragments(self) -> bool:
        return len(self._open) == 1 and self._open[0].kind == "fragments"

    def _ends_in_marker(self) -> bool:
        return _END_OF_CODESTREAM in bytes(self._last_fragment[-MAX_TAIL_BYTES:])

    def _skip(self, length: int, *, what: str) -> str | None:
        if self.at + length > len(self._view):
            return f"{self.at + length - len(self._view):,} bytes of {what}"
        self.at += length
        return None

    def _item(self) -> str | None:
        """Step over an item or delimiter; a text says what is missing, an empty one that nothing makes sense."""
        tag, length = self._tag(), self._number(self.at + 4, 4)
        self.at += 8
        if tag == _ITEM and length != _UNDEFINED:
            if self._is_in_fragments():
                self._last_fragment = self._view[self.at : self.at + length]
            return self._skip(length, what="pixel data" if self._is_in_fragments() else "a sequence's item")
        if tag == _ITEM:
            self._push("item", implicit=self._implicit)
            return None
        if not self._open or self._open[-1].kind not in _CLOSES.get(tag, ()):
            return ""
        self._implicit = self._open.pop().implicit
        return None

    def _push(self, kind: str, *, implicit: bool) -> None:
        self._open.append(_Open(kind, self._implicit))
        self._implicit = implicit

    def _element(self) -> str | None:
        """Step over an element; texts as in `_item`."""
        tag = self._tag()
        vr, length = b"", 0
        if self._implicit:
            length, header = self._number(self.at + 4, 4), 8
        else:
            vr = bytes(self._view[self.at + 4 : self.at + 6])
            if not _VR.fullmatch(vr):
                return "the rest of the data set: zeros follow" if self._zeros_follow() else ""
            header = 12 if vr in _LONG_VRS else 8
            if self.at + header > len(self._view):
                return "the rest of an element's tag and length"
            length = self._number(self.at + 8, 4) if header == 12 else self._number(self.at + 6, 2)
        if self._implicit and self._zeros_follow():
            return "the rest of the data set: zeros follow"
        if not self._open:
            self._note(tag, self.at + header, length)
        self.at += header
        if length != _UNDEFINED:
            return self._skip(length, what="pixel data" if tag in _PIXEL_DATA else "an element's value")
        is_pixels = tag in _PIXEL_DATA and not self._open
        self._push("fragments" if is_pixels else "sequence", implicit=self._implicit or vr == b"UN")
        return None

    def _note(self, tag: int, at: int, length: int) -> None:
        """Keep what is known by an element of the outermost level."""
        if tag in (_TRANSFER_SYNTAX, _SOP_CLASS) and length <= 64:
            value = bytes(self._view[at : at + length]).decode("ascii", "replace").strip(" \0")
            if tag == _TRANSFER_SYNTAX:
                self.syntax = value
            else:
                self.is_image |= "Image Storage" in UID(value).name
        self.is_image |= tag == _ROWS
        self.has_pixels |= tag in _PIXEL_DATA

    def _zeros_follow(self) -> bool:
        """Whether nothing but zeros is left: space that a copy reserved and has not filled yet."""
        return self._tag() == 0 and not any(self._view[self.at : self.at + 4096]) and not any(self._view[-64:])
