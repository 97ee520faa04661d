"""What the header says of stored values and the values themselves disprove: too few bits, or the wrong sign.

Where a value wraps around, neighbours that are nearly equal in truth differ by the whole range. So the pairs of
neighbours across a wrap tell which reading is an image: those that are smooth by the header, or by another one.
"""

import numpy as np
from jaxtyping import Bool, Int32, Integer

from pneumoscope.intake.frame import FrameShape

_PAIRS = 250_000
"""About so many pairs of neighbours are looked at."""

_FEWEST_PAIRS, _SMALLEST_SHARE = 8, 0.0005
_SURER_BY = 4
_FEWEST_LEVELS, _LARGEST_SHARE = 8, 0.5
"""An image beyond the wrap has many values; a burned-in marker, a plane of an overlay or padding has one or two."""

_TYPICAL_PERCENTILE, _TYPICAL_TIMES = 95, 4
_LARGEST_STEP = 0.25
"""Of the range at which values wrap around: neighbours that differ by more are not smooth either way."""


def contradictions(
    values: Integer[np.ndarray, "h w"],
    shape: FrameShape,
    *,
    allocated: Integer[np.ndarray, "h w"] | None = None,
) -> tuple[str, ...]:
    """Return what is wrong with Bits Stored and Pixel Representation, by the pixels; nothing where all agrees.

    Args:
        values: The stored values as the header has them read.
        shape: The header's word on them.
        allocated: All Bits Allocated bits of uncompressed values, unsigned.

    Source:
        PS3.5 Section 8.1.1: bits that are not stored may hold anything, so that bits that merely differ prove nothing;
        bits that continue the image do.
    """
    step, modulus = max(1, values.size // _PAIRS), 1 << shape.bits_stored
    read = np.asarray(values[::step], dtype=np.int32)
    if allocated is not None:
        whole = np.asarray(allocated[::step], dtype=np.int32)
        size = 8 * allocated.itemsize
        for meant, name in ((whole, "unsigned"), (_signed(whole, size), "signed")):
            if (meant != read).any() and _is_the_image(meant, read, beyond=_unused(whole, shape), modulus=modulus):
                bits = int(meant.max()).bit_length() if name == "unsigned" else size
                return (f"Bits Stored {shape.bits_stored}: the bits above are part of the image ({bits} bits, {name})",)
    if shape.are_codes:
        return ()
    other = _with_other_sign(read, shape)
    beyond = read < 0 if shape.signed else other < 0
    if (other != read).any() and _is_the_image(other, read, beyond=beyond, modulus=modulus):
        said = int(shape.signed)
        meant_as = "unsigned" if shape.signed else "signed"
        return (f"Pixel Representation {said}: the values are {meant_as}, and wrap around as the header has them",)
    return ()


def _unused(whole: Int32[np.ndarray, "h w"], shape: FrameShape) -> Int32[np.ndarray, "h w"]:
    return whole >> (shape.high_bit + 1)


def _signed(whole: Int32[np.ndarray, "h w"], bits: int) -> Int32[np.ndarray, "h w"]:
    return np.asarray(np.where(whole >= 1 << (bits - 1), whole - (1 << bits), whole), dtype=np.int32)


def _with_other_sign(read: Int32[np.ndarray, "h w"], shape: FrameShape) -> Int32[np.ndarray, "h w"]:
    modulus = 1 << shape.bits_stored
    if shape.signed:
        return np.asarray(read % modulus, dtype=np.int32)
    return np.asarray(np.where((read >= modulus // 2) & (read < modulus), read - modulus, read), dtype=np.int32)


def _is_the_image(
    meant: Int32[np.ndarray, "h w"], read: Int32[np.ndarray, "h w"], *, beyond: Integer[np.ndarray, "h w"], modulus: int
) -> bool:
    """Whether `meant` is smooth where it and `read` part, and `read` is not."""
    parting = beyond[:, 1:] != beyond[:, :-1]
    fewest = max(_FEWEST_PAIRS, _SMALLEST_SHARE * parting.size)
    if np.count_nonzero(parting) < fewest or not _varies(meant, parting, beyond=beyond):
        return False
    by_header, otherwise = _differences(read), _differences(meant)
    together = by_header[~parting]
    typical = np.percentile(together, _TYPICAL_PERCENTILE) if together.size else 0.0
    smooth = max(2.0, min(_TYPICAL_TIMES * float(typical), _LARGEST_STEP * modulus))
    smooth_by_header = np.count_nonzero(by_header[parting] <= smooth)
    smooth_otherwise = np.count_nonzero(otherwise[parting] <= smooth)
    return bool(smooth_otherwise >= fewest and smooth_otherwise > _SURER_BY * smooth_by_header)


def _varies(
    meant: Int32[np.ndarray, "h w"], parting: Bool[np.ndarray, "h v"], *, beyond: Integer[np.ndarray, "h w"]
) -> bool:
    """Whether the values on the far side of the wrap are many, as an image's are."""
    first = beyond[:, :-1].astype(np.int32) > beyond[:, 1:].astype(np.int32)
    far = np.where(first, meant[:, :-1], meant[:, 1:])[parting]
    _, counts = np.unique(far, return_counts=True)
    return counts.size >= _FEWEST_LEVELS and int(counts.max()) <= _LARGEST_SHARE * far.size


def _differences(values: Int32[np.ndarray, "h w"]) -> Int32[np.ndarray, "h v"]:
    return np.abs(np.diff(values, axis=1))
