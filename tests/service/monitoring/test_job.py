"""Self-test, alerts and webhook."""

import json
import threading
from collections.abc import Iterator
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pneumoscope.model import Artifact
from pneumoscope.reading import Model
from pneumoscope.service.config import MonitoringConfig, ServiceConfig
from pneumoscope.service.monitoring import EventKind, MonitoringJob, newest_events, self_test
from pneumoscope.service.monitoring.known_images import TOLERANCE, Outcome, sealed_answers
from pneumoscope.service.store import Store


class Hook(HTTPServer):
    """A webhook on loopback, which takes what it gets once `status` is 200."""

    status = 200
    got: list[dict[str, Any]]


@pytest.fixture
def hook() -> Iterator[Hook]:
    class Take(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            server.got.append(body | {"token": self.headers["authorization"]})
            self.send_response(server.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = Hook(("127.0.0.1", 0), Take)
    server.got = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[Any, float | None]]:
    """Readings of the known images that a test sets; as designed until then."""
    from pneumoscope.phantom import studies

    found = {one.name: (one.status, 0.5 if one.status == "analysed" else None) for one in studies()}
    monkeypatch.setattr("pneumoscope.service.monitoring.known_images._read", lambda _, study, __: found[study.name])
    return found


@lru_cache
def model_of(artifact: Artifact) -> Model:
    """A worker's model."""
    return Model(artifact)


def checked(store: Store, artifact: Artifact) -> Outcome:
    """The outcome of a self-test."""
    return self_test(store, model_of(artifact), operating_point="balanced")


def rounds(store: Store, artifact: Artifact, **settings: Any) -> MonitoringJob:
    monitoring = MonitoringConfig(reference=40, batch=10, **settings)
    return MonitoringJob(
        ServiceConfig(monitoring=monitoring),
        store=store,
        artifact=artifact,
        model=model_of(artifact),
    )


def test_the_known_images_read_as_designed_with_the_model_that_ships(store: Store, artifact: Artifact) -> None:
    outcome = checked(store, artifact)
    assert outcome.passed, outcome.complaints
    assert len(outcome.probabilities) == 8
    assert sum(one is not None for one in outcome.probabilities.values()) == 3


@pytest.mark.req("REQ-SV-09")
def test_a_probability_that_moved_fails_the_self_test(store: Store, artifact: Artifact, quick: Any, clock: Any) -> None:
    assert checked(store, artifact).passed
    clock.now += 86_400
    quick["1-chest-pa"] = (quick["1-chest-pa"][0], 0.5 + 1.1 * TOLERANCE)
    assert checked(store, artifact).complaints == ("1-chest-pa: expected probability 0.500, found 0.502",)
    assert [event.passed for event in newest_events(store, kind=EventKind.SELF_TEST)] == [False, True]


@pytest.mark.req("REQ-SV-09")
def test_answers_that_are_sealed_into_the_artefact_decide_from_the_first_run_on(
    store: Store, artifact: Artifact, quick: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = {"1-chest-pa": (0.4, 0.05)}
    monkeypatch.setattr("pneumoscope.service.monitoring.known_images.sealed_answers", lambda _: sealed)
    assert checked(store, artifact).complaints == ("1-chest-pa: expected probability 0.400, found 0.500",)
    sealed["1-chest-pa"] = (0.4, 0.11)
    assert checked(store, artifact).passed


def test_sealed_answers_are_read_from_the_card_and_their_absence_is_said(
    store: Store, artifact: Artifact, quick: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = {"file": "1-chest-pa.dcm", "probability": 0.4, "tolerance": 0.05}
    for answer in (one, SimpleNamespace(**one)):
        sealed: Any = SimpleNamespace(card=SimpleNamespace(self_test=[answer]))
        assert sealed_answers(sealed) == {"1-chest-pa": (0.4, 0.05)}
    without: Any = SimpleNamespace(card=SimpleNamespace())
    assert sealed_answers(without) == {}
    monkeypatch.setattr("pneumoscope.service.monitoring.known_images.sealed_answers", lambda _: {})
    checked(store, artifact)
    (event,) = newest_events(store, kind=EventKind.SELF_TEST)
    assert "only consistency was checked" in event.words


def test_a_known_image_that_is_refused_fails_the_self_test(store: Store, artifact: Artifact, quick: Any) -> None:
    from pneumoscope.core import Status

    quick["1-chest-pa"] = (Status.REFUSED, None)
    assert checked(store, artifact).complaints == ("1-chest-pa: expected analysed, found refused",)


def test_the_self_test_is_made_at_once_and_then_once_a_day(
    store: Store, artifact: Artifact, quick: Any, clock: Any
) -> None:
    watch = rounds(store, artifact, self_test_hour=0)
    for _ in range(4):
        watch.run_once()
        clock.now += 3600 * 8
    tests = newest_events(store, kind=EventKind.SELF_TEST)
    assert 1 <= len(tests) <= 2
    clock.now += 86_400
    watch.run_once()
    assert len(newest_events(store, kind=EventKind.SELF_TEST)) == len(tests) + 1


@pytest.mark.req("REQ-NT-01")
def test_an_alert_is_told_once_a_day_and_carries_no_patient(
    store: Store, artifact: Artifact, quick: Any, read: Any, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "secret")
    sha256 = artifact.identity.sha256
    read(np.random.default_rng(1).beta(2, 6, 40), sha256=sha256)
    read([np.nan] * 10, sha256=sha256)
    address = f"http://127.0.0.1:{hook.server_port}/"
    watch = rounds(store, artifact, webhook=address, token_env="HOOK_TOKEN")
    watch.run_once()
    watch.run_once()
    assert [one["words"] for one in hook.got] == ["Refused: beyond the limits"]
    assert hook.got[0]["token"] == "Bearer secret"
    assert set(hook.got[0]) == {"at", "kind", "words", "model_sha256", "detail", "token"}


def test_an_alert_waits_until_the_webhook_takes_it(
    store: Store, artifact: Artifact, quick: Any, read: Any, hook: Hook
) -> None:
    sha256 = artifact.identity.sha256
    read(np.full(40, 0.2), sha256=sha256)
    read([np.nan] * 10, sha256=sha256)
    watch = rounds(store, artifact, webhook=f"http://127.0.0.1:{hook.server_port}/")
    hook.status = 503
    watch.run_once()
    alert = newest_events(store, kind=EventKind.ALERT)[-1]
    assert alert.told_at is None
    hook.status = 200
    watch.run_once()
    assert newest_events(store, kind=EventKind.ALERT)[-1].told_at is not None


def test_a_fault_in_monitoring_does_not_end_it(
    store: Store, artifact: Artifact, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watch, stop = rounds(store, artifact), threading.Event()
    calls = []

    def fail(_self: MonitoringJob) -> None:
        calls.append(1)
        if len(calls) == 2:
            stop.set()
        raise RuntimeError("Sentinel^Patient")

    monkeypatch.setattr(MonitoringJob, "run_once", fail)
    monkeypatch.setattr("pneumoscope.service.monitoring.job.EVERY_S", 0.001)
    watch.run(stop)
    said = "".join(capsys.readouterr())
    assert len(calls) == 2
    assert "monitoring failed" in said
    assert "Sentinel" not in said


def test_what_a_change_control_plan_needs_is_recorded(store: Store, artifact: Artifact, quick: Any) -> None:
    rounds(store, artifact).run_once()
    kinds = {event.kind: event for event in newest_events(store)}
    assert kinds[EventKind.MODEL].model_sha256 == artifact.identity.sha256
    assert kinds[EventKind.MODEL].detail["claim"] == "detection"
    assert "balanced" in kinds[EventKind.MODEL].words
    assert kinds[EventKind.REFERENCE].detail["1-chest-pa"] == 0.5
