"""A courier: takes what waits for its destination, sends it, and tries again what failed, ever more slowly."""

import threading

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
    """Seconds until the next attempt after that many: 5, 10, 20, ... up to `longest_s`."""
    return min(FIRST_DELAY_S * 2.0 ** min(attempts - 1, 30), longest_s)


class Courier:
    """One destination's courier; `run` is a thread's work."""

    def __init__(self, destination: Destination, *, name: str, store: Store, spool: Spool, sender: Sender) -> None:
        self._destination = destination
        self._name = name
        self._store = store
        self._spool = spool
        self._sender = sender
        self._failures = 0

    def run(self, *, stop: threading.Event) -> None:
        """Works until `stop` is set."""
        idle_s = 0.0
        while not stop.is_set():
            try:
                if self.work(stop=stop):
                    idle_s = 0.0
                    continue
            except SQLAlchemyError as error:
                logger.error("courier waits", destination=self._destination.name, error=type(error).__name__)
                stop.wait(_PAUSE_S)
                continue
            stop.wait(_POLL_S)
            idle_s += _POLL_S
            if idle_s >= IDLE_S:
                self._sender.close()
        self._sender.close()

    def work(self, *, stop: threading.Event) -> int:
        """Sends one batch; returns how many objects it took from the queue.

        Raises:
            SQLAlchemyError: The database does not answer; what was claimed is sent again after its lease.
        """
        lease_s = _BATCH * self._destination.timeout_s + _LEASE_MARGIN_S
        batch = deliveries.claim(self._store, self._destination.name, worker=self._name, limit=_BATCH, lease_s=lease_s)
        for number, delivery in enumerate(batch):
            if stop.is_set():
                self._put_back(batch[number:], error=delivery.error, delay_s=0.0)
                break
            try:
                self._sender.send(delivery, self._spool.path(delivery.file))
            except PeerDownError as error:
                self._failures += 1
                delay_s = backoff_s(self._failures, longest_s=self._destination.longest_delay_s)
                self._put_back(batch[number:], error=str(error), delay_s=delay_s)
                stop.wait(delay_s)
                break
            except RejectedError as error:
                self._bury(delivery, error)
            except (RemoteError, OSError) as error:
                delay_s = backoff_s(delivery.attempts, longest_s=self._destination.longest_delay_s)
                self._put_back([delivery], error=str(error), delay_s=delay_s)
            else:
                deliveries.succeed(self._store, delivery)
            self._failures = 0
        return len(batch)

    def _put_back(self, batch: list[Delivery], *, error: str, delay_s: float) -> None:
        """To be tried again, unless it was tried in vain for too long."""
        limit_s = self._destination.give_up_after_h * 3600
        now = self._store.now()
        hopeless = [one for one in batch if error and one.first_tried_at and now - one.first_tried_at > limit_s]
        if hopeless:
            deliveries.bury(self._store, [one.id for one in hopeless], error=error)
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

    def _bury(self, delivery: Delivery, error: Exception) -> None:
        deliveries.bury(self._store, [delivery.id], error=str(error))
        logger.error("dead letter", destination=self._destination.name, what=delivery.what.value, reason=str(error))
