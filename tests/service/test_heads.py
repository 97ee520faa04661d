"""Text that the queue and the page take from an object's header."""

import pytest
from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from pneumoscope.service.heads import text


def _named(value: bytes, *, charset: str) -> Dataset:
    head = Dataset()
    head.SpecificCharacterSet = charset
    tag = Tag("PatientName")
    head[tag] = RawDataElement(tag, "PN", len(value), value, 0, False, True)
    return head


@pytest.mark.parametrize("charset", ["ISO_IR 6", "ISO_IR 192"])
def test_a_name_whose_bytes_are_not_in_the_declared_character_set_is_left_empty(charset: str) -> None:
    assert text(_named(b"M\xfcller^Anna", charset=charset), "PatientName") == ""


def test_a_name_in_the_declared_character_set_is_taken() -> None:
    assert text(_named(b"M\xfcller^Anna", charset="ISO_IR 100"), "PatientName") == "Müller^Anna"
