"""Files that are whole or absent, and checksums: one helper each, for every room."""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pneumoscope.core.errors import ConfigError


def write_atomically(target: Path, content: bytes | str, *, durable: bool = False) -> None:
    """Write a file whole or not at all; text is written as UTF-8.

    Args:
        target: The file; its folder is made if it is missing. An existing file is replaced.
        content: Everything that the file holds.
        durable: As for `atomic_path`.

    Raises:
        ConfigError: The file or its folder cannot be written, or the disk is full.
    """
    with atomic_path(target, durable=durable) as unfinished:
        unfinished.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


@contextmanager
def atomic_path(target: Path, *, durable: bool = False) -> Iterator[Path]:
    """Yield a hidden path beside the target, with the same suffix, to write the file at.

    It is renamed to `target` when the block ends, and removed if the block fails: readers see the file as it was
    before or as it is after, never a part of it. Writers in several threads or processes do not disturb each other;
    the last one wins.

    Args:
        target: The file; its folder is made if it is missing. An existing file is replaced.
        durable: Whether file and name must survive a power failure (fsync of both).

    Raises:
        ConfigError: The file or its folder cannot be written, or the disk is full.
    """
    unfinished = target.with_name(f".{target.stem}.{os.urandom(4).hex()}.part{target.suffix}")
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield unfinished
            if durable:
                _sync(unfinished)
            unfinished.replace(target)
            if durable:
                sync_folder(target.parent)
        finally:
            with suppress(OSError):
                unfinished.unlink()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the operating system's errors in the block into `ConfigError`.

    Raises:
        ConfigError: Something under the path could not be written.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            reason = f"the disk is full ({reason})"
        raise ConfigError(f"expected a writable place with free space, found {path}: {reason}") from error


def sync_folder(folder: Path) -> None:
    """Make the names of the folder's new files survive a power failure.

    Raises:
        OSError: The folder cannot be opened, or the disk failed.
    """
    _sync(folder)


def sha256_of(source: Path | bytes) -> str:
    """Return the SHA-256 of a file's content, or of bytes, as 64 hexadecimal digits.

    Raises:
        OSError: The file cannot be read.
    """
    if isinstance(source, Path):
        with source.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return hashlib.sha256(source).hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
