"""Objects that arrived whole, and the same ones cut off anywhere."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset, uid
from pydicom.encaps import encapsulate

from pneumoscope.intake import missing_from_data_set, missing_from_file
from pneumoscope.intake.limits import MAX_TAIL_BYTES

Make = Callable[..., bytes]
SYNTAXES = [
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.DeflatedExplicitVRLittleEndian,
    uid.RLELossless,
    uid.JPEGLossless,
    uid.JPEGLSLossless,
    uid.JPEG2000Lossless,
    uid.HTJ2KLossless,
]


def nested(depth: int) -> list[Dataset]:
    """Sequences in sequences, each of undefined length."""
    item = Dataset()
    item.CodeMeaning = "a code"
    if depth:
        item.ConceptNameCodeSequence = nested(depth - 1)
        item["ConceptNameCodeSequence"].is_undefined_length = True
    item.is_undefined_length_sequence_item = True
    return [item]


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.keyword)
def test_a_whole_object_lacks_nothing_and_one_cut_off_in_its_pixels_does(
    syntax: uid.UID, gradient: np.ndarray, make_dicom: Make
) -> None:
    content = make_dicom(gradient, syntax=syntax, AnatomicRegionSequence=nested(3))
    assert missing_from_file(content) is None
    for share in (0.95, 0.7, 0.5):
        assert missing_from_file(content[: int(len(content) * share)])


def test_an_object_cut_off_before_its_pixels_lacks_them(gradient: np.ndarray, make_dicom: Make) -> None:
    content = make_dicom(gradient)
    pixels = content.index(b"\xe0\x7f\x10\x00OW")
    assert missing_from_file(content[:pixels]) == "Pixel Data (7FE0,0010)"
    rows = content.index(b"\x28\x00\x10\x00US")
    assert missing_from_file(content[:rows]) == "Pixel Data (7FE0,0010)"
    assert missing_from_file(content[: pixels + 6]) == "the rest of an element's tag and length"
    assert "value" in str(missing_from_file(content[:300]))


def test_a_report_needs_no_pixels(gradient: np.ndarray, make_dicom: Make) -> None:
    content = make_dicom(gradient, SOPClassUID=uid.BasicTextSRStorage, Rows=None)
    assert missing_from_file(content[: content.index(b"\xe0\x7f\x10\x00OW")]) is None


def test_fragments_without_their_delimiter_are_whole_where_the_codestream_ends(
    gradient: np.ndarray, make_dicom: Make, make_frame: Make
) -> None:
    content = make_dicom(gradient, syntax=uid.JPEGLSLossless)
    assert missing_from_file(content[:-8]) is None
    frame = make_frame(gradient, uid.JPEGLSLossless)
    cut = make_dicom(gradient, syntax=uid.JPEGLSLossless, frame=frame[: len(frame) // 2])
    assert missing_from_file(cut[:-8]) == "the Sequence Delimitation Item (FFFE,E0DD)"


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.JPEGLSLossless], ids=lambda syntax: syntax.keyword)
def test_padding_after_the_last_element_is_no_half_object(
    syntax: uid.UID, gradient: np.ndarray, make_dicom: Make
) -> None:
    content = make_dicom(gradient, syntax=syntax)
    for tail in (b"\0", b" " * 7, b"\0" * MAX_TAIL_BYTES):
        assert missing_from_file(content + tail) is None


def test_space_that_a_copy_reserved_and_did_not_fill_is_told_from_an_object(
    gradient: np.ndarray, make_dicom: Make
) -> None:
    for syntax in (uid.JPEGLSLossless, uid.ImplicitVRLittleEndian):
        content = make_dicom(gradient, syntax=syntax)
        half = content[: content.index(b"\x28\x00\x10\x00")]
        assert "zeros follow" in str(missing_from_file(half.ljust(len(content) + 9000, b"\0")))


def test_a_data_set_as_it_comes_over_the_network_is_judged_by_its_syntax(
    gradient: np.ndarray, make_dicom: Make
) -> None:
    for syntax in (uid.ExplicitVRBigEndian, uid.DeflatedExplicitVRLittleEndian, uid.JPEGLSLossless):
        content = make_dicom(gradient, syntax=syntax)
        data_set = memoryview(content)[144 + int.from_bytes(content[140:144], "little") :]
        assert missing_from_data_set(data_set, syntax=syntax) is None
        assert missing_from_data_set(data_set[:-40], syntax=syntax)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_picture_needs_its_end_marker(kind: str, gradient: np.ndarray) -> None:
    stream = io.BytesIO()
    Image.fromarray((gradient >> 4).astype("u1")).save(stream, format=kind)
    content = stream.getvalue()
    assert missing_from_file(content) is None
    assert missing_from_file(content + b"\0" * 100) is None
    assert missing_from_file(content[: len(content) // 2])


def test_sequences_nested_without_end_are_walked_without_recursion(gradient: np.ndarray, make_dicom: Make) -> None:
    content = make_dicom(gradient)
    start = 144 + int.from_bytes(content[140:144], "little")
    opening = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    bomb = content[:start] + opening * 20_000 + content[start:]
    assert missing_from_file(bomb) == "the Sequence Delimitation Item (FFFE,E0DD)"


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 a zip archive"])
def test_what_is_no_image_is_nobodys_half(content: bytes) -> None:
    assert missing_from_file(content) is None


def test_an_end_marker_inside_a_fragment_does_not_end_it(gradient: np.ndarray, make_dicom: Make) -> None:
    frame = b"\xff\xd8\xff\xd9" + bytes(9000)
    content = make_dicom(gradient, syntax=uid.JPEGLossless, frame=frame)
    assert encapsulate([frame]) in content
    assert missing_from_file(content[:-8]) == "the Sequence Delimitation Item (FFFE,E0DD)"
