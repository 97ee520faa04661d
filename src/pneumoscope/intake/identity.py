"""Whether two objects are the same image: by their identifiers and decoded pixels, whatever their bytes.

An archive sends an instance again in another transfer syntax, or with corrected demographics; neither is another image.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset

from pneumoscope.core import UnreadableError
from pneumoscope.intake.dataset import header_of, parse
from pneumoscope.intake.decoding import decode
from pneumoscope.intake.frame import PixelData, is_single_grey
from pneumoscope.intake.header import text

_IDENTIFIERS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_DEMOGRAPHICS = (
    "PatientID",
    "IssuerOfPatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "AccessionNumber",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "StudyDescription",
    "ReferringPhysicianName",
    "InstitutionName",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What makes an image this image.

    Attributes:
        identifiers: SOP Class, SOP Instance, Study Instance and Series Instance UID.
        pixels_sha256: Hash of size and decoded stored values; of the encoded pixel data where they are not one grey
            frame. Empty for an object without pixel data.
        demographics: Who and which study, by keyword; what a correction may change.
    """

    identifiers: tuple[str, ...]
    pixels_sha256: str
    demographics: tuple[tuple[str, str], ...]

    def is_same_image(self, other: "Identity") -> bool:
        """Return whether both have the same identifiers and the same decoded pixels."""
        return (self.identifiers, self.pixels_sha256) == (other.identifiers, other.pixels_sha256)

    def changed_demographics(self, other: "Identity") -> tuple[str, ...]:
        """Return the keywords whose values differ between the two, never the values."""
        after = dict(other.demographics)
        return tuple(keyword for keyword, value in self.demographics if after[keyword] != value)


def identify(content: bytes, *, path: str) -> Identity:
    """Return the identity of a DICOM object, whatever its transfer syntax.

    Raises:
        UnreadableError: It cannot be parsed, or its pixel data cannot be decoded.
    """
    dataset, pixel_data = parse(content, path=path)
    header, _ = header_of(dataset, path=path)
    return Identity(
        identifiers=tuple(text(header, keyword) for keyword in _IDENTIFIERS),
        pixels_sha256="" if pixel_data is None else _hash(header, pixel_data, path=path),
        demographics=tuple((keyword, text(header, keyword)) for keyword in _DEMOGRAPHICS),
    )


def _hash(header: Dataset, pixel_data: PixelData, *, path: str) -> str:
    digest = hashlib.sha256()
    if is_single_grey(header):
        stored = decode(header, pixel_data, path=path).values
        digest.update(f"{stored.shape} {text(header, 'PhotometricInterpretation')}\n".encode())
        digest.update(np.ascontiguousarray(stored, dtype="<i4").tobytes())
    else:
        digest.update(pixel_data.value)
    return digest.hexdigest()


def same_image(first: bytes, second: bytes) -> bool:
    """Return whether two DICOM files hold the same image; False where one of them cannot be decoded."""
    try:
        return identify(first, path="first").is_same_image(identify(second, path="second"))
    except UnreadableError:
        return False
