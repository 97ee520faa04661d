"""The monitoring job: checks the control charts, runs the daily self-test and posts alerts."""

import threading
import time

import httpx

from pneumoscope import __version__
from pneumoscope.model import Artifact
from pneumoscope.reading import Model
from pneumoscope.service.config import ServiceConfig
from pneumoscope.service.log import logger
from pneumoscope.service.monitoring import events
from pneumoscope.service.monitoring.events import Event, EventKind
from pneumoscope.service.monitoring.known_images import self_test
from pneumoscope.service.monitoring.report import Report, monitor
from pneumoscope.service.store import Store

EVERY_S = 300.0
_TIMEOUT_S = 10.0


def report_of(store: Store, config: ServiceConfig, artifact: Artifact) -> Report:
    """Return the report on the model and operating point in use; scores are marked at the threshold of unknown ages."""
    card = artifact.card
    rule = card.rules[card.population_of(None)]
    return monitor(
        store,
        config.monitoring,
        model_sha256=artifact.identity.sha256,
        threshold=rule.operating_points[config.reading.operating_point].threshold,
        guard_limit=card.guard.limit,
    )


class MonitoringJob:
    """Runs every five minutes; findings are kept in the database and posted to the webhook until it accepts them."""

    def __init__(self, config: ServiceConfig, *, store: Store, artifact: Artifact, model: Model) -> None:
        """`model` is a worker's: the self-test must test what reads patients' images."""
        self._model = model
        self._config = config
        self._store = store
        self._artifact = artifact

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set; a fault in it is logged and ends neither the node nor the job."""
        while not stop.is_set():
            try:
                self.run_once()
            except Exception as error:  # noqa: BLE001
                logger.error("monitoring failed", error=type(error).__name__)
            stop.wait(EVERY_S)

    def run_once(self) -> None:
        """Run once: model, charts, self-test where it is due, webhook."""
        sha256, card = self._artifact.identity.sha256, self._artifact.card
        words = f"{card.name} {card.version} in use, operating point {self._config.reading.operating_point}"
        key = f"{__version__}:{self._config.reading.operating_point}:{self._config.reading.claim}"
        detail = {"software": __version__, "claim": str(self._config.reading.claim)}
        events.add(self._store, EventKind.MODEL, key, model_sha256=sha256, passed=True, words=words, detail=detail)
        self._check_charts(sha256)
        if self._is_self_test_due():
            self_test(self._store, self._model, operating_point=self._config.reading.operating_point)
        self._notify()

    def _check_charts(self, sha256: str) -> None:
        report = report_of(self._store, self._config, self._artifact)
        day = time.strftime("%Y-%m-%d", time.localtime(self._store.now()))
        for words in report.alarms:  # once a day while it lasts
            key = f"{day}:{words}"[:128]
            detail = {"reference": report.reference, "recent": report.recent}
            events.add(self._store, EventKind.ALERT, key, model_sha256=sha256, passed=False, words=words, detail=detail)

    def _is_self_test_due(self) -> bool:
        """Return whether today's hour has come and today's test was not made; on a new node or model at once."""
        sha256, now = self._artifact.identity.sha256, time.localtime(self._store.now())
        if not events.has_any(self._store, EventKind.SELF_TEST, model_sha256=sha256):
            return True
        today = time.strftime("%Y-%m-%d", now)
        done = events.find(self._store, EventKind.SELF_TEST, today, model_sha256=sha256)
        return done is None and now.tm_hour >= self._config.monitoring.self_test_hour

    def _notify(self) -> None:
        address = self._config.monitoring.webhook
        if address is None:
            return
        for event in events.untold(self._store):
            try:
                token = self._config.monitoring.token
                headers = {"authorization": f"Bearer {token}"} if token else {}
                answer = httpx.post(address, json=as_json(event), headers=headers, timeout=_TIMEOUT_S)
                answer.raise_for_status()
            except httpx.HTTPError as error:
                logger.warning("alert not delivered", error=type(error).__name__)
                return  # again in the next round
            events.note_told(self._store, event)


def as_json(event: Event) -> dict[str, object]:
    """Return the event as the webhook gets it; nothing of a patient is in it."""
    return {
        "at": event.at,
        "kind": event.kind.value,
        "words": event.words,
        "model_sha256": event.model_sha256,
        "detail": event.detail,
    }
