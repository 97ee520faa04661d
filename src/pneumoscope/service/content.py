"""The bytes of an object on their way in: in memory while they are few, in a file of the spool otherwise."""

import hashlib
import mmap
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from typing_extensions import Buffer

from pneumoscope.core import CapacityError
from pneumoscope.service.spool import Spool

SPILL_BYTES = 4 * 1024 * 1024
"""An object larger than this is written to the spool while it arrives, and not held in memory."""

_CHUNK_BYTES = 1024 * 1024


class InFlight:
    """How many bytes are on their way in at this moment, on all routes together, and the most that may be."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._used = 0
        self._lock = threading.Lock()

    @property
    def used(self) -> int:
        """Return the bytes on their way in."""
        return self._used

    def add(self, number: int) -> None:
        """Count bytes that arrived.

        Raises:
            CapacityError: They would be more than the limit; they are not counted.
        """
        with self._lock:
            if self._used + number > self._limit:
                expected = f"at most {self._limit // 1024**2} MB on their way in"
                raise CapacityError(f"node: expected {expected}, found more; send again later")
            self._used += number

    def remove(self, number: int) -> None:
        """Count bytes that are stored or refused, and so on their way no longer."""
        with self._lock:
            self._used -= number


class Content(BytesIO):
    """Receives the bytes of one object; `view` gives them as one buffer.

    A `BytesIO` for pynetdicom's sake, which writes fragments into one. Once there are more than `SPILL_BYTES`, all go
    to a file in the spool, behind `prefix`, and memory keeps none. Errors are kept until `raise_fault`, since who
    writes can often not answer before the last byte.
    """

    def __init__(self, spool: Spool, in_flight: InFlight, *, limit_bytes: int) -> None:
        super().__init__()
        self.prefix: Callable[[], bytes] = bytes
        self.path: Path | None = None
        self.size = 0
        self._spool = spool
        self._in_flight = in_flight
        self._limit = limit_bytes
        self._file: BinaryIO | None = None
        self._prefix_size = 0
        self._fault: CapacityError | None = None

    def write(self, data: Buffer, /) -> int:
        """Take bytes in; after a fault they are counted and dropped."""
        number = memoryview(data).nbytes
        self.size += number
        if self._fault is not None:
            return number
        try:
            self._in_flight.add(number)
        except CapacityError as error:
            self._fail(error, counted=self.size - number)
            return number
        try:
            self._store(data)
        except OSError as error:
            fault = CapacityError(f"spool: expected a disk with free space, found {error.strerror}")
            self._fail(fault, counted=self.size)
        return number

    def _store(self, data: Buffer) -> None:
        if self._file is None and self.size > SPILL_BYTES:
            self._spool.require_space(self._in_flight.used)
            self._file, self.path = self._spool.open_incoming()
            prefix = self.prefix()
            self._prefix_size = len(prefix)
            self._file.write(prefix)
            self._file.write(self.getvalue())
            self.seek(0)
            self.truncate()
        if self._file is not None:
            self._file.write(data)
        else:
            super().write(data)

    def _fail(self, fault: CapacityError, *, counted: int) -> None:
        """Drop what is here: no more bytes of this object are kept."""
        self._fault = fault
        self._in_flight.remove(counted)
        self._drop()

    @property
    def is_too_large(self) -> bool:
        """Return whether there are more bytes than one object may have."""
        return self.size > self._limit

    def raise_fault(self) -> None:
        """Raise `CapacityError` where there was no room for the bytes."""
        if self._fault is not None:
            raise self._fault

    @contextmanager
    def view(self) -> Iterator[memoryview]:
        """Give all bytes without the prefix, as one buffer; a file's are mapped, not read."""
        if self._file is None or self.path is None:
            yield memoryview(self.getvalue())
            return
        self._file.flush()
        with mapped(self.path) as whole:
            yield whole[self._prefix_size :]

    def sync(self) -> None:
        """Make the file survive a power failure."""
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())

    def discard(self) -> None:
        """Forget the bytes, whatever became of the object; may be called again."""
        if self._fault is None:
            self._in_flight.remove(self.size)
        self._fault = CapacityError("object: already discarded")
        self._drop()

    def _drop(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        if self.path is not None:
            self.path.unlink(missing_ok=True)
        self.seek(0)
        self.truncate()


@contextmanager
def mapped(path: Path) -> Iterator[memoryview]:
    """Give a file's bytes without reading them into memory.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            yield memoryview(b"")
            return
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    view = memoryview(content)
    try:
        yield view
    finally:
        with suppress(BufferError):  # an error's traceback still holds a part: it is unmapped with that
            view.release()
            content.close()


def digest_of(content: memoryview) -> str:
    """Return the SHA-256 of bytes, taken in pieces."""
    digest = hashlib.sha256()
    for start in range(0, len(content), _CHUNK_BYTES):
        digest.update(content[start : start + _CHUNK_BYTES])
    return digest.hexdigest()
