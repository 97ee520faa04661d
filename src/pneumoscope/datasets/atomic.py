"""Files that are whole or absent: written beside their place and renamed into it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pneumoscope.core import ConfigError


@contextmanager
def atomic(target: Path) -> Iterator[Path]:
    """Yield a place to write the file at; it becomes `target` when the block ends, and is removed if the block fails.

    Raises:
        ConfigError: The folder cannot be written or the disk is full.
    """
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield unfinished
        unfinished.replace(target)
    except OSError as error:
        raise ConfigError(f"cannot write {target}: {_reason(error)}") from error
    finally:
        with suppress(OSError):
            unfinished.unlink()


def _reason(error: OSError) -> str:
    return "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror or str(error)
