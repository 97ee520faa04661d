"""Every transfer syntax and form of file is read; every bad one is an `UnreadableError` and nothing else."""

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, uid
from pydicom.encaps import encapsulate

from pneumoscope.core import Format, UnreadableError, View
from pneumoscope.intake import read_radiograph

LOSSLESS = [
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.DeflatedExplicitVRLittleEndian,
    uid.RLELossless,
    uid.JPEGLossless,
    uid.JPEGLosslessSV1,
    uid.JPEGLSLossless,
    uid.JPEG2000Lossless,
    uid.HTJ2KLossless,
]
LOSSY = [uid.JPEGExtended12Bit, uid.JPEGLSNearLossless, uid.JPEG2000]

Make = Callable[..., bytes]
Write = Callable[[bytes], Path]


def window_of(image: np.ndarray) -> dict[str, float]:
    """The window that shows the values 0 to 4095 as 0 to 1 (C.11.2.1.3.2), whatever the image holds."""
    return {"WindowCenter": 2047.5, "WindowWidth": 4095, "VOILUTFunction": "LINEAR_EXACT"}


@pytest.mark.req("REQ-IN-01")
@pytest.mark.parametrize("syntax", LOSSLESS, ids=lambda syntax: syntax.keyword)
def test_a_lossless_syntax_gives_the_very_values(
    syntax: uid.UID, gradient: np.ndarray, make_dicom: Make, write: Write
) -> None:
    radiograph = read_radiograph(write(make_dicom(gradient, syntax=syntax, **window_of(gradient))))
    assert radiograph.pixels is not None
    assert (np.rint(radiograph.pixels * 4095) == gradient).all()
    assert radiograph.pixels.dtype == np.float32


@pytest.mark.parametrize("syntax", LOSSY, ids=lambda syntax: syntax.keyword)
def test_a_lossy_syntax_gives_nearly_the_values(
    syntax: uid.UID, gradient: np.ndarray, make_dicom: Make, write: Write
) -> None:
    content = make_dicom(gradient, syntax=syntax, BitsStored=12, HighBit=11, **window_of(gradient))
    radiograph = read_radiograph(write(content))
    assert radiograph.pixels is not None
    assert np.abs(radiograph.pixels * 4095 - gradient).max() <= 25


@pytest.mark.parametrize("syntax", [*LOSSLESS, uid.JPEGBaseline8Bit, uid.HTJ2K], ids=lambda syntax: syntax.keyword)
def test_8_bit_images_of_odd_size_are_read_in_every_syntax(
    syntax: uid.UID, gradient: np.ndarray, make_dicom: Make, write: Write
) -> None:
    image = (gradient[:39, :47] >> 4).astype("u1")
    window = {"WindowCenter": 127.5, "WindowWidth": 255, "VOILUTFunction": "LINEAR_EXACT"}
    radiograph = read_radiograph(write(make_dicom(image, syntax=syntax, **window)))
    assert radiograph.pixels is not None
    assert np.abs(radiograph.pixels * 255 - image).max() <= (4 if syntax == uid.JPEGBaseline8Bit else 1e-3)


@pytest.mark.parametrize("syntax", LOSSLESS[:6], ids=lambda syntax: syntax.keyword)
def test_signed_values_keep_their_sign(syntax: uid.UID, gradient: np.ndarray, make_dicom: Make, write: Write) -> None:
    image = gradient.astype("<i2") - 2048
    window = {"WindowCenter": -0.5, "WindowWidth": 4095, "VOILUTFunction": "LINEAR_EXACT"}
    radiograph = read_radiograph(write(make_dicom(image, syntax=syntax, **window)))
    assert radiograph.pixels is not None
    assert (np.rint(radiograph.pixels * 4095) == gradient).all()


