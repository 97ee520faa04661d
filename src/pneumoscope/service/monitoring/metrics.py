"""Prometheus metrics, read from the database when they are asked for; numbers and our own names only."""

import shutil
from collections.abc import Iterator

import numpy as np
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from pneumoscope import __version__
from pneumoscope.model import Artifact
from pneumoscope.service.monitoring import events
from pneumoscope.service.monitoring.events import EventKind
from pneumoscope.service.spool import Spool
from pneumoscope.service.store import State, Store, deliveries, images, results, tables

_HOUR_S = 3600.0
_QUANTILES = (0.5, 0.9, 0.99)


class NodeCollector(Collector):
    """The node's state, whichever of its processes is asked."""

    def __init__(self, store: Store, spool: Spool, artifact: Artifact) -> None:
        self._store = store
        self._spool = spool
        self._artifact = artifact

    def collect(self) -> Iterator[Metric]:
        """Every metric."""
        identity = self._artifact.identity
        build = InfoMetricFamily("pneumoscope_build", "Software and model in use")
        build.add_metric([], {"version": __version__, "model": identity.name, "model_sha256": identity.sha256})
        yield build
        yield from self._queue()
        yield from self._times()
        free = GaugeMetricFamily("pneumoscope_spool_free_bytes", "Free space on the spool's disk")
        free.add_metric([], shutil.disk_usage(self._spool.root).free)
        yield free
        full = GaugeMetricFamily("pneumoscope_spool_full", "1 while new objects are refused for lack of space")
        full.add_metric([], int(not self._spool.has_space()))
        yield full
        yield from self._monitoring()

    def _queue(self) -> Iterator[Metric]:
        by_state = GaugeMetricFamily("pneumoscope_images", "Images by state", labels=["state"])
        for state, number in images.count_by_state(self._store).items():
            by_state.add_metric([state.value], number)
        yield by_state
        waiting = GaugeMetricFamily("pneumoscope_oldest_waiting_seconds", "Age of the oldest image that is not read")
        with self._store.reading() as connection:
            received = tables.images.c.state == State.RECEIVED
            oldest = connection.scalar(select(func.min(tables.images.c.received_at)).where(received))
        waiting.add_metric([], 0.0 if oldest is None else max(0.0, self._store.now() - oldest))
        yield waiting
        interrupted = GaugeMetricFamily(
            "pneumoscope_images_interrupted", "Images that wait because reading was interrupted, as by a full disk"
        )
        interrupted.add_metric([], images.count_interrupted(self._store))
        yield interrupted
        by_destination = GaugeMetricFamily(
            "pneumoscope_deliveries", "Deliveries by destination and state", labels=["destination", "state"]
        )
        for destination, states in deliveries.count_by_destination(self._store).items():
            for delivery_state, number in states.items():
                by_destination.add_metric([destination, delivery_state.value], number)
        yield by_destination

    def _times(self) -> Iterator[Metric]:
        seconds = results.times_to_result(self._store, since=self._store.now() - _HOUR_S)
        read = GaugeMetricFamily("pneumoscope_read_last_hour", "Images read in the last hour")
        read.add_metric([], len(seconds))
        yield read
        times = GaugeMetricFamily(
            "pneumoscope_time_to_result_seconds", "From receipt to result, in the last hour", labels=["quantile"]
        )
        for quantile in _QUANTILES if seconds else ():
            times.add_metric([str(quantile)], float(np.quantile(seconds, quantile)))
        yield times

    def _monitoring(self) -> Iterator[Metric]:
        tests = events.newest(self._store, kind=EventKind.SELF_TEST, limit=1)
        passed = GaugeMetricFamily("pneumoscope_self_test_passed", "1 where the last self-test passed")
        at = GaugeMetricFamily("pneumoscope_self_test_timestamp_seconds", "When it was made")
        for test in tests:
            passed.add_metric([], int(test.passed))
            at.add_metric([], test.at)
        yield passed
        yield at


def metrics(store: Store, spool: Spool, artifact: Artifact) -> bytes:
    """All metrics in Prometheus's text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(NodeCollector(store, spool, artifact))
    return generate_latest(registry)
