"""Fetching a public source's files over HTTP: in parts that are gone on with, checked, several at a time.

Never run by anything but the person who asks for it: see `archives.py` for what may be fetched and on what terms.
"""

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import httpx

from pneumoscope.core import ConfigError, RemoteError

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
# Waiting for more bytes longer than this counts as a dropped connection.
_SILENCE_S = 30.0
# What the disk must have left when all is there.
_SPARE_BYTES = 2**28


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """One file to fetch.

    Attributes:
        url: Where it is.
        name: What it is called here, without a folder.
        md5: As its publisher states it; None where it is not published, and then its size alone is checked.
        size_bytes: As its publisher states it; None to ask the server.
    """

    url: str
    name: str
    md5: str | None = None
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A file that is whole: how much of it was fetched now, and its SHA-256."""

    path: Path
    fetched_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Patience:
    attempts: int
    pause_s: float
    said: Callable[[int], None] | None


def download(
    files: Sequence[RemoteFile],
    folder: Path,
    *,
    at_once: int = 4,
    attempts: int = 8,
    pause_s: float = _FIRST_PAUSE_S,
    said: Callable[[int], None] | None = None,
) -> Iterator[Fetched]:
    """Each file as it becomes whole; one that is there already and right is not fetched again.

    A file grows as `NAME.part` and gets its name when its size and checksum are right. A dropped connection is taken
    up where it ended, `attempts` times without progress and with growing pauses. `said` is told of bytes as they come.

    Raises:
        ConfigError: The disk has not the space; nothing is fetched.
        RemoteError: A server refuses, goes on dropping, or sends what has another size or checksum.
    """
    folder.mkdir(parents=True, exist_ok=True)
    patience = _Patience(attempts=attempts, pause_s=pause_s, said=said)
    with httpx.Client(follow_redirects=True, timeout=_SILENCE_S) as client:
        sizes = {one.name: one.size_bytes if one.size_bytes is not None else _asked(client, one) for one in files}
        _make_sure_of_space(files, sizes, folder)
        with ThreadPoolExecutor(at_once) as pool:
            tasks = [pool.submit(_fetch, client, one, folder, size=sizes[one.name], patience=patience) for one in files]
            try:
                for task in as_completed(tasks):
                    yield task.result()
            finally:
                pool.shutdown(cancel_futures=True)


def _asked(client: httpx.Client, file: RemoteFile) -> int:
    """Return the size by the server; else a connection that ends early could not be told from one that is done."""
    try:
        answer = client.head(file.url)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise RemoteError(f"{file.url}: expected an answer about the file, found {_words(error)}") from None
    length = answer.headers.get("content-length", "")
    if not length.isdecimal():
        raise RemoteError(f"{file.url}: expected the server to state the file's size, found no Content-Length")
    return int(length)


def _make_sure_of_space(files: Sequence[RemoteFile], sizes: dict[str, int], folder: Path) -> None:
    needed = sum(max(0, sizes[one.name] - _present(folder / one.name)) for one in files)
    free = shutil.disk_usage(folder).free
    if needed and needed + _SPARE_BYTES > free:
        raise ConfigError(
            f"download: expected {(needed + _SPARE_BYTES) / 1e9:.1f} GB free in {folder}, found {free / 1e9:.1f} GB; "
            "nothing fetched"
        )


def _present(path: Path) -> int:
    return _length(path) or _length(_part(path))


def _length(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _fetch(client: httpx.Client, file: RemoteFile, folder: Path, *, size: int, patience: _Patience) -> Fetched:
    path = folder / file.name
    if path.is_file() and _is_right(path, file, size):
        return Fetched(path=path, fetched_bytes=0, sha256=_digest(path, "sha256"))
    part, fetched, failures, problem = _part(path), 0, 0, ""
    while _length(part) < size:
        try:
            come = _take_up(client, file, part, patience.said)
        except httpx.HTTPError as error:
            if isinstance(error, httpx.HTTPStatusError) and not _may_pass(error.response.status_code):
                raise RemoteError(f"{file.url}: expected the file, found {_words(error)}") from None
            come, problem = 0, f" ({_words(error)})"
        fetched += come
        failures = 0 if come else failures + 1
        if failures >= patience.attempts:
            raise RemoteError(
                f"{file.url}: expected {size} bytes, found {_length(part)} after {failures} attempts without "
                f"progress{problem}; run again to go on"
            )
        if failures:
            time.sleep(min(patience.pause_s * 2 ** (failures - 1), _LONGEST_PAUSE_S))
    if not _is_right(part, file, size):
        found = f"{_length(part)} bytes, MD5 {_digest(part, 'md5')}"
        part.unlink()
        raise RemoteError(f"{file.url}: expected {size} bytes, MD5 {file.md5 or 'not stated'}; found {found}; removed")
    part.replace(path)
    return Fetched(path=path, fetched_bytes=fetched, sha256=_digest(path, "sha256"))


def _take_up(client: httpx.Client, file: RemoteFile, part: Path, said: Callable[[int], None] | None) -> int:
    """Bytes that came before the connection ended, well or not; raises only where none came.

    A server that does not know ranges (RFC 9110, section 14) sends the whole file, and the part begins anew.
    """
    begun, come = _length(part), 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={begun}-"} if begun else {})
    try:
        with client.stream("GET", file.url, headers=headers) as answer:
            answer.raise_for_status()
            goes_on = answer.status_code == HTTPStatus.PARTIAL_CONTENT
            with part.open("ab" if goes_on else "wb") as target:
                for chunk in answer.iter_raw():  # as they come, so that none is lost when the line drops
                    target.write(chunk)
                    come += len(chunk)
                    if said is not None:
                        said(len(chunk))
    except httpx.TransportError:
        if not come:
            raise
    except OSError as error:
        raise ConfigError(f"cannot write {part}: {error.strerror}; run again to go on") from error
    return come


def _may_pass(status: int) -> bool:
    return status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS) or status >= 500


def _is_right(path: Path, file: RemoteFile, size: int) -> bool:
    if _length(path) != size:
        return False
    return file.md5 is None or _digest(path, "md5") == file.md5


def _digest(path: Path, name: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, name).hexdigest()


def _words(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        return f"HTTP {error.response.status_code}"
    return str(error) or type(error).__name__
