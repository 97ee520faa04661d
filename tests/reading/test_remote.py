"""Images from object storage (moto's S3 on loopback) and from a DICOMweb archive (Orthanc, and one that misbehaves)."""

import json
import shutil
import socket
import subprocess
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.request import Request, urlopen

import pytest

from pneumoscope.core import RemoteError
from pneumoscope.intake import find_images, read_radiograph
from pneumoscope.phantom import studies_folder
from pneumoscope.reading import remote as module
from pneumoscope.reading.remote import Item, list_items, sources_of

pytest.importorskip("dicomweb_client", reason="dicomweb-client not found: pip install 'pneumoscope[cluster]'")
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    monkeypatch.setattr(module, "_WAIT_MS", 1)
    module._client.cache_clear()


# --- files -----------------------------------------------------------------------------------------------------------


def test_local_items_give_the_sources_that_one_process_reads(tmp_path):
    for study in studies_folder().iterdir():
        shutil.copy(study, tmp_path)
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.write(tmp_path / "1-chest-pa.dcm", "inner/1.dcm")
        archive.write(tmp_path / "2-chest-ap.dcm", "inner/2.dcm")
    (tmp_path / "loop").symlink_to(tmp_path)
    addresses = [str(tmp_path), str(tmp_path / "missing.dcm")]
    expected = [(one.path, one.problem and str(one.problem)) for one in find_images(map(Path, addresses))]
    items = [Item.of_json(json.loads(json.dumps(item.to_json()))) for item in list_items(addresses)]
    found = [(one.path, one.problem and str(one.problem)) for item in items for one in sources_of(item)]
    assert found == expected
    assert len(items) == len(expected) - 1, "expected a zip to be one item, opened by the worker"


# --- object storage --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def store():
    """A bucket with two studies and what must be passed over; yields the endpoint."""
    server = pytest.importorskip("moto.server", reason="moto not found: pip install 'moto[server,s3]'")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(store, monkeypatch):
    import s3fs

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_ENDPOINT_URL", store)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    system = s3fs.S3FileSystem()
    system.mkdirs("films/a", exist_ok=True) if system.exists("films") else system.mkdir("films")
    for name in ("1-chest-pa.dcm", "2-chest-ap.dcm"):
        system.pipe(f"films/a/{name}", (studies_folder() / name).read_bytes())
    system.pipe("films/a/.hidden", b"x")
    system.pipe("films/a/DICOMDIR", b"x")
    yield "s3://films/a"
    s3fs.S3FileSystem.clear_instance_cache()


def test_objects_of_a_bucket_are_read_as_the_files_are(bucket):
    items = list(list_items([bucket]))
    assert [item.path for item in items] == [f"{bucket}/1-chest-pa.dcm", f"{bucket}/2-chest-ap.dcm"]
    ours = read_radiograph(next(sources_of(items[0])))
    file = read_radiograph(studies_folder() / "1-chest-pa.dcm")
    assert ours.path == items[0].path
    assert (ours.pixels == file.pixels).all()


def test_an_object_that_went_away_is_a_failed_image_not_a_missing_one(bucket):
    (source,) = sources_of(Item(path=f"{bucket}/gone.dcm", address=f"{bucket}/gone.dcm"))
    assert source.problem is not None
    assert "nothing there" in source.problem.found


def test_a_bucket_without_credentials_or_without_itself_is_one_clear_error(bucket, monkeypatch):
    import s3fs

    with pytest.raises(RemoteError, match="s3://elsewhere"):
        list(list_items(["s3://elsewhere"]))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(RemoteError, match=r"AWS_ACCESS_KEY_ID|check the credentials"):
        list(list_items([bucket]))


