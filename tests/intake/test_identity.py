"""The same image under other bytes, and other images under the same identifiers."""

from collections.abc import Callable

import numpy as np
import pytest
from pydicom import uid

from pneumoscope.core import UnreadableError
from pneumoscope.intake import identify, same_image

Make = Callable[..., bytes]
UIDS = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.4"}


@pytest.mark.parametrize(
    "syntax",
    [
        uid.ImplicitVRLittleEndian,
        uid.ExplicitVRBigEndian,
        uid.DeflatedExplicitVRLittleEndian,
        uid.RLELossless,
        uid.JPEGLossless,
        uid.JPEGLSLossless,
        uid.JPEG2000Lossless,
        uid.HTJ2KLossless,
    ],
    ids=lambda syntax: syntax.keyword,
)
def test_an_instance_in_another_lossless_transfer_syntax_is_the_same_image(
    syntax: uid.UID, gradient: np.ndarray, make_dicom: Make
) -> None:
    assert same_image(make_dicom(gradient, **UIDS), make_dicom(gradient, syntax=syntax, **UIDS))


def test_unused_bits_and_padding_are_no_part_of_the_image(gradient: np.ndarray, make_dicom: Make) -> None:
    twelve = {"BitsStored": 12, "HighBit": 11, **UIDS}
    content = make_dicom(gradient, **twelve)
    assert same_image(content, make_dicom(gradient | 0xF000, **twelve))


def test_corrected_demographics_are_named_and_no_other_image(gradient: np.ndarray, make_dicom: Make) -> None:
    before = identify(make_dicom(gradient, PatientID="1", PatientName="A^B", PatientAge="004Y", **UIDS), path="before")
    after = identify(make_dicom(gradient, PatientID="1", PatientName="C^D", PatientAge="005Y", **UIDS), path="after")
    assert before.is_same_image(after)
    assert before.changed_demographics(after) == ("PatientName", "PatientAge")
    assert before.changed_demographics(before) == ()


@pytest.mark.parametrize(
    "change", [{"StudyInstanceUID": "1.2.9"}, {"SOPInstanceUID": "1.2.9"}, {"PhotometricInterpretation": "MONOCHROME1"}]
)
def test_other_identifiers_or_another_polarity_are_another_image(
    change: dict[str, str], gradient: np.ndarray, make_dicom: Make
) -> None:
    assert not same_image(make_dicom(gradient, **UIDS), make_dicom(gradient, **{**UIDS, **change}))


def test_one_other_pixel_is_another_image(gradient: np.ndarray, make_dicom: Make) -> None:
    other = gradient.copy()
    other[3, 4] += 1
    assert not same_image(make_dicom(gradient, **UIDS), make_dicom(other, syntax=uid.JPEGLSLossless, **UIDS))


def test_what_cannot_be_decoded_is_the_same_as_nothing(gradient: np.ndarray, make_dicom: Make) -> None:
    content = make_dicom(gradient, syntax=uid.JPEGLSLossless, **UIDS)
    assert not same_image(content, content[: len(content) // 2])
    with pytest.raises(UnreadableError):
        identify(content[: len(content) // 2], path="half")
