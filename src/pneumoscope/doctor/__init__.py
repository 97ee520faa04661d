"""What works on this machine, and what to do about the rest: `pneumoscope doctor`.

Nothing is imported here that an installation could lack.
"""

from collections.abc import Iterator
from pathlib import Path

from pneumoscope.doctor.finding import Finding, Level
from pneumoscope.doctor.installation import check_installation
from pneumoscope.doctor.node import check_node, valid_until

__all__ = ["Finding", "Level", "check_installation", "check_node", "diagnose", "valid_until"]


def diagnose(config_path: Path | None = None, *, model: Path | None = None) -> Iterator[Finding]:
    """Yield every finding as its check ends; a node's parts are checked where its configuration is given.

    Raises:
        ConfigError: The configuration cannot be read.
    """
    if config_path is None:
        yield from check_installation(model=model, folder=Path())
        return
    from pneumoscope.service import load_config

    config = load_config(config_path)
    yield from check_installation(model=model or config.reading.model, folder=config.store.path)
    yield from check_node(config)
