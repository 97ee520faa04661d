"""What a compressed frame says of itself, read before any decoder sees it.

A decoder allocates and writes what the codestream declares, not what the DICOM header does: the two must agree.
"""

import struct
from dataclasses import dataclass

from pneumoscope.core import UnreadableError

_SOI = b"\xff\xd8"
_END = b"\xff\xd9"  # EOI of JPEG and JPEG-LS, EOC of JPEG 2000
_SOC_SIZ = b"\xff\x4f\xff\x51"
_JP2_SIGNATURE = b"\x00\x00\x00\x0cjP  "
_SIZ = struct.Struct(">4x8LH3B")
_SOF = struct.Struct(">BHHB")
_FRAME_MARKERS = {0xC0, 0xC1, 0xC2, 0xC3, 0xF7}  # baseline, extended, progressive, lossless; JPEG-LS
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


def without_fill(data: bytes, *, path: str) -> bytes:
    """The codestream without the bytes that fill up its fragment.

    Raises:
        UnreadableError: It does not end with its end marker: it is cut off. Decoders would fill the rest with
            grey, or (CharLS 2.4) never return.
    """
    codestream = data.rstrip(b"\x00\xff")
    if not codestream.endswith(_END):
        expected = "a compressed frame up to its end marker (FFD9)"
        raise UnreadableError("pixel_data", expected=expected, found="one that is cut off", path=path)
    return codestream


def describe_jpeg(data: bytes, *, path: str) -> Codestream:
    """The frame header of a JPEG or JPEG-LS codestream.

    Raises:
        UnreadableError: There is none, or it is arithmetic-coded or hierarchical.

    Source:
        ITU-T T.81 (JPEG) Section B.2.2; ITU-T T.87 (JPEG-LS) Section C.2.2.
    """
    position = 2
    while data.startswith(_SOI) and position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
        elif marker in _WITHOUT_LENGTH:
            position += 2
        elif marker in _FRAME_MARKERS and position + 4 + _SOF.size <= len(data):
            bits, rows, columns, components = _SOF.unpack_from(data, position + 4)
            return Codestream(rows=rows, columns=columns, components=components, bits=bits)
        elif marker in _SCAN_OR_END:
            break
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4])
    expected = "a JPEG or JPEG-LS frame header (SOF0 to SOF3, SOF55)"
    raise UnreadableError("pixel_data", expected=expected, found="none", path=path)


def describe_jpeg2000(data: bytes, *, path: str) -> Codestream:
    """The SIZ segment of a JPEG 2000 or HTJ2K codestream.

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
    """The JPEG 2000 codestream of `data`, out of the JP2 file that some writers put in its place (PS3.5 A.4.4)."""
    position = 0
    while data.startswith(_JP2_SIGNATURE) and position + 8 <= len(data):
        length, kind = struct.unpack_from(">L4s", data, position)
        if kind == b"jp2c":
            return data[position + 8 :]
        if length < 8:
            break
        position += length
    return data
