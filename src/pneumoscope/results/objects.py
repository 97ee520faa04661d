"""From a reading to every object that tells others of it: the one list of them, for library, CLI and node."""

import io
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from pneumoscope.core import InputError, Radiograph, ResultObject
from pneumoscope.results.capture import notice_capture, secondary_capture
from pneumoscope.results.not_analysed import not_analysed_report
from pneumoscope.results.overlay import png
from pneumoscope.results.presentation import presentation_state
from pneumoscope.results.reading import Reading
from pneumoscope.results.report import structured_report
from pneumoscope.results.source import source

if TYPE_CHECKING:
    from pydicom import Dataset

DICOM_OBJECTS = frozenset({ResultObject.SR, ResultObject.SC, ResultObject.GSPS, ResultObject.NOT_ANALYSED})

_Picture = Callable[[], UInt8[np.ndarray, "h w 3"]]
_Maker = Callable[[Reading, Radiograph, _Picture], "Dataset"]

# To add a DICOM object: its line here, its member of `ResultObject`, its ending in `storage.ENDINGS`.
_OF_ANALYSED: dict[ResultObject, _Maker] = {
    ResultObject.SR: lambda reading, image, _picture: structured_report(reading, image, card=reading.summary()),
    ResultObject.SC: lambda reading, image, picture: secondary_capture(reading, image, pixels=picture()),
    ResultObject.GSPS: lambda reading, image, _picture: presentation_state(reading, image),
}
_OF_NOT_ANALYSED: dict[ResultObject, _Maker] = {
    ResultObject.NOT_ANALYSED: lambda reading, image, _picture: not_analysed_report(reading, _header(image)),
    ResultObject.SC: lambda reading, image, picture: notice_capture(reading, _header(image), pixels=picture()),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Objects:
    """Everything that was made of one reading.

    Attributes:
        overlay: The picture of an analysed image.
        dicom: The DICOM objects.
        notes: What could not be made, or was left out, and why, in words.
    """

    overlay: UInt8[np.ndarray, "h w 3"] | None = None
    dicom: dict[ResultObject, "Dataset"] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def files(self) -> dict[ResultObject, bytes]:
        """Return the content of each object's file: PNG or DICOM."""
        files = {} if self.overlay is None else {ResultObject.OVERLAY: png(self.overlay)}
        return files | {kind: _encoded(ds) for kind, ds in self.dicom.items()}


def make_objects(reading: Reading, *, wanted: Collection[ResultObject]) -> Objects:
    """Return the wanted objects of a reading; notes name those that could not be made, and why.

    An image that was not analysed gets the report and the capture that say so, both or none: as
    `ResultObject.NOT_ANALYSED` is wanted.
    """
    analysed = reading.decision is not None
    if not analysed and ResultObject.NOT_ANALYSED not in wanted:
        return Objects()
    picture = cache(reading.overlay)
    notes: list[str] = []
    overlay = None
    if analysed and ResultObject.OVERLAY in wanted:
        if _has_pixels(reading):
            overlay = picture()
        else:
            notes.append("no overlay: the image's pixels are not at hand")
    kinds = [kind for kind in _makers(reading) if not analysed or kind in wanted]
    dicom = _dicom(reading, kinds, picture=picture, notes=notes) if kinds else {}
    return Objects(overlay=overlay, dicom=dicom, notes=tuple(notes))


def dicom_object(reading: Reading, kind: ResultObject) -> "Dataset":
    """Return one DICOM object of a reading.

    Raises:
        InputError: There is no header, none that an object can refer to, or no pixels for a picture.
    """
    if reading.radiograph is None:
        raise InputError(f"{reading.path}: a DICOM object needs the image's header, found none")
    return _makers(reading)[kind](reading, reading.radiograph, reading.overlay)


def _dicom(
    reading: Reading, kinds: list[ResultObject], *, picture: _Picture, notes: list[str]
) -> dict[ResultObject, "Dataset"]:
    obstacle, left_out = _obstacle(reading.radiograph)
    if reading.radiograph is None or obstacle:
        notes.append(f"no DICOM objects: {obstacle}")
        return {}
    if left_out:
        notes.append(f"left out of the DICOM objects, because not valid in the image: {', '.join(left_out)}")
    made: dict[ResultObject, Dataset] = {}
    for kind in kinds:
        if kind is ResultObject.SC and reading.decision and not _has_pixels(reading):
            notes.append("no capture: the image's pixels are not at hand")
        elif kind is ResultObject.GSPS and (reading.heat is None or not _has_pixels(reading)):
            continue  # nothing to outline; the reading's own notes say why
        else:
            try:
                made[kind] = _makers(reading)[kind](reading, reading.radiograph, picture)
            except Exception as error:
                if kind is not ResultObject.GSPS:
                    raise
                # An outline that cannot be drawn must not cost anyone the report and the capture.
                notes.append(f"no presentation state: {type(error).__name__}")
    return made


def _header(image: Radiograph) -> "Dataset":
    if image.header is None:
        raise InputError(f"{image.path}: a DICOM object needs a DICOM image, found {image.format}")
    return image.header


def _makers(reading: Reading) -> dict[ResultObject, _Maker]:
    return _OF_ANALYSED if reading.decision else _OF_NOT_ANALYSED


def _has_pixels(reading: Reading) -> bool:
    return reading.radiograph is not None and reading.radiograph.pixels is not None


def _obstacle(radiograph: Radiograph | None) -> tuple[str, tuple[str, ...]]:
    """Return why no object can refer to the image (empty where one can), and what is left out of the objects."""
    if radiograph is None:
        return "the image's header is not at hand", ()
    if radiograph.header is None:
        return f"a {radiograph.format} image has no study that they could belong to", ()
    about = source(radiograph.header)
    return f"in the image {', '.join(about.obstacles)}" if about.obstacles else "", about.left_out


def _encoded(ds: "Dataset") -> bytes:
    from pydicom import dcmwrite

    stream = io.BytesIO()
    dcmwrite(stream, ds, enforce_file_format=True)
    return stream.getvalue()
