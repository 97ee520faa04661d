"""Whether it still works: drift, control charts, self-test, alerts, metrics.

    MonitoringJob(config, store=store, artifact=artifact, model=worker.model).run(stop)   # a thread of the node
    report_of(store, config, artifact)                         # what the page shows
    metrics(store, spool, artifact)                            # what Prometheus scrapes

docs/adr/0022-monitoring.md has the reasons.
"""

from pneumoscope.service.monitoring.agreement import Agreement
from pneumoscope.service.monitoring.control import Limits, Point, Signal
from pneumoscope.service.monitoring.events import Event, EventKind, note_refusal
from pneumoscope.service.monitoring.events import newest as newest_events
from pneumoscope.service.monitoring.job import MonitoringJob, report_of
from pneumoscope.service.monitoring.known_images import self_test
from pneumoscope.service.monitoring.metrics import metrics
from pneumoscope.service.monitoring.report import Chart, Distribution, Mix, Report, monitor

__all__ = [
    "Agreement",
    "Chart",
    "Distribution",
    "Event",
    "EventKind",
    "Limits",
    "Mix",
    "MonitoringJob",
    "Point",
    "Report",
    "Signal",
    "metrics",
    "monitor",
    "newest_events",
    "note_refusal",
    "report_of",
    "self_test",
]
