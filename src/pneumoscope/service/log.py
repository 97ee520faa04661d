"""Structured logs without patient data: events, counts, hashes of study UIDs; never a name, an identifier, a UID."""

import hashlib
import logging
import sys

import structlog

from pneumoscope.intake import quieten_pydicom

logger: structlog.stdlib.BoundLogger = structlog.get_logger("pneumoscope")


def hashed(uid: str) -> str:
    """Twelve digits that stand for a UID: enough to follow a study through the log, not to find the patient."""
    return hashlib.sha256(uid.encode()).hexdigest()[:12]


def set_up_logging(*, as_json: bool) -> None:
    """Log to stderr, as JSON lines for collectors or coloured lines for a terminal; libraries' words stay out."""
    quieten_pydicom()
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)  # its errors quote the peer's data
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
