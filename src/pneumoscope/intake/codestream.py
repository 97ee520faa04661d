"""What a compressed frame says of itself, read before any decoder sees it.

A decoder allocates and writes what the codestream declares, not what the DICOM header does: the two must agree.
"""

import struct
from dataclasses import dataclass
from enum import StrEnum

from pneumoscope.core import UnreadableError
from pneumoscope.intake.limits import MAX_TAIL_BYTES

_SOI = b"\xff\xd8"
_END = b"\xff\xd9"  # EOI of JPEG and JPEG-LS, EOC of JPEG 2000
_SOC_SIZ = b"\xff\x4f\xff\x51"
_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  "
_SIZ = struct.Struct(">4x8LH3B")
_SOF = struct.Struct(">BHHB")
_FRAME_MARKERS = {0xC0, 0xC1, 0xC2, 0xC3, 0xF7}  # baseline, extended, progressive, lossless; JPEG-LS
_JPEG_LS_MARKER = 0xF7
_RLE_HEADER_BYTES = 64
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
_SCAN_OR_END = {0xDA, 0xD9}


@dataclass(frozen=True, slots=True, kw_only=True)
class Codestream:
    """The frame that a codestream declares.

    Attributes:
        bits: Precision of a sample.
        signed: Whether samples are signed; JPEG and JPEG-LS know no sign.
    """

    rows: int
    columns: int
    components: int
    bits: int
    signed: bool = False


class Coding(StrEnum):
    """How a frame is compressed, as its first bytes tell."""

    JPEG = "JPEG"
    JPEG_LS = "JPEG-LS"
    JPEG_2000 = "JPEG 2000"
    RLE = "RLE"


def coding_of(data: bytes) -> Coding | None:
    """Return how a frame is compressed; None where its first bytes are those of no coding that is known.

    Source:
        ITU-T T.81 B.1.1.3, T.87 C.1.1, T.800 A.4; PS3.5 Annex G.5 (RLE header: the first of up to 15 segments begins
        after 64 bytes).
    """
    if data.startswith((_SOC_SIZ, _JP2_SIGNATURE)):
        return Coding.JPEG_2000
    if data.startswith(_SOI + b"\xff"):
        return Coding.JPEG_LS if _frame_marker(data) == (_JPEG_LS_MARKER, True) else Coding.JPEG
    segments, first = struct.unpack_from("<2L", data) if len(data) > _RLE_HEADER_BYTES else (0, 0)
    return Coding.RLE if 1 <= segments <= 15 and first == _RLE_HEADER_BYTES else None


def up_to_end_marker(data: bytes, *, path: str) -> tuple[bytes, int]:
    """Return the codestream up to its end marker, and how many bytes follow that are no fill (0 or FF).

    Within a codestream the two bytes of the end marker never follow each other. Padding by other bytes is bounded.

    Raises:
        UnreadableError: There is no end marker: the codestream is cut off. Decoders would fill the rest with
            grey, or (CharLS 2.4) never return.
    """
    filled = data.rstrip(b"\x00\xff")
    end = filled.rfind(_END, max(0, len(filled) - MAX_TAIL_BYTES)) + len(_END)
    if end < len(_END):
        expected = "a compressed frame up to its end marker (FFD9)"
        raise UnreadableError("pixel_data", expected=expected, found="one that is cut off", path=path)
    return filled[:end], len(filled) - end


def without_rle_tail(data: bytes, *, samples: int) -> bytes:
    """Return an RLE frame without what follows the last sample of its last segment, within `MAX_TAIL_BYTES`.

    Source:
        PS3.5 Annex G.3.2: the decoder (PackBits) reads until the segment's samples are complete.
    """
    segments = struct.unpack_from("<L", data)[0]
    if not 1 <= segments <= 15:
        return data
    position, decoded = struct.unpack_from("<15L", data, 4)[segments - 1], 0
    while decoded < samples and position < len(data):
        count = data[position]
        if count < 128:
            position, decoded = position + 2 + count, decoded + 1 + count
        else:
            position, decoded = position + (2 if count > 128 else 1), decoded + (257 - count if count > 128 else 0)
    whole = decoded == samples and 0 < len(data) - position <= MAX_TAIL_BYTES
    return data[:position] if whole else data


def describe_jpeg(data: bytes, *, path: str) -> Codestream:
    """Return what the frame header of a JPEG or JPEG-LS codestream declares.

    Raises:
        UnreadableError: There is none, or it is arithmetic-coded or hierarchical.

    Source:
        ITU-T T.81 (JPEG) Section B.2.2; ITU-T T.87 (JPEG-LS) Section C.2.2.
    """
    position, is_frame = _frame_marker_at(data)
    if is_frame:
        bits, rows, columns, components = _SOF.unpack_from(data, position + 4)
        return Codestream(rows=rows, columns=columns, components=components, bits=bits)
    expected = "a JPEG or JPEG-LS frame header (SOF0 to SOF3, SOF55)"
    raise UnreadableError("pixel_data", expected=expected, found="none", path=path)


def _frame_marker(data: bytes) -> tuple[int, bool]:
    position, is_frame = _frame_marker_at(data)
    return (data[position + 1], True) if is_frame else (0, False)


def _frame_marker_at(data: bytes) -> tuple[int, bool]:
    """Return where the frame header is, and whether there is one that is understood."""
    position = 2
    while data.startswith(_SOI) and position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
        elif marker in _WITHOUT_LENGTH:
            position += 2
        elif marker in _FRAME_MARKERS and position + 4 + _SOF.size <= len(data):
            return position, True
        elif marker in _SCAN_OR_END:
            break
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4])
    return position, False


def describe_jpeg2000(data: bytes, *, path: str) -> Codestream:
    """Return what the SIZ segment of a JPEG 2000 or HTJ2K codestream declares.

    Raises:
        UnreadableError: There is none, or components are subsampled.

    Source:
        ITU-T T.800 Section A.5.1.
    """
    if not data.startswith(_SOC_SIZ) or len(data) < 4 + _SIZ.size:
        raise UnreadableError("pixel_data", expected="a JPEG 2000 codestream", found="none", path=path)
    x1, y1, x0, y0, _, _, _, _, components, depth, dx, dy = _SIZ.unpack_from(data, 4)
    if (dx, dy) != (1, 1):
        raise UnreadableError("pixel_data", expected="samples at every pixel", found=f"every {dx} x {dy}", path=path)
    return Codestream(
        rows=y1 - y0, columns=x1 - x0, components=components, bits=(depth & 0x7F) + 1, signed=depth > 0x7F
    )


def without_jp2_boxes(data: bytes) -> bytes:
    """Return the JPEG 2000 codestream of `data`, out of a JP2 file where some writers put one (PS3.5 A.4.4)."""
    position = 0
    while data.startswith(_JP2_SIGNATURE) and position + 8 <= len(data):
        length, kind = struct.unpack_from(">L4s", data, position)
        if kind == b"jp2c":
            return data[position + 8 :]
        if length < 8:
            break
        position += length
    return data
