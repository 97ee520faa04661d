"""An object that comes again in other bytes: is it the same image?"""

from dataclasses import dataclass
from enum import StrEnum

from pneumoscope.core import UnreadableError
from pneumoscope.intake import identify, missing_from_file
from pneumoscope.service.heads import RASTERS
from pneumoscope.service.spool import Spool
from pneumoscope.service.store import Image


class Resent(StrEnum):
    """What an object under a known UID is, beside the one that is here."""

    SAME = "the same image, in another transfer syntax or with other attributes that do not matter"
    CORRECTED = "the same image with corrected demographics"
    WHOLE = "the whole of an object that was cut off"
    OTHER = "another object"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The kind, and the demographics' keywords that differ; never their values."""

    kind: Resent
    changed: tuple[str, ...] = ()


def compare(spool: Spool, image: Image, *, prefix: bytes, body: memoryview) -> Comparison:
    """Compare an object with the one that the spool has; identity is by identifiers and decoded pixels, not by bytes.

    What was deleted after retention, or cannot be decoded, is taken for another object.
    """
    if image.file is None or bytes((prefix or body)[:8]).startswith(RASTERS):
        return Comparison(kind=Resent.OTHER)
    try:
        here = spool.path(image.file).read_bytes()
    except OSError:
        return Comparison(kind=Resent.OTHER)
    if missing_from_file(here):
        return Comparison(kind=Resent.WHOLE)
    try:
        first = identify(here, path="object here")
        del here
        second = identify(prefix + bytes(body), path="object sent")
    except UnreadableError:
        return Comparison(kind=Resent.OTHER)
    if not first.is_same_image(second):
        return Comparison(kind=Resent.OTHER)
    changed = first.changed_demographics(second)
    return Comparison(kind=Resent.CORRECTED if changed else Resent.SAME, changed=changed)
