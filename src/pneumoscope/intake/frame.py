"""What the header says of a frame: its size, its bits, how it is encoded; agreed before anything is allocated."""

from dataclasses import dataclass

from pydicom import Dataset, uid

from pneumoscope.core import UnreadableError
from pneumoscope.intake.header import integer, items, text
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelData:
    """The value of Pixel Data as it is in the file, with what is needed to decode it.

    Attributes:
        is_stated: Whether the file states its transfer syntax; else it was told by the first element.
        is_encapsulated: Whether the value is of undefined length, as compressed pixel data are.
    """

    value: bytes
    vr: str
    syntax: uid.UID
    is_stated: bool = True
    is_encapsulated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameShape:
    """The Image Pixel module (PS3.3 C.7.6.3) of a single grey frame.

    Attributes:
        are_codes: A lookup table gives the values their meaning, so that neighbours may be any numbers.
    """

    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    are_codes: bool = False

    @property
    def n_bytes(self) -> int:
        """Bytes of the frame when it is not compressed."""
        return self.rows * self.columns * self.bits_allocated // 8


def is_single_grey(header: Dataset) -> bool:
    """Return whether the header describes one frame of one grey sample a pixel; the checks say what else it is."""
    return (
        integer(header, "SamplesPerPixel", absent=1) == 1
        and frames_of(header) == 1
        and text(header, "PhotometricInterpretation") in GREY
    )


def frames_of(header: Dataset) -> int | None:
    """Return Number of Frames; 1 where it is absent, or 0 as some writers have it; None where it is no number."""
    frames = integer(header, "NumberOfFrames", absent=1)
    return 1 if frames == 0 else frames


def shape_of(header: Dataset, *, path: str) -> FrameShape:
    """Return the frame that the header describes.

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
        are_codes=bool(items(header, "ModalityLUTSequence") or items(header, "VOILUTSequence")),
    )


def size_of(header: Dataset, *, path: str) -> tuple[int, int]:
    """Return Rows and Columns of any image.

    Raises:
        UnreadableError: One is absent, or they ask for no pixel or more than `MAX_PIXELS`.
    """
    rows, columns = (_required(header, keyword, path=path) for keyword in ("Rows", "Columns"))
    if rows < 1 or columns < 1 or rows * columns > MAX_PIXELS:
        expected = f"1 to {MAX_PIXELS:,} pixels"
        raise _unreadable(expected, found=f"Rows x Columns {rows} x {columns}", path=path)
    return rows, columns


def _required(header: Dataset, keyword: str, *, path: str) -> int:
    value = integer(header, keyword)
    if value is None:
        raise _unreadable(f"{keyword} as one whole number", found="none", path=path)
    return value


def _unreadable(expected: str, *, found: str, path: str) -> UnreadableError:
    return UnreadableError("pixel_description", expected=expected, found=found, path=path)
