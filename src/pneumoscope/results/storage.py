"""Files of a results folder: whole or not at all, and every failure one clear `ConfigError`."""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from pneumoscope.core import ConfigError
from pneumoscope.results.objects import ResultObject

ENDINGS = {ResultObject.OVERLAY: ".overlay.png", ResultObject.SR: ".sr.dcm", ResultObject.SC: ".sc.dcm"}
"""How the names of an image's files end."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """A block whose operating system errors (no space, no permission, no folder) become `ConfigError`.

    Raises:
        ConfigError: Something under the path could not be written.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(f"results: expected a writable place with free space, found {path}: {reason}") from error


def write_whole(path: Path, *, save: Callable[[BinaryIO], None]) -> None:
    """Leaves the file complete under its name, or as it was before.

    Raises:
        ConfigError: The file could not be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    with writing(path):
        try:
            with temporary.open("wb") as stream:
                save(stream)
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


def forget_run(directory: Path) -> None:
    """Deletes what an earlier run wrote into the folder: its page, and the files that its `results.jsonl` lists.

    Raises:
        OSError: A file could not be read or deleted.
    """
    lines = directory / "results.jsonl"
    if not lines.is_file():
        return
    with lines.open(encoding="utf-8", errors="replace") as listed:
        for line in listed:
            for name in _outputs_in(line):
                (directory / name).unlink(missing_ok=True)
    (directory / "index.html").unlink(missing_ok=True)


def _outputs_in(line: str) -> list[str]:
    """Names of files that a result line lists, of our kinds and in the folder itself."""
    try:
        names = json.loads(line)["outputs"].values()
    except (ValueError, LookupError, TypeError, AttributeError):
        return []
    endings = tuple(ENDINGS.values())
    return [name for name in names if isinstance(name, str) and Path(name).name == name and name.endswith(endings)]


class Ledger:
    """A file that grows by whole records: on disk after each, and without the torn one when the disk is full."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with writing(path):
            self._file = FileIO(path, "w")
        self._end = 0

    def append(self, record: str) -> None:
        """Adds one record.

        Raises:
            ConfigError: It could not be written; the file ends after the record before.
        """
        data = memoryview(record.encode("utf-8", "backslashreplace"))
        with writing(self._path):
            try:
                while data:
                    data = data[self._file.write(data) :]
            except OSError:
                with suppress(OSError):
                    self._file.truncate(self._end)
                raise
            self._end = self._file.tell()

    def close(self) -> None:
        """Closes the file; again does nothing.

        Raises:
            ConfigError: The last bytes could not be written.
        """
        with writing(self._path):
            self._file.close()


def stem(path: str) -> str:
    """A short file name for an input path: its own name made safe, and eight digits of the whole path's SHA-256.

    The same path always gives the same stem; equal names from different folders or archives differ.
    """
    name = Path(path.replace("\\", "/")).name
    for suffix in (".dcm", ".dicom", ".png", ".jpg", ".jpeg"):
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
            break
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:40] or "image"
    digest = hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{safe}-{digest[:8]}"
