"""A store, a spool, an inbox, objects to send, and a whole node on free ports."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from pneumoscope.intake import quieten_pydicom
from pneumoscope.model import Artifact, load, shipped_path
from pneumoscope.phantom import studies_folder
from pneumoscope.service import Node, parse_config
from pneumoscope.service.inbox import Inbox
from pneumoscope.service.spool import Spool
from pneumoscope.service.store import Arrival, Route, Store, open_store

PATIENT = "Zzyzx^Quentin"
"""A name that occurs nowhere else, so that a test can look for it where it must not be."""


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _quiet() -> None:
    """What the process that runs a node does at its start: pydicom's remarks on values are no errors."""
    quieten_pydicom()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'queue.db'}", clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


@pytest.fixture
def inbox(store: Store, spool: Spool) -> Inbox:
    return Inbox(store, spool)


@pytest.fixture(scope="session")
def artifact() -> Artifact:
    return load(shipped_path())


def build_arrival(uid: str = "1.2.3", **changes: Any) -> Arrival:
    """An object that is queued without a file."""
    values = {
        "uid": uid,
        "study_uid": "1.2.9",
        "series_uid": "1.2.8",
        "sop_class": str(DigitalXRayImageStorageForPresentation),
        "syntax": str(ExplicitVRLittleEndian),
        "caller": "CR1",
        "route": Route.C_STORE,
        "patient_id": "P1",
        "patient_name": PATIENT,
        "accession": "A1",
        "study_date": "20260101",
        "modality": "DX",
        "file": f"objects/00/{uid}.dcm",
        "size_bytes": 10,
        "sha256": "0" * 64,
    }
    return Arrival(**(values | changes))


def build_object(uid: str = "1.2.3.4", *, study_uid: str = "1.2.3", size: int = 64, **changes: Any) -> Dataset:
    """A small grey DX object; too small to be analysed, so that reading it costs nothing."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = DigitalXRayImageStorageForPresentation, uid
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study_uid, f"{study_uid}.1"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = PATIENT, "ID-Zzyzx", "19500101", "O"
    ds.StudyDate, ds.StudyTime, ds.AccessionNumber, ds.StudyID, ds.ReferringPhysicianName = "20260102", "", "A7", "", ""
    ds.Modality, ds.BodyPartExamined, ds.ViewPosition, ds.PatientAge = "DX", "CHEST", "PA", "060Y"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows = ds.Columns = size
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.PixelData = np.arange(size * size, dtype=np.uint8).tobytes()
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return ds


def encode(ds: Dataset) -> bytes:
    """The object as a DICOM file."""
    stream = BytesIO()
    dcmwrite(stream, ds, enforce_file_format=True)
    return stream.getvalue()


@pytest.fixture
def chest() -> bytes:
    """A synthetic chest radiograph that is analysed."""
    return (studies_folder() / "1-chest-pa.dcm").read_bytes()


def chest_as(uid: str, **changes: Any) -> Dataset:
    """The synthetic chest radiograph under another UID, and with other attributes."""
    ds = dcmread(studies_folder() / "1-chest-pa.dcm")
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = uid
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    return ds


def wait_for(holds: Callable[[], Any], *, seconds: float = 300.0) -> Any:
    """What `holds` returns once that is true; fails after a while."""
    until = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.05)
    return found


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def start_node(tmp_path: Path) -> Iterator[Callable[..., Node]]:
    """Starts nodes from a configuration's tables; they are stopped at the end."""
    nodes: list[Node] = []

    def start(**tables: Any) -> Node:
        defaults: dict[str, Any] = {
            "node": {"port": 0},
            "web": {"port": 0, "sign_in": "never"},
            "store": {"path": str(tmp_path / "spool"), "min_free_mb": 1},
            "study": {"complete_after_s": 0.5},
        }
        merged = {name: defaults.get(name, {}) | table for name, table in tables.items() if isinstance(table, dict)}
        lists = {name: table for name, table in tables.items() if not isinstance(table, dict)}
        node = Node(parse_config(defaults | merged | lists))
        node.start()
        nodes.append(node)
        return node

    yield start
    for node in nodes:
        node.stop()


@pytest.fixture(scope="session")
def dcmtk() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs one of DCMTK's programs."""
    if shutil.which("storescu") is None:
        pytest.skip("storescu not found: apt-get install dcmtk")

    def run(*command: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(part) for part in command], capture_output=True, text=True, errors="replace", timeout=60, check=False
        )

    return run


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for localhost that it signed itself."""
    folder = tmp_path_factory.mktemp("tls")
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    files = ["-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *name, *files]
    try:
        subprocess.run([str(part) for part in command], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl not found: apt-get install openssl")
    return folder
