"""The delivery worker of one destination: sends what is queued for it, and retries with growing delays."""

import hashlib
import threading
from contextlib import suppress
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from pneumoscope.core import RemoteError
from pneumoscope.service.config import Destination
from pneumoscope.service.delivery.sender import PeerDownError, RejectedError, Sender
from pneumoscope.service.log import logger
from pneumoscope.service.spool import Spool
from pneumoscope.service.store import Delivery, Store, deliveries

FIRST_DELAY_S = 5.0
_BATCH = 16
_POLL_S, _PAUSE_S = 1.0, 2.0
IDLE_S = 10.0
"""How long an association is kept with nothing to send."""

_LEASE_MARGIN_S = 60.0


def backoff_s(attempts: int, *, longest_s: float) -> float:
    """Return the seconds until the next attempt after so many: 5, 10, 20, ... up to `longest_s`."""
    return min(FIRST_DELAY_S * 2.0 ** min(attempts - 1, 30), longest_s)


class DeliveryWorker:
    """Delivers to one destination; `run` is a thread's work.

    Whatever goes wrong with one delivery is that delivery's: it waits, or becomes a dead letter, and the others go on.
    """

    def __init__(self, destination: Destination, *, name: str, store: Store, spool: Spool, sender: Sender) -> None:
        self._destination = destination
        self._name = name
        self._store = store
        self._spool = spool
        self._sender = sender
        self._failures = 0
        self._sent: list[Delivery] = []  # delivered, but the database did not take it down yet
        self._held: list[Delivery] = []  # claimed and not sent, and the database did not answer

    def run(self, *, stop: threading.Event) -> None:
        """Work until `stop` is set."""
        idle_s = 0.0
        while not stop.is_set():
            try:
                if self.work(stop=stop):
                    idle_s = 0.0
                    continue
            except SQLAlchemyError as error:
                logger.error("delivery waits", destination=self._destination.name, error=type(error).__name__)
                stop.wait(_PAUSE_S)
                continue
            stop.wait(_POLL_S)
            idle_s += _POLL_S
            if idle_s >= IDLE_S:
                self._close()
        self._close()

    def work(self, *, stop: threading.Event) -> int:
        """Send one batch; return how many deliveries were claimed.

        Raises:
            SQLAlchemyError: The database does not answer; the next call completes what this one could not write down.
        """
        self._settle_earlier()
        lease_s = _BATCH * self._destination.timeout_s + _LEASE_MARGIN_S
        batch = deliveries.claim(self._store, self._destination.name, worker=self._name, limit=_BATCH, lease_s=lease_s)
        self._held = list(batch)
        while self._held:
            if stop.is_set():
                self._retry(self._held, error=self._held[0].error, delay_s=0.0)
                break
            if not self._deliver(self._held[0], stop=stop):
                break
        self._held = []
        return len(batch)

    def _settle_earlier(self) -> None:
        """Write down what an earlier call delivered or claimed while the database did not answer."""
        for delivery in list(self._sent):
            deliveries.succeed(self._store, delivery)
            self._sent.remove(delivery)
        if self._held:
            deliveries.retry(self._store, [one.id for one in self._held], error="the database did not answer")
            self._held = []

    def _deliver(self, delivery: Delivery, *, stop: threading.Event) -> bool:
        """Send one object and write down what became of it; return False if the whole destination must wait."""
        try:
            self._sender.send(delivery, self._whole_file(delivery))
        except PeerDownError as error:
            self._failures += 1
            delay_s = backoff_s(self._failures, longest_s=self._destination.longest_delay_s)
            self._retry(self._held, error=str(error), delay_s=delay_s)
            stop.wait(delay_s)
            return False
        except RejectedError as error:
            deliveries.mark_dead(self._store, [delivery.id], error=str(error))
            name, kind = self._destination.name, delivery.what.value
            logger.error("dead letter", destination=name, what=kind, reason=str(error))
        except (RemoteError, OSError) as error:
            self._retry_later(delivery, error=str(error))
        except Exception as error:  # noqa: BLE001  a fault of ours or of a library on this object: the others go on
            self._close()
            self._retry_later(delivery, error=f"sending ended with {type(error).__name__}")
        else:
            self._sent.append(delivery)
            self._held.remove(delivery)
            deliveries.succeed(self._store, delivery)
            self._sent.remove(delivery)
        if delivery in self._held:
            self._held.remove(delivery)
        self._failures = 0
        return True

    def _whole_file(self, delivery: Delivery) -> Path:
        """Return the path of the file to send.

        Raises:
            RejectedError: It is missing, or not as it was written.
            OSError: It cannot be read now.
        """
        path = self._spool.path(delivery.file)
        if delivery.sha256:
            try:
                found = hashlib.sha256(path.read_bytes()).hexdigest()
            except FileNotFoundError as error:
                raise RejectedError("result file: expected it in the spool, found none") from error
            if found != delivery.sha256:
                raise RejectedError("result file: expected it as it was written, found it changed")
        return path

    def _retry_later(self, delivery: Delivery, *, error: str) -> None:
        delay_s = backoff_s(delivery.attempts, longest_s=self._destination.longest_delay_s)
        self._retry([delivery], error=error, delay_s=delay_s)

    def _retry(self, batch: list[Delivery], *, error: str, delay_s: float) -> None:
        """Queue deliveries again; those that failed for too long become dead letters."""
        limit_s = self._destination.give_up_after_h * 3600
        now = self._store.now()
        hopeless = [one for one in batch if error and one.first_tried_at and now - one.first_tried_at > limit_s]
        if hopeless:
            deliveries.mark_dead(self._store, [one.id for one in hopeless], error=error)
        if others := [one.id for one in batch if one not in hopeless]:
            deliveries.retry(self._store, others, error=error, delay_s=delay_s)
        logger.warning(
            "not delivered",
            destination=self._destination.name,
            reason=error,
            objects=len(batch),
            dead=len(hopeless),
            retry_in_s=round(delay_s, 1),
        )

    def _close(self) -> None:
        """Close the connection, whatever state it is in."""
        with suppress(Exception):
            self._sender.close()