@pytest.mark.req("REQ-IN-01")
@pytest.mark.parametrize("syntax", LOSSLESS[:3], ids=lambda syntax: syntax.keyword)
def test_a_data_set_without_preamble_or_meta_information_is_read(
    syntax: uid.UID, gradient: np.ndarray, make_dicom: Make, write: Write
) -> None:
    content = make_dicom(gradient, syntax=syntax)
    whole = read_radiograph(write(content))
    group_length = int.from_bytes(content[140:144], "little")
    bare = read_radiograph(write(content[144 + group_length :]))
    assert bare.pixels is not None
    assert whole.pixels is not None
    assert (bare.pixels == whole.pixels).all()
    assert bare.header is not None
    assert bare.header.Modality == "CR"


@pytest.mark.parametrize("cut", [128, 132], ids=["without preamble", "without preamble and prefix"])
def test_meta_information_without_preamble_still_tells_the_syntax(
    cut: int, gradient: np.ndarray, make_dicom: Make, write: Write
) -> None:
    content = make_dicom(gradient, syntax=uid.JPEGLSLossless)
    assert read_radiograph(write(content[cut:])).pixels is not None


def test_the_record_has_view_age_uid_and_a_header_without_bulk(
    gradient: np.ndarray, make_dicom: Make, write: Write
) -> None:
    content = make_dicom(gradient, IconImageSequence=[Dataset()])
    radiograph = read_radiograph(write(content))
    assert (radiograph.format, radiograph.view, radiograph.age_years) == (Format.DICOM, View.PA, 61)
    assert radiograph.sop_instance_uid == "1.2.826.0.1.3680043.10.1"
    assert radiograph.header is not None
    assert "PixelData" not in radiograph.header
    assert "IconImageSequence" not in radiograph.header


@pytest.mark.parametrize(
    "attributes",
    [
        {"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3, "PlanarConfiguration": 0},
        {"NumberOfFrames": 2},
        {"PhotometricInterpretation": "PALETTE COLOR"},
        {"PhotometricInterpretation": None},
    ],
    ids=str,
)
def test_what_is_not_a_single_grey_frame_is_readable_without_pixels(
    attributes: dict[str, object], gradient: np.ndarray, make_dicom: Make, write: Write
) -> None:
    radiograph = read_radiograph(write(make_dicom(gradient, **attributes)))
    assert radiograph.pixels is None
    assert radiograph.header is not None


@pytest.mark.parametrize(
    ("content", "check", "found"),
    [
        (b"", "format", "an empty file"),
        (b"plain text, renamed to film.dcm", "format", "none of them"),
        (b"\x08\x00" + b"nothing that a data set could be" * 40, "format", ""),
        (b"\0" * 128 + b"DICM", "format", "none of them"),
        (b"\xff\xd8\xff\xe0JFIF, or so it says", "pixel_data", "none"),
        (b"PK\x03\x04 an archive inside an archive", "format", "none of them"),
    ],
    ids=["empty", "text", "like a data set", "only a preamble", "only a JPEG marker", "nested zip"],
)
def test_bytes_that_are_no_image_are_unreadable(content: bytes, check: str, found: str, write: Write) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_radiograph(write(content))
    assert caught.value.check == check
    assert found in caught.value.found


@pytest.mark.parametrize(
    ("attributes", "found"),
    [
        ({"Rows": None}, "none"),
        ({"Columns": None}, "none"),
        ({"BitsAllocated": None}, "none"),
        ({"BitsStored": None}, "none"),
        ({"PixelRepresentation": None}, "none"),
        ({"Rows": 40_000, "Columns": 40_000}, "40000 x 40000"),
        ({"Rows": 0}, "0 x 48"),
        ({"BitsAllocated": 12}, "Bits Allocated 12"),
        ({"BitsAllocated": 65_535}, "Bits Allocated 65535"),
        ({"BitsStored": 17}, "Bits Stored 17"),
        ({"HighBit": 3}, "3"),
        ({"HighBit": 16}, "16"),
        ({"PixelRepresentation": 7}, "7"),
        ({"Rows": [40, 40]}, "none"),
    ],
    ids=str,
)
def test_a_description_that_cannot_be_is_unreadable(
    attributes: dict[str, object], found: str, gradient: np.ndarray, make_dicom: Make, write: Write
) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_radiograph(write(make_dicom(gradient, **attributes)))
    assert caught.value.check == "pixel_description"
    assert found in caught.value.found


@pytest.mark.req("REQ-IN-08")
@pytest.mark.parametrize(
    "attributes",
    [{"Rows": 20}, {"Rows": 41}, {"Columns": 1000}],
    ids=str,
)
@pytest.mark.parametrize("syntax", [LOSSLESS[1], *LOSSLESS[4:]], ids=lambda syntax: syntax.keyword)
def test_rows_and_columns_that_lie_are_unreadable(
    attributes: dict[str, int], syntax: uid.UID, gradient: np.ndarray, make_dicom: Make, write: Write
) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_radiograph(write(make_dicom(gradient, syntax=syntax, **attributes)))
    assert caught.value.check == "pixel_data"


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.RLELossless], ids=lambda syntax: syntax.keyword)
def test_bits_allocated_that_lie_are_unreadable(
    syntax: uid.UID, gradient: np.ndarray, make_dicom: Make, write: Write
) -> None:
    content = make_dicom(gradient, syntax=syntax, BitsAllocated=8, BitsStored=8, HighBit=7)
    with pytest.raises(UnreadableError) as caught:
        read_radiograph(write(content))
    assert caught.value.check == "pixel_data"


