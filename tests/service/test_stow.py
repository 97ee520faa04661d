"""STOW-RS by an independent client, over a real socket."""

import threading
import time

import pytest
import uvicorn
from dicomweb_client import DICOMwebClient
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydicom.uid import DigitalXRayImageStorageForPresentation
from requests import HTTPError
from tests.service.conftest import build_object, encode

from pneumoscope.service.store import State, images
from pneumoscope.service.stow import parts_of, router


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
    assert answer.json()["0008119A"]["Value"] == [{"00081197": {"vr": "US", "Value": [0xC000]}}]


def test_another_object_under_a_known_uid_is_refused(app, store):
    with TestClient(app) as web:
        web.post("/dicom-web/studies", **multipart(encode(build_object("1.1"))))
        answer = web.post("/dicom-web/studies", **multipart(encode(build_object("1.1", PatientID="ELSE"))))
    assert answer.status_code == 409
    assert answer.json()["00081198"]["Value"][0]["00081197"]["Value"] == [0xC001]
    assert images.find(store, "1.1").resent == 1


def test_one_bad_part_does_not_stop_the_others(app, store):
    with TestClient(app) as web:
        answer = web.post("/dicom-web/studies", **multipart(b"nonsense", encode(build_object("1.1"))))
    assert answer.status_code == 202
    assert answer.json()["0008119A"]["Value"] == [{"00081197": {"vr": "US", "Value": [0xC000]}}]
    assert images.find(store, "1.1") is not None


@pytest.mark.req("REQ-SV-01")
def test_a_full_disk_is_said_as_such(app, spool, monkeypatch):
    monkeypatch.setattr(spool, "_min_free_mb", 10**9)
    with TestClient(app) as web:
        answer = web.post("/dicom-web/studies", **multipart(encode(build_object("1.1"))))
    assert answer.status_code == 507


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
        assert web.post("/dicom-web/studies", content=body, headers={"Content-Type": kind}).status_code == code


def test_a_boundary_within_the_pixels_does_not_cut_them():
    content = b"pixels--x more\n--x even"
    assert list(parts_of(b"--x\r\nA: b\r\n\r\n" + content + b"\r\n--x--", b"x")) == [content]
