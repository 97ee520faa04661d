"""STOW-RS by an independent client, over a real socket."""

import gzip
import threading
import time
from io import BytesIO

import pytest
import uvicorn
from dicomweb_client import DICOMwebClient
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydicom.uid import DigitalXRayImageStorageForPresentation
from requests import HTTPError
from tests.service.conftest import build_object, encode

from pneumoscope.service.content import SPILL_BYTES
from pneumoscope.service.inbox import Inbox
from pneumoscope.service.multipart import Parts, media_type
from pneumoscope.service.store import State, images
from pneumoscope.service.stow import router


@pytest.fixture
def app(inbox):
    made = FastAPI()
    made.include_router(router(inbox), prefix="/dicom-web")
    return made


@pytest.fixture
def client(app):
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield DICOMwebClient(f"http://127.0.0.1:{port}/dicom-web")
    server.should_exit = True
    thread.join()


def multipart(*parts, boundary="x"):
    body = b"".join(
        f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode() + part + b"\r\n" for part in parts
    )
    headers = {"Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}'}
    return {"content": body + f"--{boundary}--\r\n".encode(), "headers": headers}


def test_an_independent_client_stores_instances_and_reads_the_answer(client, store, spool):
    answer = client.store_instances([build_object("1.1"), build_object("1.2")])
    assert [one.ReferencedSOPInstanceUID for one in answer.ReferencedSOPSequence] == ["1.1", "1.2"]
    assert images.count_by_state(store)[State.RECEIVED] == 2
    assert all(spool.path(image.file).exists() for image in images.newest(store, limit=9))


def test_an_object_of_another_study_than_the_address_names_is_refused(client):
    with pytest.raises(HTTPError, match="409"):
        client.store_instances([build_object("1.1")], study_instance_uid="7.7")


def test_each_object_that_is_not_kept_is_named_with_its_reason(app):
    parts = [encode(build_object(uid)) for uid in ("1.1", "1.2")] + [b"nonsense"]
    with TestClient(app) as web:
        answer = web.post("/dicom-web/studies/7.7", **multipart(*parts))
    failed = answer.json()["00081198"]["Value"]
    assert [one["00081155"]["Value"] for one in failed] == [["1.1"], ["1.2"]]
    assert all(one["00081150"]["Value"] == [DigitalXRayImageStorageForPresentation] for one in failed)
    assert {one["00081197"]["Value"][0] for one in failed} == {0xA900}
    (other,) = answer.json()["0008119A"]["Value"]
    assert other["00081197"] == {"vr": "US", "Value": [0xC000]}
    assert "expected a DICOM, PNG or JPEG file" in other["00000902"]["Value"][0]


def test_another_object_under_a_known_uid_is_refused(app, store):
    with TestClient(app) as web:
        web.post("/dicom-web/studies", **multipart(encode(build_object("1.1"))))
        answer = web.post("/dicom-web/studies", **multipart(encode(build_object("1.1", PixelData=b"\1" * 4096))))
    assert answer.status_code == 409
    assert answer.json()["00081198"]["Value"][0]["00081197"]["Value"] == [0xC001]
    assert images.find(store, "1.1").resent == 1


def test_one_bad_part_does_not_stop_the_others(app, store):
    with TestClient(app) as web:
        answer = web.post("/dicom-web/studies", **multipart(b"nonsense", encode(build_object("1.1"))))
    assert answer.status_code == 202
    assert [one["00081197"]["Value"] for one in answer.json()["0008119A"]["Value"]] == [[0xC000]]
    assert images.find(store, "1.1") is not None


@pytest.mark.req("REQ-SV-01")
def test_a_full_disk_is_said_as_such(app, spool, monkeypatch):
    monkeypatch.setattr(spool, "_min_free_mb", 10**9)
    with TestClient(app) as web:
        answer = web.post("/dicom-web/studies", **multipart(encode(build_object("1.1"))))
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "30"


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("application/json", b"{}", 415),
        ("multipart/related; type=application/dicom", b"", 415),
        ('multipart/related; type="application/dicom+json"; boundary=x', b"--x--", 415),
        ('multipart/related; type="application/dicom"; boundary=x', b"nothing", 400),
    ],
)
def test_what_is_not_stow_is_refused(app, kind, body, code):
    with TestClient(app) as web:
        answer = web.post("/dicom-web/studies", content=body, headers={"Content-Type": kind})
    assert answer.status_code == code
    assert "expected" in answer.text, "a reason in every refusal"


