"""Files as real systems send them, each made from one synthetic film, against what reading makes of the plain one."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from pydicom import uid

from pneumoscope.core import Check, InputError, IntendedUse, Outcome, Radiograph, UnreadableError
from pneumoscope.intake import check, radiograph_of, read_grey, read_header

Make = Callable[..., bytes]
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


@pytest.fixture(scope="module")
def film() -> np.ndarray:
    """A chest in 12 bits, 96 x 120: dark lungs, a bright middle, a heart on one side, noise as a detector has it."""
    rows, columns = np.mgrid[:96, :120] / 96
    body = 0.7 - 0.5 * sum(np.exp(-(((columns - at) / 0.2) ** 2 + ((rows - 0.5) / 0.3) ** 2)) for at in (0.35, 0.9))
    body += 0.2 * np.exp(-(((columns - 0.8) / 0.12) ** 2 + ((rows - 0.65) / 0.12) ** 2))
    body += np.random.default_rng(0).normal(0, 0.004, body.shape)
    return np.round((body - body.min()) / np.ptp(body) * 4095).astype("<u2")


def read(content: bytes) -> Radiograph:
    return radiograph_of(content, path="film")


def failed(radiograph: Radiograph, intended: IntendedUse) -> dict[str, Check]:
    return {one.name: one for one in check(radiograph, intended) if one.outcome is Outcome.FAILED}


def pixels(content: bytes) -> np.ndarray:
    shown = read(content).pixels
    assert shown is not None
    return shown


@pytest.mark.parametrize("tail", [1, 2, 8, 128, 1024, 4096])
def test_bytes_after_the_last_pixel_are_padding(tail: int, film: np.ndarray, make_dicom: Make) -> None:
    """PS3.5 8.1.1."""
    plain = make_dicom(film)
    at = plain.index(b"\xe0\x7f\x10\x00OW") + 8
    padded = plain[:at] + (film.nbytes + tail).to_bytes(4, "little") + plain[at + 4 :] + b"\x20" * tail
    radiograph = read(padded)
    assert radiograph.pixels is not None
    assert (radiograph.pixels == pixels(plain)).all()
    assert any("after the last sample ignored" in step for step in radiograph.steps) == (tail > 0)


def test_a_second_frame_is_no_padding(film: np.ndarray, make_dicom: Make) -> None:
    with pytest.raises(UnreadableError, match=f"found {2 * film.nbytes:,}"):
        read(make_dicom(np.concatenate([film, film]), Rows=film.shape[0]))


@pytest.mark.parametrize("tail", [b" ", b"\0", b" " * 7, b"\xff\0", b"\0" * 1024, b"A" * 128], ids=len)
@pytest.mark.parametrize(
    "syntax",
    [uid.JPEGLossless, uid.JPEGLSLossless, uid.JPEG2000Lossless, uid.RLELossless],
    ids=lambda syntax: syntax.keyword,
)
def test_bytes_after_the_end_of_a_codestream_are_padding(
    syntax: uid.UID, tail: bytes, film: np.ndarray, make_dicom: Make, make_frame: Make
) -> None:
    padded = make_dicom(film, syntax=syntax, frame=make_frame(film, syntax) + tail)
    assert (pixels(padded) == pixels(make_dicom(film))).all()


def test_more_than_padding_after_a_codestream_is_none(film: np.ndarray, make_dicom: Make, make_frame: Make) -> None:
    frame = make_frame(film, uid.JPEGLSLossless) + b"A" * 5000
    with pytest.raises(UnreadableError, match="cut off"):
        read(make_dicom(film, syntax=uid.JPEGLSLossless, frame=frame))


@pytest.mark.parametrize("frames", [0, None, 1])
def test_no_frames_are_one(frames: int | None, film: np.ndarray, make_dicom: Make, intended: IntendedUse) -> None:
    radiograph = read(make_dicom(film, NumberOfFrames=frames))
    assert radiograph.pixels is not None
    assert "frames" not in failed(radiograph, intended)


@pytest.mark.parametrize(
    "syntax",
    [uid.JPEGLossless, uid.JPEGLSLossless, uid.JPEG2000Lossless, uid.HTJ2KLossless, uid.RLELossless],
    ids=lambda syntax: syntax.keyword,
)
@pytest.mark.parametrize("stated", ["none", "native", "another"])
def test_the_codestream_is_recognised_where_the_transfer_syntax_is_absent_or_wrong(
    stated: str, syntax: uid.UID, film: np.ndarray, make_dicom: Make, make_frame: Make
) -> None:
    claimed = uid.JPEGLSLossless if syntax != uid.JPEGLSLossless else uid.JPEGLossless
    content = make_dicom(film, syntax=claimed, frame=make_frame(film, syntax))
    if stated != "another":
        written = str(claimed).encode() + b"\0" * (len(claimed) % 2)
        place = b"" if stated == "none" else str(uid.ExplicitVRLittleEndian).encode() + b"\0"
        content = content.replace(written, place.ljust(len(written), b"\0"), 1)
    radiograph = read(content)
    assert radiograph.pixels is not None
    assert (radiograph.pixels == pixels(make_dicom(film))).all()
    assert any("recognised" in step for step in radiograph.steps)


def test_encapsulated_pixels_that_nobody_recognises_are_named(film: np.ndarray, make_dicom: Make) -> None:
    content = make_dicom(film, syntax=uid.JPEGLSLossless, frame=b"nothing that is known" * 20)
    written = str(uid.JPEGLSLossless).encode()
    with pytest.raises(UnreadableError, match=r"Transfer Syntax UID \(0002,0010\)"):
        read(content.replace(written, b"\0" * len(written), 1))


def test_a_native_frame_under_a_compressed_syntax_is_read(film: np.ndarray, make_dicom: Make) -> None:
    content = make_dicom(film, PatientComments="x" * 4)
    native = str(uid.ExplicitVRLittleEndian).encode() + b"\0"
    claimed = str(uid.RLELossless).encode()
    meta = 140
    length = int.from_bytes(content[meta : meta + 4], "little") + len(claimed) - len(native) + len(claimed) % 2
    claimed += b"\0" * (len(claimed) % 2)
    tagged = b"\x02\x00\x10\x00UI"
    at = content.index(tagged)
    changed = content[:at] + tagged + len(claimed).to_bytes(2, "little") + claimed + content[at + 8 + len(native) :]
    changed = changed[:meta] + length.to_bytes(4, "little") + changed[meta + 4 :]
    assert (pixels(changed) == pixels(content)).all()


def test_sequences_nested_without_end_are_refused_in_our_own_words(film: np.ndarray, make_dicom: Make) -> None:
    content = make_dicom(film)
    start = 144 + int.from_bytes(content[140:144], "little")
    opening = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    closing = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
    for depth in (100, 20_000):
        with pytest.raises(UnreadableError, match="sequences nested deeper than") as caught:
            read(content[:start] + opening * depth + closing * depth + content[start:])
        assert "Error" not in caught.value.found


@pytest.mark.parametrize("bits", [9, 10, 11])
@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.RLELossless], ids=lambda syntax: syntax.keyword)
def test_bits_stored_that_cut_the_image_are_refused(
    bits: int, syntax: uid.UID, film: np.ndarray, make_dicom: Make, intended: IntendedUse
) -> None:
    """PS3.5 8.1.1."""
    radiograph = read(make_dicom(film, syntax=syntax, BitsStored=bits, HighBit=bits - 1))
    found = failed(radiograph, intended)["pixel_encoding"].found
    assert found == f"Bits Stored {bits}: the bits above are part of the image (12 bits, unsigned)"


@pytest.mark.parametrize(("bits", "scale"), [(12, 1), (16, 16)])
def test_unsigned_values_that_are_called_signed_are_refused(
    bits: int, scale: int, film: np.ndarray, make_dicom: Make, intended: IntendedUse
) -> None:
    content = make_dicom(film * scale, PixelRepresentation=1, BitsStored=bits, HighBit=bits - 1)
    assert "the values are unsigned" in failed(read(content), intended)["pixel_encoding"].found


def test_signed_values_that_are_called_unsigned_are_refused(
    film: np.ndarray, make_dicom: Make, intended: IntendedUse
) -> None:
    signed = (film.astype("<i2") - 2048).view("<u2")
    for content in (make_dicom(signed), make_dicom(signed & 0xFFF, BitsStored=12, HighBit=11)):
        assert "the values are signed" in failed(read(content), intended)["pixel_encoding"].found


@pytest.mark.parametrize("case", ["constant", "overlay", "noise", "sign extension", "marker", "padding", "text"])
def test_what_is_no_image_beyond_the_stored_bits_is_no_reason_to_refuse(
    case: str, film: np.ndarray, make_dicom: Make, intended: IntendedUse
) -> None:
    twelve = {"BitsStored": 12, "HighBit": 11}
    plane = (np.indices(film.shape).sum(axis=0) // 20 % 2).astype("<u2")
    noise = np.random.default_rng(5).integers(0, 16, film.shape).astype("<u2")
    corner = np.zeros(film.shape, dtype=bool)
    corner[5:25, 5:40] = True
    signed = film.astype("<i2") - 2048
    content = {
        "constant": lambda: make_dicom(film | 0xF000, **twelve),
        "overlay": lambda: make_dicom(film | plane << 12, **twelve),
        "noise": lambda: make_dicom(film | noise << 12, **twelve),
        "sign extension": lambda: make_dicom(signed, **twelve),
        "marker": lambda: make_dicom(np.where(corner, 65535, film // 4).astype("<u2")),
        "padding": lambda: make_dicom(np.where(corner, -2000, signed).astype("<i2")),
        "text": lambda: make_dicom(np.where(plane == 1, 4095, film).astype("<u2"), **twelve),
    }[case]()
    assert "pixel_encoding" not in failed(read(content), intended)


ORIENTATIONS = [("L", "F"), ("R", "F"), ("L", "H"), ("R", "H"), ("F", "L"), ("F", "R"), ("H", "L"), ("H", "R")]


@pytest.mark.req("REQ-IN-05")
@pytest.mark.parametrize("orientation", ORIENTATIONS, ids="".join)
def test_a_frontal_film_is_turned_upright_however_it_lies(
    orientation: tuple[str, str], film: np.ndarray, make_dicom: Make
) -> None:
    """PS3.3 C.7.6.1.1.1: the rows run towards the first direction, the columns towards the second."""
    rows, columns = orientation
    laid = film.T if rows in "HF" else film
    laid = laid[:, ::-1] if rows in "RH" else laid
    laid = laid[::-1] if columns in "RH" else laid
    radiograph = read(make_dicom(np.ascontiguousarray(laid), PatientOrientation=list(orientation)))
    assert radiograph.pixels is not None
    assert (radiograph.pixels == pixels(make_dicom(film))).all()
    assert radiograph.geometry is not None
    assert radiograph.geometry.is_turned == (orientation != ("L", "F"))
    assert radiograph.geometry.patient_orientation == ("L", "F")
    assert any(step.startswith("Patient Orientation") for step in radiograph.steps) == radiograph.geometry.is_turned


def test_nothing_is_turned_where_the_header_is_silent_or_not_frontal(film: np.ndarray, make_dicom: Make) -> None:
    for orientation in (None, ["P", "F"], ["L"], ["L", "P"]):
        geometry = read(make_dicom(film, PatientOrientation=orientation)).geometry
        assert geometry is not None
        assert geometry.is_unchanged
        assert geometry.patient_orientation is None


@pytest.mark.parametrize(
    ("attributes", "axis"),
    [
        ({"PixelAspectRatio": ["2", "1"]}, 0),
        ({"PixelAspectRatio": ["1", "2"]}, 1),
        ({"ImagerPixelSpacing": [0.2, 0.1]}, 0),
        ({"PixelSpacing": [0.1, 0.2]}, 1),
        ({"PixelSpacing": [0.2, 0.2], "PixelAspectRatio": ["2", "1"]}, 0),
    ],
    ids=str,
)
def test_pixels_that_are_not_square_are_stretched(
    attributes: dict[str, object], axis: int, film: np.ndarray, make_dicom: Make
) -> None:
    """PS3.3 C.7.6.3.1.7 and 10.7.1.3: vertical first."""
    halved = film[::2] if axis == 0 else film[:, ::2]
    radiograph = read(make_dicom(np.ascontiguousarray(halved), **attributes))
    assert radiograph.pixels is not None
    assert radiograph.pixels.shape == film.shape
    assert np.abs(radiograph.pixels - pixels(make_dicom(film))).mean() < 0.03
    assert radiograph.geometry is not None
    assert radiograph.geometry.stored_shape == halved.shape
    assert radiograph.geometry.pixel_aspect == ((2, 1) if axis == 0 else (1, 2))


@pytest.mark.parametrize(
    "attributes",
    [
        {"PixelSpacing": [0.143, 0.1431]},
        {"PixelSpacing": [0, 0.2]},
        {"PixelAspectRatio": ["100", "1"]},
        {"ImagerPixelSpacing": [0.2, 0.2]},
    ],
    ids=str,
)
def test_square_or_impossible_pixels_are_left_alone(
    attributes: dict[str, object], film: np.ndarray, make_dicom: Make
) -> None:
    assert (pixels(make_dicom(film, **attributes)) == pixels(make_dicom(film))).all()


NAMES = [
    ("测试^患者".encode("gbk"), "ISO_IR 192"),
    ("Müller^Jörg".encode(), None),
    ("Müller^Jörg".encode("latin-1"), None),
    ("Müller^Jörg".encode("latin-1"), "ISO_IR 192"),
    ("Müller^Jörg".encode(), "ISO_IR 100"),
    ("Müller^Jörg".encode(), "NO SUCH SET"),
    ("山田^太郎".encode("shift_jis"), "ISO_IR 192"),
]


@pytest.mark.parametrize(("name", "charset"), NAMES, ids=[str(number) for number in range(len(NAMES))])
def test_a_name_that_is_not_in_its_character_set_stays_as_its_bytes_and_is_no_text(
    name: bytes, charset: str | None, film: np.ndarray, make_dicom: Make
) -> None:
    mark = b"Q" * (len(name) + len(name) % 2)
    content = make_dicom(film, PatientName=mark.decode(), SpecificCharacterSet=charset)
    radiograph = read(content.replace(mark, name.ljust(len(mark)), 1))
    assert radiograph.header is not None
    assert radiograph.header.PatientName == name.ljust(len(mark))
    assert any("not in the declared character set" in step and "PatientName" in step for step in radiograph.steps)


@pytest.mark.parametrize(
    ("name", "charset"),
    [
        ("Müller^Jörg", "ISO_IR 192"),
        ("Müller^Jörg", "ISO_IR 100"),
        ("王^小东", "GB18030"),
        ("Yamada^Tarou=山田^太郎", ["", "ISO 2022 IR 87"]),
        ("Люкceмбypг", "ISO_IR 144"),
        ("Doe^Jane", None),
    ],
)
def test_a_name_in_its_character_set_is_read(
    name: str, charset: str | list[str] | None, film: np.ndarray, make_dicom: Make
) -> None:
    radiograph = read(make_dicom(film, PatientName=name, SpecificCharacterSet=charset))
    assert radiograph.header is not None
    assert str(radiograph.header.PatientName) == name
    assert not any("character set" in step for step in radiograph.steps)


def test_a_header_is_read_alike_without_its_pixels(film: np.ndarray, make_dicom: Make, tmp_path: Path) -> None:
    for syntax in (uid.ExplicitVRLittleEndian, uid.JPEGLSLossless, uid.DeflatedExplicitVRLittleEndian):
        content = make_dicom(film, syntax=syntax)
        (tmp_path / "film").write_bytes(content)
        whole = read(content).header
        assert whole is not None
        assert read_header(tmp_path / "film") == whole
    bare = make_dicom(film)
    (tmp_path / "film").write_bytes(bare[144 + int.from_bytes(bare[140:144], "little") :])
    assert read_header(tmp_path / "film").Modality == "CR"
    (tmp_path / "film").write_bytes(b"text")
    with pytest.raises(UnreadableError):
        read_header(tmp_path / "film")


def test_grey_values_alone_are_those_of_the_radiograph(film: np.ndarray, make_dicom: Make, tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "film.dcm").write_bytes(make_dicom(film))
    Image.fromarray(film).save(tmp_path / "film.png")
    assert (read_grey(tmp_path / "film.dcm") == read_grey(str(tmp_path / "film.png"))).all()
    (tmp_path / "cut.dcm").write_bytes(make_dicom(film, BitsStored=10, HighBit=9))
    with pytest.raises(InputError, match="Bits Stored 10"):
        read_grey(tmp_path / "cut.dcm")


def test_threads_decode_sixteen_syntaxes_to_the_pixels_that_one_thread_gives(
    film: np.ndarray, make_dicom: Make
) -> None:
    byte = (film >> 4).astype("u1")
    syntaxes = (
        *(uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian),
        *(uid.DeflatedExplicitVRLittleEndian, uid.RLELossless, uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit),
        *(uid.JPEGLossless, uid.JPEGLosslessSV1, uid.JPEGLSLossless, uid.JPEGLSNearLossless),
        *(uid.JPEG2000Lossless, uid.JPEG2000, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K),
    )
    assert len(syntaxes) == 16
    contents = [
        make_dicom(np.roll(byte if syntax == uid.JPEGBaseline8Bit else film, 7 * at, axis=1), syntax=syntax)
        for at, syntax in enumerate(syntaxes)
    ]
    alone = [pixels(content) for content in contents]
    with ThreadPoolExecutor(64) as pool:
        together = list(pool.map(pixels, contents * 8))
    for at, found in enumerate(together):
        assert (found == alone[at % 16]).all()
