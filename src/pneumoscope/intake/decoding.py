"""The stored values of a single grey frame, native or compressed; nothing is allocated before sizes are agreed."""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Integer
from pydicom import Dataset, uid
from pydicom.encaps import generate_fragments, parse_basic_offsets

from pneumoscope.core import UnreadableError
from pneumoscope.intake.codestream import (
    Codestream,
    Coding,
    coding_of,
    describe_jpeg,
    describe_jpeg2000,
    up_to_end_marker,
    without_jp2_boxes,
    without_rle_tail,
)
from pneumoscope.intake.contradictions import contradictions
from pneumoscope.intake.faults import third_party
from pneumoscope.intake.frame import JPEG, JPEG_2000, JPEG_LS, NATIVE, FrameShape, PixelData, shape_of
from pneumoscope.intake.header import text
from pneumoscope.intake.limits import MAX_TAIL_BYTES

Stored = Integer[np.ndarray, "h w"]

_ITEM_TAG = b"\xfe\xff\x00\xe0"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """A decoded frame.

    Attributes:
        values: 8- or 16-bit integers, signed where the header says so.
        steps: What was bent to decode it.
        doubts: What the header says of the values and the values disprove.
    """

    values: Stored
    steps: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    def after(self, *steps: str) -> "Frame":
        """Return the frame with remarks on what came before."""
        return replace(self, steps=(*(step for step in steps if step), *self.steps))


def decode(header: Dataset, pixel_data: PixelData, *, path: str) -> Frame:
    """Return the stored values of a single grey frame.

    How the pixel data are coded is told by their first bytes where the transfer syntax is not stated or is wrong.

    Raises:
        UnreadableError: The pixel data do not agree with the header, or cannot be decoded.
    """
    shape = shape_of(header, path=path)
    frames = "Number of Frames: 0, taken as 1" if text(header, "NumberOfFrames") == "0" else ""
    stated = _stated_coding(pixel_data.syntax)
    looks_coded = len(pixel_data.value) < shape.n_bytes and (
        pixel_data.value.startswith(_ITEM_TAG) or coding_of(pixel_data.value) is not None
    )
    if stated is None and not pixel_data.is_encapsulated and not looks_coded:
        return _native(pixel_data, shape, path=path).after(frames)
    if stated is not None and _is_native_after_all(pixel_data, shape):
        step = f"transfer syntax: {pixel_data.syntax.name} stated, pixels are not compressed"
        plain = replace(pixel_data, syntax=uid.ExplicitVRLittleEndian)
        return _native(plain, shape, path=path).after(frames, step)
    data = pixel_data.value
    if pixel_data.is_encapsulated or data.startswith(_ITEM_TAG):
        with third_party("pixel_data", expected="encapsulated fragments", path=path):
            data = _only_frame(data, path=path)
    coding = coding_of(data) or stated
    if coding is None:
        expected = "a Transfer Syntax UID (0002,0010) that says how the encapsulated pixel data are compressed"
        found = "none" if not pixel_data.is_stated else pixel_data.syntax.name
        raise UnreadableError("transfer_syntax", expected=expected, found=found, path=path)
    said = pixel_data.syntax.name if pixel_data.is_stated else "none"
    recognised = f"transfer syntax: {said} stated, {coding} recognised" if coding is not stated else ""
    if coding is Coding.RLE:
        return _run_length_decoded(data, shape, path=path).after(frames, recognised)
    return _from_codestream(data, shape, coding=coding, path=path).after(frames, recognised)


def _stated_coding(syntax: uid.UID) -> Coding | None:
    """Return how the transfer syntax says that frames are compressed; None where it says that they are not."""
    for coding, syntaxes in ((Coding.JPEG, JPEG), (Coding.JPEG_LS, JPEG_LS), (Coding.JPEG_2000, JPEG_2000)):
        if syntax in syntaxes:
            return coding
    return None if syntax in NATIVE else Coding.RLE


def _is_native_after_all(pixel_data: PixelData, shape: FrameShape) -> bool:
    if pixel_data.is_encapsulated or pixel_data.value.startswith(_ITEM_TAG) or coding_of(pixel_data.value):
        return False
    return len(pixel_data.value) in {shape.n_bytes, shape.n_bytes + shape.n_bytes % 2}


