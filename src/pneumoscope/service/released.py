"""Check the node's configuration against the released device, and say every difference."""

import tomllib
from pathlib import Path
from typing import Any

from pneumoscope.core import check_against_device
from pneumoscope.service.config import ServiceConfig
from pneumoscope.service.log import logger


def differences(config: ServiceConfig, *, claim_given: bool = True) -> tuple[str, ...]:
    """Return each difference between a node's configuration and the released device, as a sentence."""
    reading, monitoring = config.reading, config.monitoring
    found: dict[str, Any] = {
        "claim": reading.claim if claim_given else None,
        "operating_point": reading.operating_point,
        "monitoring.reference": monitoring.reference,
        "monitoring.batch": monitoring.batch,
        "monitoring.least_agreement": monitoring.least_agreement,
    }
    told = check_against_device(found)
    default = f"; the default {reading.claim} is used: set reading.claim in node.toml"
    return tuple(one + default if one.startswith("claim is not set") else one for one in told)


def warn_of_differences(config: ServiceConfig, path: Path | None) -> tuple[str, ...]:
    """Log and return the differences at start; the node starts all the same.

    Args:
        config: What is in force.
        path: The file that it was read from, to see whether it names a claim; None: no file.
    """
    table = tomllib.loads(path.read_text(encoding="utf-8")) if path is not None else {}
    told = differences(config, claim_given="claim" in table.get("reading", {}))
    for one in told:
        logger.warning("the configuration differs from the released device", difference=one)
    return told
