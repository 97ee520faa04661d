"""A node without threads or sockets: store, spool and application, and images whose results are invented."""

import io
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import uvicorn
from fastapi import FastAPI
from PIL import Image as Pictures
from starlette.testclient import TestClient

from pneumoscope.core import Claim
from pneumoscope.model import Artifact
from pneumoscope.phantom import studies_folder
from pneumoscope.service.config import OidcConfig, ReadingConfig, ServiceConfig, SignIn, StoreConfig, WebConfig
from pneumoscope.service.inbox import Inbox
from pneumoscope.service.node import _web_settings
from pneumoscope.service.spool import Spool
from pneumoscope.service.store import Arrival, Image, Result, Route, Store, images, open_store, results, tables
from pneumoscope.service.web import Accounts, Role, create_app

PATIENT_NAME, PATIENT_ID, ACCESSION = "Sentinel^Patient", "SENTINEL-ID-4711", "SENTINEL-ACC"
"""What must turn up nowhere: not in logs, addresses, metrics or errors."""
PASSED = {"check": "modality", "expected": "CR or DX", "found": "DX", "outcome": "passed"}
FAILED = {"check": "modality", "expected": "CR or DX", "found": "CT", "outcome": "failed"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Site:
    """One node; `client` speaks to its application as a program on this machine would."""

    config: ServiceConfig
    store: Store
    spool: Spool
    inbox: Inbox
    app: FastAPI
    patient: tuple[str, ...] = (PATIENT_NAME, PATIENT_NAME.replace("^", " "), PATIENT_ID, ACCESSION)

    def client(self, token: str | None = None, **options: Any) -> TestClient:
        """A client, with a bearer token where one is given."""
        scheme = "https" if self.config.web.tls_certificate else "http"
        host = "127.0.0.1" if self.config.web.host == "127.0.0.1" else "node.example"
        options = {"base_url": f"{scheme}://{host}", "follow_redirects": False} | options
        client = TestClient(self.app, **options)
        if token:
            client.headers["authorization"] = f"Bearer {token}"
        return client

    def token(self, role: Role, name: str = "") -> str:
        """A new token."""
        return Accounts(self.store).add(name or f"a {role}", role)

    def image(self, name: str = "7-hand-labelled-chest", **result: Any) -> Image:
        """A synthetic study in the queue, with an invented result."""
        uid = str(pydicom.dcmread(BytesIO(study(name)), stop_before_pixels=True).SOPInstanceUID)
        file, _ = self.spool.add_object(uid, [study(name)])  # one is cut off, which an inbox would refuse
        self.inbox.recover(file)
        image = images.find(self.store, uid)
        assert image is not None
        keep_result(self, image, **result)
        return image

    def invented(self, *, study_uid: str = "", **result: Any) -> Image:
        """An image without a file, of a patient of its own."""
        uid = f"1.2.3.{sum(images.count_by_state(self.store).values()) + 1}"
        image = arrival(uid, study_uid=study_uid or f"{uid}.9")
        images.add(self.store, image)
        found = images.find(self.store, uid)
        assert found is not None
        with self.store.writing() as connection:
            connection.execute(tables.images.update().where(tables.images.c.id == found.id).values(file=None))
        keep_result(self, found, **result)
        return images.of_ids(self.store, [found.id])[0]


def study(name: str) -> bytes:
    """A synthetic study's file, of a patient whose name must turn up nowhere."""
    ds = pydicom.dcmread(studies_folder() / f"{name}.dcm")
    ds.PatientName, ds.PatientID, ds.AccessionNumber = PATIENT_NAME, PATIENT_ID, ACCESSION
    stream = io.BytesIO()
    ds.save_as(stream)
    return stream.getvalue()


def arrival(uid: str, *, study_uid: str) -> Arrival:
    """What came, without a file."""
    empty = dict.fromkeys(Arrival.__slots__, "")
    return Arrival(
        **empty
        | {
            "uid": uid,
            "study_uid": study_uid,
            "caller": "ROUTER",
            "route": Route.C_STORE,
            "patient_id": PATIENT_ID,
            "patient_name": PATIENT_NAME,
            "accession": ACCESSION,
            "study_date": "20260102",
            "size_bytes": 1,
        }
    )


def keep_result(
    site: Site,
    image: Image,
    *,
    status: str = "analysed",
    probability: float = 0.8,
    uncertain: bool = False,
    heat: bool = False,
    **columns: object,
) -> None:
    """Keeps an invented result; nothing for the status `waiting`."""
    if status == "waiting":
        return
    analysed = status == "analysed"
    model = {"name": "invented", "version": "1", "sha256": "ab" * 32}
    line = {"checks": [PASSED if analysed else FAILED], "model": model, "notes": []}
    files = {"heat.png": png(hot_corner())} if heat else {}
    result = Result(
        image_id=image.id,
        study_uid=image.study_uid,
        status=status,
        view="PA",
        probability=probability if analysed else None,
        threshold=0.3 if analysed else None,
        operating_point="balanced" if analysed else None,
        positive=probability >= 0.3 if analysed else None,
        uncertain=uncertain if analysed else None,
        model_sha256="ab" * 32,
        age_years=50.0,
        pixel_mean=0.5,
        pixel_deviation=0.2,
        distance=40.0,
        line=json.dumps(line),
        folder=site.spool.write_result(image.uid, files),
        read_at=site.store.now(),
    )
    results.record(site.store, replace(result, **columns), parcels=())


def hot_corner() -> np.ndarray:
    """Heat in the upper left quarter."""
    heat = np.zeros((64, 64), dtype=np.uint8)
    heat[8:24, 8:24] = 220
    return heat


def png(pixels: np.ndarray) -> bytes:
    """The pixels as PNG."""
    stream = io.BytesIO()
    Pictures.fromarray(pixels).save(stream, format="PNG")
    return stream.getvalue()


@pytest.fixture
def make_site(tmp_path: Path, artifact: Artifact, clock: Callable[[], float]) -> Iterator[Callable[..., Site]]:
    """Makes nodes; on loopback nobody signs in unless a test says so."""
    stores: list[Store] = []

    def make(*, host: str = "127.0.0.1", claim: Claim = Claim.BOTH, oidc: OidcConfig | None = None, **web: Any) -> Site:
        root = tmp_path / f"spool{len(stores)}"
        config = ServiceConfig(
            store=StoreConfig(path=root),
            reading=ReadingConfig(claim=claim),
            web=WebConfig(host=host, **({"sign_in": SignIn.NEVER} if host == "127.0.0.1" and not oidc else {}) | web),
            oidc=oidc or OidcConfig(),
        )
        spool = Spool(root, min_free_mb=1)
        store = open_store(config.store.url, clock=clock)
        stores.append(store)
        inbox = Inbox(store, spool)
        app = create_app(config, store=store, spool=spool, inbox=inbox, artifact=artifact)
        return Site(config=config, store=store, spool=spool, inbox=inbox, app=app)

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """A node on loopback: nobody signs in."""
    return make_site()


@pytest.fixture
def guarded(make_site: Callable[..., Site]) -> Site:
    """A node beyond loopback: everybody signs in."""
    return make_site(host="0.0.0.0")


@pytest.fixture
def serve() -> Iterator[Callable[[Site], str]]:
    """Serves a site's application on a free port of this machine, as a node does; returns its address."""
    servers = []

    def run(site: Site) -> str:
        free = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(_web_settings(site.app, site.config))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [free]}, daemon=True)
        thread.start()
        servers.append((server, thread))
        while not server.started:
            time.sleep(0.02)
        return f"http://127.0.0.1:{free.getsockname()[1]}"

    yield run
    for server, thread in servers:
        server.should_exit = True
        thread.join(10)
