"""Files of a results folder: their names, lists that grow by whole records, and those of an earlier run."""

import json
import re
from contextlib import suppress
from io import FileIO
from pathlib import Path

from pneumoscope.core import ResultObject, sha256_of, writing

ENDINGS = {
    ResultObject.OVERLAY: ".overlay.png",
    ResultObject.SR: ".sr.dcm",
    ResultObject.SC: ".sc.dcm",
    ResultObject.GSPS: ".gsps.dcm",
    ResultObject.NOT_ANALYSED: ".not-analysed.dcm",
}
"""How the names of an image's files end."""


def forget_run(directory: Path) -> None:
    """Delete what an earlier run wrote into the folder: its page, and the files that its `results.jsonl` lists.

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
    """Return the names of files that a result line lists, of our kinds and in the folder itself."""
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
        """Add one record.

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
        """Close the file; closing again does nothing.

        Raises:
            ConfigError: The last bytes could not be written.
        """
        with writing(self._path):
            self._file.close()


def stem(path: str) -> str:
    """Return a short file name for an input path: its own name made safe, and eight digits of the whole path's SHA-256.

    The same path always gives the same stem; equal names from different folders or archives differ.
    """
    name = Path(path.replace("\\", "/")).name
    for suffix in (".dcm", ".dicom", ".png", ".jpg", ".jpeg"):
        if name.lower().endswith(suffix):
            name = name[: -len(suffix)]
            break
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:40] or "image"
    return f"{safe}-{sha256_of(path.encode('utf-8', 'surrogatepass'))[:8]}"
