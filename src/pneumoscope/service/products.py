"""What one reading becomes: files for the spool, and parcels for the destinations whose rules it meets."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image as Picture
from pydicom import Dataset, dcmwrite

from pneumoscope.core import Claim, InputError, Radiograph, Reading, Status
from pneumoscope.results import (
    ModelSummary,
    Outputs,
    not_analysed_report,
    notice,
    notice_capture,
    overlay,
    presentation_state,
    secondary_capture,
    structured_report,
    to_line,
)
from pneumoscope.service.config import Destination, Kind, Send, When
from pneumoscope.service.heads import header_of
from pneumoscope.service.store import Image, Parcel, What

HEAT_FILE, LINE_FILE = "heat.png", "image.json"
_LONGEST_HEAT_PX = 512
_FILES = {What.SR: "sr.dcm", What.SC: "sc.dcm", What.GSPS: "gsps.dcm", What.NOT_ANALYSED: "not-analysed.dcm"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Products:
    """Everything that one reading becomes.

    Attributes:
        files: Content by file name.
        objects: SOP Instance UID of each DICOM object.
        line: The result line.
    """

    files: dict[str, bytes]
    objects: dict[What, str]
    line: dict[str, object]


def make_products(
    reading: Reading, radiograph: Radiograph | None, *, file: Path, claim: Claim, card: ModelSummary
) -> Products:
    """The files; what cannot be made is named in the line's notes. A triage device shows no location anywhere.

    Args:
        reading: What the model said.
        radiograph: None where the file could not be read.
        file: The object as received, whose header is asked where there is no radiograph.
        claim: What the device claims to do.
        card: What a report says of the model.
    """
    if not claim.shows_location:
        reading = replace(reading, heat=None)
    files: dict[str, bytes] = {}
    notes: list[str] = []
    try:
        objects = (
            _about_analysed(reading, radiograph, card) if reading.decision else _about_other(reading, radiograph, file)
        )
    except InputError as error:  # nothing can refer to this image: a picture without header, an unusable header
        objects = {}
        notes.append(f"no DICOM objects: {str(error).removeprefix(f'{reading.path}: ')}")
    if objects and reading.heat is not None:
        assert radiograph is not None, "an analysed image was read"
        try:
            objects[What.GSPS] = presentation_state(reading, radiograph)
        except Exception as error:  # noqa: BLE001  an outline that cannot be drawn costs nobody the report and the capture
            notes.append(f"no presentation state: {type(error).__name__}")
    for what, ds in objects.items():
        files[_FILES[what]] = _encoded(ds)
    if reading.heat is not None:
        files[HEAT_FILE] = _heat(reading.heat)
    outputs = Outputs(
        sr=_FILES[What.SR] if What.SR in objects else None,
        sc=_FILES[What.SC] if What.SC in objects else None,
        notes=tuple(notes),
    )
    line = to_line(reading, outputs)
    files[LINE_FILE] = json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return Products(files=files, objects={what: str(ds.SOPInstanceUID) for what, ds in objects.items()}, line=line)


def parcels_for(
    image: Image, reading: Reading, *, products: Products, folder: str, destinations: Sequence[Destination]
) -> list[Parcel]:
    """What goes where; study results go later, once their study is complete."""
    parcels = []
    for destination in destinations:
        if not wants(destination, caller=image.caller, result=result_of(reading)):
            continue
        if destination.kind in (Kind.DICOM, Kind.STOW):
            chosen = [(what, uid) for what, uid in products.objects.items() if _sends(destination, what, reading)]
            parcels += [_parcel(image, destination, what, uid, f"{folder}/{_FILES[what]}") for what, uid in chosen]
        elif destination.kind is Kind.WEBHOOK:
            key = f"image:{image.uid}"
            parcels.append(_parcel(image, destination, What.IMAGE_RESULT, key, f"{folder}/{LINE_FILE}"))
    return parcels


def wants(destination: Destination, *, caller: str, result: When) -> bool:
    """Whether the destination's rules take results of this kind from this sender."""
    return (not destination.callers or caller in destination.callers) and (
        not destination.results or result in destination.results
    )


def result_of(reading: Reading) -> When:
    """The kind of result that rules speak of."""
    if reading.decision is None:
        return When.REFUSED if reading.status is Status.REFUSED else When.FAILED
    if reading.decision.uncertain:
        return When.UNCERTAIN
    return When.SUSPICIOUS if reading.decision.positive else When.CLEAR


def _about_analysed(reading: Reading, radiograph: Radiograph | None, card: ModelSummary) -> dict[What, Dataset]:
    assert radiograph is not None, "an analysed image was read"
    return {
        What.SR: structured_report(reading, radiograph, card=card),
        What.SC: secondary_capture(reading, radiograph, pixels=overlay(reading, radiograph)),
    }


def _about_other(reading: Reading, radiograph: Radiograph | None, file: Path) -> dict[What, Dataset]:
    header = radiograph.header if radiograph is not None else header_of(file)
    if header is None:
        raise InputError("the image has no DICOM header that an object could refer to")
    return {
        What.NOT_ANALYSED: not_analysed_report(reading, header),
        What.SC: notice_capture(reading, header, pixels=notice(reading)),
    }


def _sends(destination: Destination, what: What, reading: Reading) -> bool:
    """A notice's two halves are one object to the configuration."""
    send = Send.NOT_ANALYSED if reading.decision is None else Send(what.value)
    return send in destination.objects


def _parcel(image: Image, destination: Destination, what: What, key: str, file: str) -> Parcel:
    return Parcel(
        destination=destination.name,
        object=key,
        what=what,
        image_id=image.id,
        study_uid=image.study_uid,
        file=file,
    )


def _encoded(ds: Dataset) -> bytes:
    stream = io.BytesIO()
    dcmwrite(stream, ds, enforce_file_format=True)
    return stream.getvalue()


def _heat(heat: np.ndarray) -> bytes:
    """Local suspicion as an 8-bit grey PNG, 255 for 1, at most 512 px on its longer side."""
    picture = Picture.fromarray(np.asarray(np.clip(heat, 0, 1) * 255 + 0.5, dtype=np.uint8))
    picture.thumbnail((_LONGEST_HEAT_PX, _LONGEST_HEAT_PX), Picture.Resampling.BILINEAR)
    stream = io.BytesIO()
    picture.save(stream, format="PNG", compress_level=3)
    return stream.getvalue()