@pytest.mark.req("REQ-IN-08")
@pytest.mark.parametrize("syntax", [*LOSSLESS[:2], *LOSSLESS[3:], *LOSSY], ids=lambda syntax: syntax.keyword)
@pytest.mark.parametrize("share", [0.98, 0.9, 0.5])
def test_a_truncated_file_is_unreadable(
    share: float, syntax: uid.UID, gradient: np.ndarray, make_dicom: Make, write: Write
) -> None:
    content = make_dicom(gradient, syntax=syntax)
    with pytest.raises(UnreadableError):
        read_radiograph(write(content[: int(len(content) * share)]))


@pytest.mark.parametrize("syntax", [*LOSSLESS[5:], *LOSSY], ids=lambda syntax: syntax.keyword)
def test_a_codestream_that_is_cut_off_is_unreadable_in_a_whole_file(
    syntax: uid.UID, gradient: np.ndarray, make_dicom: Make, make_frame: Make, write: Write
) -> None:
    frame = make_frame(gradient, syntax)
    with pytest.raises(UnreadableError) as caught:
        read_radiograph(write(make_dicom(gradient, syntax=syntax, frame=frame[: len(frame) // 2])))
    assert caught.value.check == "pixel_data"
    assert "cut off" in caught.value.found


@pytest.mark.req("REQ-IN-08")
@pytest.mark.parametrize("syntax", LOSSLESS[5:], ids=lambda syntax: syntax.keyword)
def test_a_codestream_that_declares_a_bomb_is_refused_before_decoding(
    syntax: uid.UID, gradient: np.ndarray, make_dicom: Make, make_frame: Make, write: Write
) -> None:
    frame = bytearray(make_frame(gradient, syntax))
    if frame[:4] == b"\xff\x4f\xff\x51":
        frame[8:16] = (40_000).to_bytes(4) * 2
    else:
        at = max(frame.find(b"\xff" + bytes([marker])) for marker in (0xC3, 0xF7))
        frame[at + 5 : at + 9] = (40_000).to_bytes(2) * 2
    with pytest.raises(UnreadableError) as caught:
        read_radiograph(write(make_dicom(gradient, syntax=syntax, frame=bytes(frame))))
    assert caught.value.found.startswith("40000 x 40000")


def test_an_absent_or_empty_pixel_data_is_unreadable(gradient: np.ndarray, make_dicom: Make, write: Write) -> None:
    content = make_dicom(gradient)
    at = content.index(b"\xe0\x7f\x10\x00OW")
    for bad in (content[:at], content[: at + 8] + b"\0\0\0\0"):
        with pytest.raises(UnreadableError) as caught:
            read_radiograph(write(bad))
        assert caught.value.check == "pixel_data"


def test_an_unsupported_transfer_syntax_is_named(gradient: np.ndarray, make_dicom: Make, write: Write) -> None:
    content = make_dicom(gradient, syntax=uid.JPEGLSLossless)
    content = content.replace(uid.JPEGLSLossless.encode(), b"1.2.840.10008.1.2.4.94")
    with pytest.raises(UnreadableError) as caught:
        read_radiograph(write(content))
    assert (caught.value.check, caught.value.found) == ("transfer_syntax", "JPIP Referenced")


def test_more_frames_than_the_header_says_are_unreadable(
    gradient: np.ndarray, make_dicom: Make, make_frame: Make, write: Write
) -> None:
    frame = make_frame(gradient, uid.JPEGLSLossless)
    content = make_dicom(gradient, syntax=uid.JPEGLSLossless, frame=frame)
    content = content.replace(encapsulate([frame]), encapsulate([frame, frame]))
    with pytest.raises(UnreadableError, match="2 in the Basic Offset Table"):
        read_radiograph(write(content))


@pytest.mark.req("REQ-IN-08")
def test_a_deflate_bomb_is_stopped_at_the_limit(gradient: np.ndarray, make_dicom: Make, write: Write) -> None:
    content = make_dicom(gradient, syntax=uid.DeflatedExplicitVRLittleEndian)
    start = 144 + int.from_bytes(content[140:144], "little")
    bomb = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    zeros = b"".join([*(bomb.compress(bytes(1 << 20)) for _ in range(128)), bomb.flush()])
    with pytest.raises(UnreadableError) as caught:
        read_radiograph(write(content[:start] + zeros))
    assert caught.value.check == "size"


def test_a_flood_of_elements_is_stopped(gradient: np.ndarray, make_dicom: Make, write: Write) -> None:
    content = make_dicom(gradient)
    start = 144 + int.from_bytes(content[140:144], "little")
    flood = b"".join(b"\x09\x00" + (n % 0xFFFF).to_bytes(2, "little") + b"LO\0\0" for n in range(250_000))
    with pytest.raises(UnreadableError, match="elements"):
        read_radiograph(write(content[:start] + flood + content[start:]))


def test_sequences_nested_without_end_are_no_crash(gradient: np.ndarray, make_dicom: Make, write: Write) -> None:
    content = make_dicom(gradient)
    start = 144 + int.from_bytes(content[140:144], "little")
    opening = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    with pytest.raises(UnreadableError):
        read_radiograph(write(content[:start] + opening * 20_000 + content[start:]))


def test_a_missing_file_and_a_folder_are_unreadable(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.dcm", tmp_path):
        with pytest.raises(UnreadableError) as caught:
            read_radiograph(path)
        assert caught.value.check == "file"


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_a_number_of_frames_that_is_no_number_is_not_taken_for_one(
    gradient: np.ndarray, make_dicom: Make, write: Write
) -> None:
    content = make_dicom(gradient, NumberOfFrames=1)
    radiograph = read_radiograph(write(content.replace(b"\x08\x00IS\x02\x001 ", b"\x08\x00IS\x02\x00x ")))
    assert radiograph.pixels is None


def test_an_element_that_cannot_be_decoded_is_dropped_and_named(
    gradient: np.ndarray, make_dicom: Make, write: Write
) -> None:
    content = make_dicom(gradient)
    start = 144 + int.from_bytes(content[140:144], "little")
    broken = b"\x18\x00\x73\x90FD\x04\x00" + b"four"
    radiograph = read_radiograph(write(content[:start] + broken + content[start:]))
    assert radiograph.steps[0].startswith("malformed, ignored: AcquisitionDuration")


def test_pixel_data_of_an_unknown_value_representation_is_unreadable(
    gradient: np.ndarray, make_dicom: Callable[..., bytes], write: Callable[[bytes], Path]
) -> None:
    content = make_dicom(gradient).replace(b"\xe0\x7f\x10\x00OW", b"\xe0\x7f\x10\x00OR")
    with pytest.raises(UnreadableError, match="Pixel Data"):
        read_radiograph(write(content))
