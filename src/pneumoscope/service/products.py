"""Reading -> files for the spool, and deliveries to the destinations whose rules it meets."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from pneumoscope.core import Claim, Format, InputError, Radiograph, ResultObject, Status
from pneumoscope.results import DICOM_OBJECTS, Outputs, Reading, make_objects, to_line
from pneumoscope.service.config import Destination, Kind, Send, When
from pneumoscope.service.heads import header_of
from pneumoscope.service.store import Image, Parcel, What

HEAT_FILE, LINE_FILE = "heat.png", "image.json"
_LONGEST_HEAT_PX = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Products:
    """The files of one reading.

    Attributes:
        files: Content by file name.
        objects: SOP Instance UID of each DICOM object.
        line: The result line.
    """

    files: dict[str, bytes]
    objects: dict[What, str]
    line: dict[str, object]


def make_products(reading: Reading, *, file: Path, claim: Claim) -> Products:
    """Return the files of a reading; what cannot be made is named in the line's notes.

    Args:
        reading: The result.
        file: The object as received, whose header is used where the image could not be read.
        claim: What the device claims to do; a triage device shows no location anywhere.
    """
    reading = _with_header(reading.under(claim), file)
    objects = make_objects(reading, wanted=DICOM_OBJECTS)
    files = {_file_of(kind): content for kind, content in objects.files().items()}
    if reading.heat is not None:
        files[HEAT_FILE] = _heat(reading.heat)
    shown: tuple[ResultObject, ...] = (ResultObject.SR, ResultObject.SC)
    listed = {kind: _file_of(kind) for kind in shown if kind in objects.dicom}
    line = to_line(reading, Outputs(files=listed, notes=objects.notes))
    files[LINE_FILE] = json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace")
    uids = {What(kind.value): str(ds.SOPInstanceUID) for kind, ds in objects.dicom.items()}
    return Products(files=files, objects=uids, line=line)


def parcels_for(
    image: Image, reading: Reading, *, products: Products, folder: str, destinations: Sequence[Destination]
) -> list[Parcel]:
    """Return what goes where; study results go later, once their study is complete."""
    parcels = []
    for destination in destinations:
        if not wants(destination, caller=image.caller, result=result_of(reading)):
            continue
        if destination.kind in (Kind.DICOM, Kind.STOW):
            chosen = [(what, uid) for what, uid in products.objects.items() if _sends(destination, what, reading)]
            parcels += [_parcel(image, destination, what, uid, f"{folder}/{what.value}.dcm") for what, uid in chosen]
        elif destination.kind is Kind.WEBHOOK:
            key = f"image:{image.uid}"
            parcels.append(_parcel(image, destination, What.IMAGE_RESULT, key, f"{folder}/{LINE_FILE}"))
    return parcels


def wants(destination: Destination, *, caller: str, result: When) -> bool:
    """Return whether the destination's rules take results of this kind from this sender."""
    return (not destination.callers or caller in destination.callers) and (
        not destination.results or result in destination.results
    )


def result_of(reading: Reading) -> When:
    """Return the kind of result that rules speak of."""
    if reading.decision is None:
        return When.REFUSED if reading.status is Status.REFUSED else When.FAILED
    if reading.decision.uncertain:
        return When.UNCERTAIN
    return When.SUSPICIOUS if reading.decision.positive else When.CLEAR


def _with_header(reading: Reading, file: Path) -> Reading:
    """Return the reading with as much of the header as can be read where the image itself could not be read."""
    if reading.radiograph is not None:
        return reading
    try:
        header = header_of(file)
    except InputError:
        return reading
    return replace(reading, radiograph=Radiograph(path=reading.path, format=Format.DICOM, header=header, pixels=None))


def _file_of(kind: ResultObject) -> str:
    return f"{kind.value}.dcm"


def _sends(destination: Destination, what: What, reading: Reading) -> bool:
    """Return whether a destination takes an object; report and capture of an image not analysed are one setting."""
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


def _heat(heat: np.ndarray) -> bytes:
    """Return local suspicion as an 8-bit grey PNG, 255 for 1, at most 512 px on its longer side."""
    picture = Picture.fromarray(np.asarray(np.clip(heat, 0, 1) * 255 + 0.5, dtype=np.uint8))
    picture.thumbnail((_LONGEST_HEAT_PX, _LONGEST_HEAT_PX), Picture.Resampling.BILINEAR)
    stream = io.BytesIO()
    picture.save(stream, format="PNG", compress_level=3)
    return stream.getvalue()