def split(body, boundary="x", *, step):
    """The parts of a body that comes in pieces of so many bytes."""
    found = []

    def begin():
        found.append(BytesIO())
        return found[-1]

    parts = Parts(boundary, open_part=begin, close_part=lambda _sink: None)
    for start in range(0, len(body), step):
        parts.feed(body[start : start + step])
    return [one.getvalue() for one in found], parts.is_complete


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_parts_are_found_whatever_the_line_end_and_however_the_body_is_cut(end, step):
    content = b"pixels--x more\n--y even\r\n--y\r"
    body = b"preamble" + end + b"--x" + end + b"A: b" + end * 2 + content + end + b"--x " + end * 2 + b"second"
    assert split(body + end + b"--x--" + end + b"epilogue", step=step) == ([content, b"second"], True)
    assert split(body, step=step)[1] is False


def test_parameter_names_have_no_case_and_values_may_be_quoted():
    header = 'Multipart/Related; TYPE="application/dicom"; Boundary="a;b \\"c"'
    assert media_type(header) == ("multipart/related", {"type": "application/dicom", "boundary": 'a;b "c'})


@pytest.mark.parametrize(
    "kind",
    [
        'multipart/related; type="application/dicom"; Boundary=x',
        'MULTIPART/RELATED; TYPE=application/dicom; BOUNDARY="x"',
        "multipart/related;boundary=x;type=application/dicom",
    ],
)
@pytest.mark.parametrize("form", ["plain", "gzip", "lf"])
def test_a_body_is_accepted_in_whatever_form_the_standard_allows_and_some_that_clients_send(app, store, kind, form):
    body, file = multipart(encode(build_object("1.1")))["content"], encode(build_object("1.1"))
    headers = {"Content-Type": kind}
    if form == "gzip":
        body, headers = gzip.compress(body), headers | {"Content-Encoding": "gzip"}
    if form == "lf":
        body = b"--x\nContent-Type: application/dicom\n\n" + file + b"\n--x--\n"
    with TestClient(app) as web:
        assert web.post("/dicom-web/studies", content=body, headers=headers).status_code == 200
    assert images.find(store, "1.1").size_bytes == len(file)


@pytest.mark.parametrize(
    ("encoding", "body", "code", "words"),
    [
        ("gzip", b"not gzip", 400, "expected it compressed as Content-Encoding says"),
        ("br", b"x", 415, "expected Content-Encoding gzip, deflate or none"),
        ("", b"--x\r\n\r\nhalf of a part", 400, "expected a closing boundary"),
        ("", b"--x\r\n" + b"A" * 70_000, 400, "expected an empty line"),
    ],
)
def test_a_body_that_makes_no_sense_is_refused_with_the_reason(app, encoding, body, code, words):
    kind = 'multipart/related; type="application/dicom"; boundary=x'
    with TestClient(app) as web:
        headers = {"Content-Type": kind, "Content-Encoding": encoding}
        answer = web.post("/dicom-web/studies", content=body, headers=headers)
    assert (answer.status_code, words[:40] in answer.text) == (code, True)


@pytest.mark.req("REQ-SV-06")
def test_half_an_object_is_refused_and_its_whole_is_welcome(app, store):
    whole = encode(build_object("1.1"))
    with TestClient(app) as web:
        answer = web.post("/dicom-web/studies", **multipart(whole[: len(whole) // 2]))
        assert answer.status_code == 409
        assert "cut off" in answer.text
        assert images.find(store, "1.1") is None
        assert web.post("/dicom-web/studies", **multipart(whole)).status_code == 200


def test_a_large_object_goes_to_the_spool_while_it_arrives_and_leaves_nothing_behind(app, inbox, spool, store):
    ds = build_object("1.1", Rows=2048, Columns=2048, PixelData=bytes(2048 * 2048))
    ds.PixelData += bytes(2 * SPILL_BYTES - len(ds.PixelData))
    ds.Rows = 4096
    with TestClient(app) as web:
        assert web.post("/dicom-web/studies", **multipart(encode(ds), b"nonsense")).status_code == 202
    assert spool.path(images.find(store, "1.1").file).read_bytes() == encode(ds)
    assert list((spool.root / "incoming").iterdir()) == []
    assert inbox.in_flight.used == 0


@pytest.mark.req("REQ-SV-01")
def test_more_bytes_than_may_be_on_their_way_are_refused_for_now(store, spool):
    app, inbox = FastAPI(), Inbox(store, spool, max_in_flight_mb=1)
    app.include_router(router(inbox), prefix="/dicom-web")
    large = build_object("1.1", Rows=1024, Columns=1024, PixelData=bytes(1024 * 1024))
    with TestClient(app) as web:
        answer = web.post("/dicom-web/studies", **multipart(encode(large)))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
        assert "on their way in" in answer.text
        assert web.post("/dicom-web/studies", **multipart(encode(build_object("1.2")))).status_code == 200
    assert inbox.in_flight.used == 0
