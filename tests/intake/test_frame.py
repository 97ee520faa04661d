"""Bits, signs and byte order of stored values, worked by hand."""

from collections.abc import Callable

import numpy as np
import pytest
from pydicom import Dataset, uid
from pydicom.encaps import encapsulate

from pneumoscope.intake.decoding import decode
from pneumoscope.intake.frame import PixelData

Make = Callable[..., bytes]


def header(
    rows: int, columns: int, *, allocated: int = 16, stored: int = 16, high: int | None = None, signed: int = 0
) -> Dataset:
    dataset = Dataset()
    dataset.Rows, dataset.Columns = rows, columns
    dataset.BitsAllocated, dataset.BitsStored, dataset.PixelRepresentation = allocated, stored, signed
    dataset.HighBit = stored - 1 if high is None else high
    return dataset


def values(
    dataset: Dataset, data: bytes, *, syntax: uid.UID = uid.ExplicitVRLittleEndian, vr: str = "OW"
) -> np.ndarray:
    pixel_data = PixelData(value=data, vr=vr, syntax=syntax, is_encapsulated=data.startswith(b"\xfe\xff\x00\xe0"))
    return decode(dataset, pixel_data, path="test").values


def test_bits_above_the_high_bit_are_masked() -> None:
    """PS3.5 8.1.1: overlays once lived there. 0xF123 with 12 bits stored is 0x123."""
    assert values(header(1, 2, stored=12), b"\x23\xf1\xff\x0f").tolist() == [[0x123, 0xFFF]]


def test_bits_below_the_stored_ones_are_dropped() -> None:
    """PS3.5 8.1.1: 12 bits stored under High Bit 15 lie four bits up."""
    assert values(header(1, 2, stored=12, high=15), b"\x3f\x12\xf0\xff").tolist() == [[0x123, 0xFFF]]


def test_the_sign_bit_is_the_highest_stored_bit() -> None:
    """PS3.5 8.1.1: 0x0FFF in 12 signed bits is -1, 0x0800 is -2048, 0x07FF is 2047."""
    data = np.array([0x0FFF, 0x0800, 0x07FF], dtype="<u2").tobytes()
    assert values(header(1, 3, stored=12, signed=1), data).tolist() == [[-1, -2048, 2047]]


@pytest.mark.parametrize(("vr", "expected"), [("OB", [[1, 2, 3]]), ("OW", [[2, 1, 0]])])
def test_8_bit_samples_in_big_endian_words_are_swapped_in_pairs(vr: str, expected: list[list[int]]) -> None:
    """PS3.5 7.3: as words the bytes 1 2 3 0 are 0x0102 0x0300, so the samples are 2 1 0 (3)."""
    dataset = header(1, 3, allocated=8, stored=8)
    assert values(dataset, b"\1\2\3\0", syntax=uid.ExplicitVRBigEndian, vr=vr).tolist() == expected


@pytest.mark.parametrize("syntax", [uid.JPEG2000Lossless, uid.JPEGLSLossless, uid.JPEGLossless])
def test_signed_values_in_an_unsigned_codestream_are_read_as_signed(syntax: uid.UID, make_frame: Make) -> None:
    """Pydicom issue 1149: -2000 in 16 bits, coded as 63536."""
    image = np.full((16, 16), -2000, dtype="<i2")
    image[0] = 5
    decoded = values(header(16, 16, signed=1), encapsulate([make_frame(image, syntax)]), syntax=syntax)
    assert (decoded == image).all()


def test_13_signed_bits_in_an_unsigned_jpeg_2000_codestream_are_read_as_signed() -> None:
    """Pydicom issue 1149: -2000 in 13 bits is 6192, and the codestream says 13 bits unsigned."""
    import imagecodecs

    image = np.full((16, 16), 6192, dtype="<u2")
    image[0] = 1000
    frame = imagecodecs.jpeg2k_encode(image, codecformat="J2K", reversible=True, level=0, bitspersample=13)
    dataset = header(16, 16, stored=13, signed=1)
    decoded = values(dataset, encapsulate([bytes(frame)]), syntax=uid.JPEG2000Lossless)
    assert decoded[:2, 0].tolist() == [1000, -2000]


def test_unsigned_values_in_a_signed_jpeg_2000_codestream_are_read_as_unsigned() -> None:
    """Pydicom issue 2073, the other way round: 40000 coded as the 16 signed bits of -25536."""
    import imagecodecs

    image = np.full((16, 16), 40_000, dtype="<u2")
    frame = imagecodecs.jpeg2k_encode(image.view("<i2"), codecformat="J2K", reversible=True, level=0)
    assert frame[42] & 0x80, "the codestream must be signed for this test to mean anything"
    decoded = values(header(16, 16), encapsulate([bytes(frame)]), syntax=uid.JPEG2000Lossless)
    assert (decoded == 40_000).all()


def test_a_codestream_of_more_bits_than_stored_is_not_wrapped_around(make_frame: Make) -> None:
    """White that overshoots 10 bits by a lossy codec's ringing must not become black."""
    image = np.full((16, 16), 1025, dtype="<u2")
    decoded = values(
        header(16, 16, stored=10), encapsulate([make_frame(image, uid.JPEGLSLossless)]), syntax=uid.JPEGLSLossless
    )
    assert (decoded == 1025).all()


def test_a_jp2_file_in_place_of_a_codestream_is_read(gradient: np.ndarray) -> None:
    import imagecodecs

    frame = bytes(imagecodecs.jpeg2k_encode(gradient, codecformat="JP2", reversible=True, level=0))
    decoded = values(header(*gradient.shape), encapsulate([frame]), syntax=uid.JPEG2000Lossless)
    assert (decoded == gradient).all()


@pytest.mark.parametrize("fill", [b"\0", b"\xff", b"\0\0\0"])
def test_bytes_that_fill_up_a_fragment_are_no_truncation(fill: bytes, gradient: np.ndarray, make_frame: Make) -> None:
    frame = make_frame(gradient, uid.JPEGLossless) + fill
    decoded = values(header(*gradient.shape), encapsulate([frame]), syntax=uid.JPEGLossless)
    assert (decoded == gradient).all()


def test_a_frame_in_several_fragments_is_put_together(gradient: np.ndarray, make_frame: Make) -> None:
    frame = make_frame(gradient, uid.JPEGLSLossless)
    data = encapsulate([frame], fragments_per_frame=3)
    assert (values(header(*gradient.shape), data, syntax=uid.JPEGLSLossless) == gradient).all()
