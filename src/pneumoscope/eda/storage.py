"""Files of a report: whole or not at all, and every failure one clear `ConfigError`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pneumoscope.core import ConfigError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """A block whose operating system errors (no space, no permission) become `ConfigError`.

    Raises:
        ConfigError: Something under the path could not be written.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(f"report: expected a writable place with free space, found {path}: {reason}") from error


def write_text(path: Path, text: str) -> None:
    """Leaves the file complete under its name, or as it was before.

    Raises:
        ConfigError: It could not be written.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    with writing(path):
        try:
            unfinished.write_text(text, "utf-8")
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