def _native(pixel_data: PixelData, shape: FrameShape, *, path: str) -> Frame:
    """Return the values of an uncompressed frame; what follows the last of them, within limits, is padding.

    Source:
        PS3.5 Section 8.1.1 (padding after the pixels), Section 7.3 and Annex A.3 (big endian: bytes are swapped in
        pairs, of 8-bit samples only if coded as words).
    """
    data, syntax = pixel_data.value, pixel_data.syntax
    tail = len(data) - shape.n_bytes
    if not 0 <= tail <= MAX_TAIL_BYTES or tail > max(1, shape.n_bytes // 2):
        expected = f"{shape.n_bytes:,} bytes for Rows x Columns {shape.rows} x {shape.columns}"
        raise UnreadableError("pixel_data", expected=expected, found=f"{len(data):,}", path=path)
    if syntax == uid.ExplicitVRBigEndian and (shape.bits_allocated == 16 or pixel_data.vr == "OW"):
        words = np.frombuffer(data[: len(data) // 2 * 2].ljust(shape.n_bytes + shape.n_bytes % 2, b"\0"), dtype=">u2")
        data = words.astype("<u2").tobytes()
    padded = shape.n_bytes % 2
    return _from_bytes(data, shape, steps=_tail_step(tail) if tail > padded else ())


def _tail_step(tail: int) -> tuple[str, ...]:
    return (f"pixel data: {tail:,} bytes after the last sample ignored",) if tail else ()


def _from_bytes(data: bytes, shape: FrameShape, *, steps: tuple[str, ...]) -> Frame:
    count = shape.rows * shape.columns
    unsigned = np.frombuffer(data, dtype=f"<u{shape.bits_allocated // 8}", count=count)
    unsigned = unsigned.reshape(shape.rows, shape.columns)
    values = _without_unused_bits(unsigned, shape)
    return Frame(values=values, steps=steps, doubts=contradictions(values, shape, allocated=unsigned))


def _without_unused_bits(unsigned: Stored, shape: FrameShape) -> Stored:
    """Return the Bits Stored bits below and at High Bit; the others may hold anything, once overlays (PS3.5 8.1.1)."""
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


def _run_length_decoded(data: bytes, shape: FrameShape, *, path: str) -> Frame:
    from imagecodecs import dicomrle_decode

    kind, expected = f"<u{shape.bits_allocated // 8}", "a run-length coded frame (PS3.5 Annex G)"
    steps: tuple[str, ...] = ()
    with third_party("pixel_data", expected=expected, path=path):
        try:
            decoded = bytes(dicomrle_decode(data, kind, out=bytearray(shape.n_bytes)))
        except Exception:
            whole = without_rle_tail(data, samples=shape.rows * shape.columns)
            if len(whole) == len(data):
                raise
            decoded = bytes(dicomrle_decode(whole, kind, out=bytearray(shape.n_bytes)))
            steps = _tail_step(len(data) - len(whole))
    if len(decoded) != shape.n_bytes:
        found = f"{len(decoded):,} bytes"
        raise UnreadableError("pixel_data", expected=f"{shape.n_bytes:,} bytes decoded", found=found, path=path)
    return _from_bytes(decoded, shape, steps=steps)


def _from_codestream(data: bytes, shape: FrameShape, *, coding: Coding, path: str) -> Frame:
    data, tail = up_to_end_marker(data, path=path)
    if coding is Coding.JPEG_2000:
        data = without_jp2_boxes(data)
        codestream = describe_jpeg2000(data, path=path)
    else:
        codestream = describe_jpeg(data, path=path)
    declared = (codestream.rows, codestream.columns, codestream.components)
    if declared != (shape.rows, shape.columns, 1) or not 1 <= codestream.bits <= 16:
        expected = f"a frame of {shape.rows} x {shape.columns} x 1 with up to 16 bits"
        found = "{} x {} x {} with {} bits".format(*declared, codestream.bits)
        raise UnreadableError("pixel_data", expected=expected, found=found, path=path)
    decoded = np.empty((shape.rows, shape.columns), dtype=_sample_type(codestream))
    with third_party("pixel_data", expected=f"a frame coded as {coding}", path=path):
        _decoder(coding)(data, out=decoded)
    values = _with_the_headers_sign(decoded, codestream, shape)
    return Frame(values=values, steps=_tail_step(tail), doubts=contradictions(values, shape))


def _sample_type(codestream: Codestream) -> np.dtype[Any]:
    return np.dtype(f"{'i' if codestream.signed else 'u'}{1 if codestream.bits <= 8 else 2}")


def _decoder(coding: Coding) -> Callable[..., Any]:
    import imagecodecs

    if coding is Coding.JPEG_2000:
        return imagecodecs.jpeg2k_decode
    return imagecodecs.jpegls_decode if coding is Coding.JPEG_LS else imagecodecs.jpeg8_decode


def _with_the_headers_sign(values: Stored, codestream: Codestream, shape: FrameShape) -> Stored:
    """Return samples as the header's Pixel Representation means them, whatever the codestream calls them.

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
