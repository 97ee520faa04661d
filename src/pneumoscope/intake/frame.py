"""The stored values of a single grey frame, native or compressed; sizes are agreed before anything is allocated."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Integer
from pydicom import Dataset, uid
from pydicom.encaps import generate_fragments, parse_basic_offsets

from pneumoscope.core import UnreadableError
from pneumoscope.intake.codestream import (
    Codestream,
    describe_jpeg,
    describe_jpeg2000,
    without_fill,
    without_jp2_boxes,
)
from pneumoscope.intake.faults import third_party
from pneumoscope.intake.header import integer, text
from pneumoscope.intake.limits import MAX_PIXELS

GREY = ("MONOCHROME1", "MONOCHROME2")

NATIVE = {
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.DeflatedExplicitVRLittleEndian,
}
JPEG = {uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLossless, uid.JPEGLosslessSV1}
JPEG_LS = {uid.JPEGLSLossless, uid.JPEGLSNearLossless}
JPEG_2000 = {
    uid.JPEG2000Lossless,
    uid.JPEG2000,
    uid.HTJ2KLossless,
    uid.HTJ2KLosslessRPCL,
    uid.HTJ2K,
}
SUPPORTED = NATIVE | JPEG | JPEG_LS | JPEG_2000 | {uid.RLELossless}

Stored = Integer[np.ndarray, "h w"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelData:
    """The value of Pixel Data as it is in the file, with what is needed to decode it."""

    value: bytes
    vr: str
    syntax: uid.UID


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameShape:
    """The Image Pixel module (PS3.3 C.7.6.3) of a single grey frame."""

    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool

    @property
    def n_bytes(self) -> int:
        """Length of the frame when it is not compressed."""
        return self.rows * self.columns * self.bits_allocated // 8


def is_single_grey(header: Dataset) -> bool:
    """Whether the header describes one frame of one grey sample a pixel; the checks say what else it is."""
    return (
        integer(header, "SamplesPerPixel", absent=1) == 1
        and integer(header, "NumberOfFrames", absent=1) == 1
        and text(header, "PhotometricInterpretation") in GREY
    )


def shape_of(header: Dataset, *, path: str) -> FrameShape:
    """The frame that the header describes.

    Raises:
        UnreadableError: An attribute is absent, contradicts another, or asks for more than `MAX_PIXELS`.
    """
    rows, columns = size_of(header, path=path)
    allocated, stored = (_required(header, keyword, path=path) for keyword in ("BitsAllocated", "BitsStored"))
    if allocated not in {8, 16} or not 1 <= stored <= allocated:
        found = f"Bits Allocated {allocated}, Bits Stored {stored}"
        raise _unreadable("Bits Allocated 8 or 16, Bits Stored no more", found=found, path=path)
    high = integer(header, "HighBit")
    high = stored - 1 if high is None else high
    if not stored - 1 <= high < allocated:
        raise _unreadable(f"High Bit {stored - 1} to {allocated - 1}", found=str(high), path=path)
    representation = _required(header, "PixelRepresentation", path=path)
    if representation not in {0, 1}:
        raise _unreadable("Pixel Representation 0 or 1", found=str(representation), path=path)
    return FrameShape(
        rows=rows,
        columns=columns,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high,
        signed=representation == 1,
    )


def size_of(header: Dataset, *, path: str) -> tuple[int, int]:
    """Rows and Columns of any image.

    Raises:
        UnreadableError: One is absent, or they ask for no pixel or more than `MAX_PIXELS`.
    """
    rows, columns = (_required(header, keyword, path=path) for keyword in ("Rows", "Columns"))
    if rows < 1 or columns < 1 or rows * columns > MAX_PIXELS:
        expected = f"1 to {MAX_PIXELS:,} pixels"
        raise _unreadable(expected, found=f"Rows x Columns {rows} x {columns}", path=path)
    return rows, columns


def stored_values(header: Dataset, pixel_data: PixelData, *, path: str) -> Stored:
    """The stored values of a single grey frame: 8- or 16-bit integers, signed where the header says so.

    Raises:
        UnreadableError: The pixel data do not agree with the header, or cannot be decoded.
    """
    shape = shape_of(header, path=path)
    data, syntax = pixel_data.value, pixel_data.syntax
    if syntax in NATIVE:
        # PS3.5 Section 7.3 and Annex A.3: bytes are swapped in pairs, of 8-bit samples only if coded as words.
        swapped = syntax == uid.ExplicitVRBigEndian and (shape.bits_allocated == 16 or pixel_data.vr == "OW")
        return _native(data, shape, big_endian=swapped, path=path)
    with third_party("pixel_data", expected="encapsulated fragments", path=path):
        data = _only_frame(data, path=path)
    if syntax == uid.RLELossless:
        return _native(_run_length_decoded(data, shape, path=path), shape, big_endian=False, path=path)
    return _from_codestream(data, shape, syntax=syntax, path=path)


def _required(header: Dataset, keyword: str, *, path: str) -> int:
    value = integer(header, keyword)
    if value is None:
        raise _unreadable(f"{keyword} as one whole number", found="none", path=path)
    return value


def _unreadable(expected: str, *, found: str, path: str) -> UnreadableError:
    return UnreadableError("pixel_description", expected=expected, found=found, path=path)


def _native(data: bytes, shape: FrameShape, *, big_endian: bool, path: str) -> Stored:
    padded = shape.n_bytes + shape.n_bytes % 2
    if len(data) not in {shape.n_bytes, padded}:
        expected = f"{shape.n_bytes:,} bytes for Rows x Columns {shape.rows} x {shape.columns}"
        raise UnreadableError("pixel_data", expected=expected, found=f"{len(data):,}", path=path)
    if big_endian:
        words = np.frombuffer(data.ljust(padded, b"\0"), dtype=">u2")
        data = words.astype("<u2").tobytes()
    unsigned = np.frombuffer(data, dtype=f"<u{shape.bits_allocated // 8}", count=shape.rows * shape.columns)
    return _without_unused_bits(unsigned.reshape(shape.rows, shape.columns), shape)


def _without_unused_bits(unsigned: Stored, shape: FrameShape) -> Stored:
    """The Bits Stored bits below and at High Bit; the others may hold anything, once overlays (PS3.5 8.1.1)."""
    left = shape.bits_allocated - 1 - shape.high_bit
    right = shape.bits_allocated - shape.bits_stored
    values = unsigned.view(unsigned.dtype.str.replace("u", "i")) if shape.signed else unsigned
    if right == 0:
        return values
    return np.asarray(np.left_shift(values, left) >> right)  # arithmetic for signed values: extends the sign


def _only_frame(data: bytes, *, path: str) -> bytes:
    stream = io.BytesIO(data)
    n_frames = len(parse_basic_offsets(stream))
    if n_frames > 1:
        found = f"{n_frames} in the Basic Offset Table"
        raise UnreadableError("pixel_data", expected="one frame, as the header says", found=found, path=path)
    return b"".join(generate_fragments(stream))


def _run_length_decoded(data: bytes, shape: FrameShape, *, path: str) -> bytes:
    from imagecodecs import dicomrle_decode

    with third_party("pixel_data", expected="a run-length coded frame (PS3.5 Annex G)", path=path):
        return bytes(dicomrle_decode(data, f"<u{shape.bits_allocated // 8}", out=bytearray(shape.n_bytes)))


def _from_codestream(data: bytes, shape: FrameShape, *, syntax: uid.UID, path: str) -> Stored:
    data = without_fill(data, path=path)
    if syntax in JPEG_2000:
        data = without_jp2_boxes(data)
        codestream = describe_jpeg2000(data, path=path)
    else:
        codestream = describe_jpeg(data, path=path)
    declared = (codestream.rows, codestream.columns, codestream.components)
    if declared != (shape.rows, shape.columns, 1) or not 1 <= codestream.bits <= 16:
        expected = f"a frame of {shape.rows} x {shape.columns} x 1 with up to 16 bits"
        found = "{} x {} x {} with {} bits".format(*declared, codestream.bits)
        raise UnreadableError("pixel_data", expected=expected, found=found, path=path)
    values = np.empty((shape.rows, shape.columns), dtype=_sample_type(codestream))
    decode = _decoder(syntax)
    with third_party("pixel_data", expected=f"a frame coded as {syntax.name}", path=path):
        decode(data, out=values)
    return _with_the_headers_sign(values, codestream, shape)


def _sample_type(codestream: Codestream) -> np.dtype[Any]:
    return np.dtype(f"{'i' if codestream.signed else 'u'}{1 if codestream.bits <= 8 else 2}")


def _decoder(syntax: uid.UID) -> Callable[..., Any]:
    import imagecodecs

    if syntax in JPEG_2000:
        return imagecodecs.jpeg2k_decode
    if syntax in JPEG_LS:
        return imagecodecs.jpegls_decode
    return imagecodecs.jpeg8_decode


def _with_the_headers_sign(values: Stored, codestream: Codestream, shape: FrameShape) -> Stored:
    """Samples as the header's Pixel Representation means them, whatever the codestream calls them.

    JPEG and JPEG-LS know no sign, and JPEG 2000 writers often declare the wrong one (pydicom issues 1149, 2073).
    Bits above Bits Stored are kept where the signs agree: a lossy codec may overshoot, and masking would wrap
    white around to black.
    """
    if codestream.signed == shape.signed:
        return values
    size = 8 * values.itemsize
    if shape.signed:
        unused = size - min(codestream.bits, shape.bits_stored)
        return np.asarray(np.left_shift(values.view(f"i{values.itemsize}"), unused) >> unused)
    unused = size - codestream.bits
    return np.asarray(np.left_shift(values.view(f"u{values.itemsize}"), unused) >> unused)