# --- DICOMweb --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory):
    """Debian's Orthanc with its DICOMweb plugin, holding the synthetic studies; yields its address."""
    if shutil.which("Orthanc") is None or not PLUGIN.exists():
        pytest.skip("Orthanc or its DICOMweb plugin not found: apt-get install orthanc orthanc-dicomweb")
    folder, port = tmp_path_factory.mktemp("orthanc"), free_port()
    config = {
        "HttpPort": port,
        "DicomPort": free_port(),
        "StorageDirectory": str(folder / "db"),
        "IndexDirectory": str(folder / "db"),
        "AuthenticationEnabled": False,
        "RemoteAccessAllowed": False,
        "Plugins": [str(PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    (folder / "orthanc.json").write_text(json.dumps(config))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([shutil.which("Orthanc"), folder / "orthanc.json"], stdout=log, stderr=log)
    deadline = time.monotonic() + 60
    while True:
        try:
            urlopen(f"http://127.0.0.1:{port}/system", timeout=5).close()
            break
        except OSError:
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.1)
    for name in ("1-chest-pa.dcm", "2-chest-ap.dcm", "4-ct-slice.dcm"):
        body = (studies_folder() / name).read_bytes()
        urlopen(Request(f"http://127.0.0.1:{port}/instances", data=body), timeout=30).close()
    yield f"dicomweb+http://127.0.0.1:{port}/dicom-web"
    process.terminate()
    process.wait(20)


def test_an_archive_gives_its_radiographs_and_their_pixels(orthanc):
    items = list(list_items([orthanc]))
    expected = {}
    for name in ("1-chest-pa.dcm", "2-chest-ap.dcm"):
        radiograph = read_radiograph(studies_folder() / name)
        expected[radiograph.sop_instance_uid] = radiograph
    assert {item.instance[2] for item in items} == set(expected), "expected CR and DX only"
    for item in items:
        found = read_radiograph(next(sources_of(item)))
        assert (found.pixels == expected[item.instance[2]].pixels).all()
        assert found.path == item.path


class Archive(BaseHTTPRequestHandler):
    """An archive that answers what the test told it to."""

    answers: ClassVar[dict[str, tuple[int, bytes]]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self):
        self.asked.append(self.path)
        path, _, query = self.path.partition("?")
        status, body = self.answers.get(path, (200, b"[]"))
        if "offset=0" not in query and body.startswith(b"["):
            body = b"[]"
        if "Modality=DX" in query:
            body = b"[]"
        self.send_response(status)
        self.send_header("Content-Type", "application/dicom+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        return


@pytest.fixture
def archive():
    Archive.answers, Archive.asked = {}, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Archive)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"dicomweb+http://127.0.0.1:{server.server_port}/web"
    server.shutdown()
    server.server_close()


def attribute(tag: str, value: object) -> dict[str, object]:
    return {tag: {"vr": "UI" if tag != "00201209" else "IS", "Value": [value]}}


SERIES = attribute("0020000D", "1.2") | attribute("0020000E", "1.3") | attribute("00201209", 3)


def test_an_archive_that_answers_429_is_asked_again_and_then_named(archive):
    Archive.answers["/web/series"] = (429, b"")
    with pytest.raises(RemoteError, match=r"127\.0\.0\.1.*429|attempts"):
        list(list_items([archive]))
    assert len(Archive.asked) == module._ATTEMPTS


def test_half_a_study_is_a_failed_line_beside_what_is_there(archive):
    Archive.answers["/web/series"] = (200, json.dumps([SERIES]).encode())
    instance = json.dumps([attribute("00080018", "1.4")]).encode()
    Archive.answers["/web/studies/1.2/series/1.3/instances"] = (200, instance)
    Archive.answers["/web/studies/1.2/series/1.3/instances/1.4"] = (404, b"")
    there, half = list_items([archive])
    assert half.problem == ("archive", "3 instances in the series", "1")
    (source,) = sources_of(there)
    assert source.problem is not None
    assert "404" in source.problem.found
    (missing,) = sources_of(half)
    assert missing.problem is not None


def test_an_archive_that_does_not_answer_is_named():
    with pytest.raises(RemoteError, match="expected an answer"):
        list(list_items([f"dicomweb+http://127.0.0.1:{free_port()}/dicom-web"]))
