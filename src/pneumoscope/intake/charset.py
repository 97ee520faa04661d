"""Text whose bytes are not in the character set that the header declares: found before it is decoded, never guessed.

pydicom decodes such text with replacement characters, or byte by byte as Latin-1; either is invented text, and a result
object would carry it into the archive under the patient's name.
"""

import codecs
import warnings
from typing import Any

from pydicom import Dataset
from pydicom.charset import convert_encodings, decode_bytes
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement

_TEXT_VRS = frozenset({"PN", "LO", "SH", "ST", "LT", "UC", "UT"})
_ASCII = frozenset({"", "ISO_IR 6", "ISO 2022 IR 6"})
_ESCAPE = b"\x1b"
_REPLACEMENT = "\ufffd"
_DELIMITERS = {0x5C, 0x5E, 0x3D, 0x0A, 0x0C, 0x0D, 0x09}  # PS3.5 6.1.2.5.3: each resets the code extension
# Latin alphabets, in which a whole value that happens to be UTF-8 of several bytes a letter is no name.
_LATIN = frozenset({"ISO_IR 100", "ISO_IR 101", "ISO_IR 109", "ISO_IR 110", "ISO_IR 148", "ISO_IR 203"})


def is_undecodable(element: Any, charsets: tuple[str, ...]) -> bool:
    """Return whether a text element's bytes are no text in the declared character sets.

    Args:
        element: An element as read; one that is decoded already is taken at its word.
        charsets: Values of Specific Character Set; none: the default repertoire, which is ASCII.

    Source:
        PS3.3 C.12.1.1.2 (Specific Character Set), PS3.5 Section 6.1.
    """
    if not isinstance(element, RawDataElement) or not isinstance(element.value, bytes) or element.value.isascii():
        # Escape sequences of ISO 2022 are ASCII; what they announce is decoded as declared.
        return False
    if _vr_of(element) not in _TEXT_VRS:
        return False
    starts_in_ascii = not charsets or charsets[0] in _ASCII
    if (starts_in_ascii and _ESCAPE not in element.value) or not all(map(_is_known, charsets)):
        return True
    if len(charsets) == 1 and charsets[0] in _LATIN and _is_utf8(element.value):
        return True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            decoded = decode_bytes(element.value, convert_encodings(list(charsets)), _DELIMITERS)
        except (LookupError, UnicodeError, ValueError):
            return True
    return _REPLACEMENT in decoded


def charsets_of(dataset: Dataset) -> tuple[str, ...]:
    """Return the values of Specific Character Set; none where it is absent, empty or malformed."""
    try:
        value = dataset.get("SpecificCharacterSet")
    except Exception:  # noqa: BLE001  pydicom's converters raise anything on malformed values
        return ()
    values = [value] if isinstance(value, str) else list(value or ())
    return tuple(str(one).strip() for one in values)


def _is_known(charset: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            (encoding,) = convert_encodings([charset])
            codecs.lookup(encoding)
        except (LookupError, ValueError):
            return False
    # pydicom takes its default for a character set that it does not know.
    return charset in _ASCII or encoding != "iso8859"


def _vr_of(element: RawDataElement) -> str:
    """Return the element's value representation, by the dictionary where the file does not say it."""
    if element.VR is not None:
        return str(element.VR)
    try:
        return dictionary_VR(element.tag)
    except KeyError:
        return "UN"


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
