"""What the fault campaign and the load test share: objects to send, a sender that remembers, a PACS that counts."""

import hashlib
import itertools
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, JPEGLSLossless
from pynetdicom import AE, evt
from pynetdicom.association import Association

from pneumoscope.phantom import studies_folder
from pneumoscope.service.delivery.dicom import SENT_CLASSES, SENT_SYNTAXES

ROOT = "1.2.826.0.1.3680043.8.498"


def chest(number: int) -> Dataset:
    """A synthetic chest radiograph that is analysed, under a UID of its own; JPEG-LS."""
    ds = dcmread(studies_folder() / "1-chest-pa.dcm")
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"{ROOT}.1.{number}"
    ds.StudyInstanceUID = f"{ROOT}.2.{number}"
    return ds


def small_chest(number: int) -> Dataset:
    """The same radiograph at a third of its size, uncompressed: analysed at little cost."""
    ds = chest(number)
    ds.decompress(generate_instance_uid=False)
    pixels = ds.pixel_array[:1023, :1023].reshape(341, 3, 341, 3).mean(axis=(1, 3)).astype(np.uint16)
    ds.Rows, ds.Columns = pixels.shape
    ds.PixelData, ds.ImagerPixelSpacing = pixels.tobytes(), [1.08, 1.08]
    return ds


def small(number: int, *, broken: bool = False) -> Dataset:
    """A radiograph that is too small and so refused; with too few pixels it fails."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = DigitalXRayImageStorageForPresentation, f"{ROOT}.1.{number}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = f"{ROOT}.2.{number}", f"{ROOT}.3.{number}"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Synthetic", f"S{number}", "", ""
    ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber, ds.ReferringPhysicianName = "", "", "", "", ""
    ds.Modality, ds.BodyPartExamined, ds.ViewPosition = "DX", "CHEST", "PA"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows = ds.Columns = 64
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.PixelData = np.arange(64 * 64, dtype=np.uint8).tobytes()[: 1000 if broken else None]
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return ds


def mixed(number: int) -> Dataset:
    """One in five is analysed, one in ten fails, the others are refused."""
    if number % 5 == 0:
        return small_chest(number)
    return small(number, broken=number % 10 == 3)


@dataclass
class Pacs:
    """A C-STORE SCP that counts what it is given, by UID, and notices when a UID comes with other content.

    One object in twenty it refuses for now (A700), one in fifty it takes and ends the association without an answer.
    """

    port: int
    chance: random.Random
    refused: int = 0
    unanswered: int = 0
    received: Counter[str] = field(default_factory=Counter)
    digests: dict[str, str] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)

    def start(self) -> None:
        """Listens in threads of its own."""
        ae = AE(ae_title="PACS")
        for sop_class in SENT_CLASSES:
            ae.add_supported_context(sop_class, list(SENT_SYNTAXES))
        self._lock = threading.Lock()
        self._server = ae.start_server(
            ("127.0.0.1", self.port), block=False, evt_handlers=[(evt.EVT_C_STORE, self._store)]
        )

    def stop(self) -> None:
        """Stops listening."""
        self._server.shutdown()

    def _store(self, event: evt.Event) -> int:
        fate = self.chance.random()
        if fate < 0.05:
            self.refused += 1
            return 0xA700
        uid = str(event.request.AffectedSOPInstanceUID)
        digest = hashlib.sha256(event.encoded_dataset(include_meta=False)).hexdigest()
        with self._lock:
            self.received[uid] += 1
            if self.digests.setdefault(uid, digest) != digest:
                self.changed.add(uid)
        if fate < 0.07:
            self.unanswered += 1
            event.assoc.abort()
        return 0x0000


class Sender:
    """Sends objects one after the other; sends again only what was not acknowledged, to the next node."""

    def __init__(self, *ports: int) -> None:
        self._ports = itertools.cycle(ports)
        self._association: Association | None = None
        self._ae = AE(ae_title="SENDER")
        for syntax in (ExplicitVRLittleEndian, JPEGLSLossless):
            self._ae.add_requested_context(DigitalXRayImageStorageForPresentation, syntax)
        self._ae.acse_timeout = self._ae.dimse_timeout = self._ae.network_timeout = 10
        self._ae.connection_timeout = 2
        self.acknowledged: list[str] = []
        self.unanswered = 0

    def send(self, ds: Dataset, *, stop: threading.Event) -> bool:
        """Whether the object was acknowledged before `stop`."""
        while not stop.is_set():
            if self._association is None or not self._association.is_established:
                self._association = self._ae.associate("127.0.0.1", next(self._ports), ae_title="PNEUMOSCOPE")
                if not self._association.is_established:
                    time.sleep(0.2)
                    continue
            try:
                status = self._association.send_c_store(ds).get("Status")
            except (RuntimeError, ValueError):  # the association ended in between; anything else is our own fault
                if self._association.is_established:
                    raise
                status = None
            if status == 0x0000:
                self.acknowledged.append(str(ds.SOPInstanceUID))
                return True
            self.unanswered += 1
        return False

    def close(self) -> None:
        """Releases the association."""
        if self._association is not None and self._association.is_established:
            self._association.release()
