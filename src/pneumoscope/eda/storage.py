"""Files of a report: whole or not at all, and every failure one clear `ConfigError`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pneumoscope.core import ConfigError


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a place to write the file at: it becomes `path` when the block ends, and is removed if the block fails.

    Raises:
        ConfigError: It, or its folder, could not be written.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield unfinished
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(f"report: expected a writable place with free space, found {path}: {reason}") from error
