"""Multipart bodies (RFC 2046, 5.1.1) while they arrive: each part goes to a sink of its own, none is held in memory."""

import re
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

from pneumoscope.core import InputError

_LONGEST_HEADERS = 64 * 1024
_PARAMETER = re.compile(r';\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]*))')


class Sink(Protocol):
    """Takes the bytes of one part."""

    def write(self, data: bytes, /) -> int:
        """Take some bytes."""
        ...


def media_type(header: str) -> tuple[str, dict[str, str]]:
    """Return a Content-Type's type and parameters, their names in lower case (RFC 2045, 5.1: names have no case)."""
    kind, _, _ = header.partition(";")
    parameters = {}
    for found in _PARAMETER.finditer(header):
        quoted, plain = found[2], found[3]
        parameters[found[1].lower()] = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
    return kind.strip().lower(), parameters


class Inflate:
    """Decompresses a gzip or deflate body piece by piece."""

    def __init__(self, encoding: str) -> None:
        """Prepare for a Content-Encoding.

        Raises:
            InputError: It is none that we know.
        """
        names = {"": None, "identity": None, "gzip": 31, "x-gzip": 31, "deflate": 15}
        name = encoding.strip().lower()
        if name not in names:
            raise InputError("body: expected Content-Encoding gzip, deflate or none, found another")
        window = names[name]
        self._stream = None if window is None else zlib.decompressobj(window)

    def pieces(self, data: bytes, *, size: int = 1024 * 1024) -> Iterator[bytes]:
        """Yield what the bytes become, never more than `size` at once.

        Raises:
            InputError: They are not compressed as the header says.
        """
        if self._stream is None:
            yield data
            return
        try:
            while data:
                yield self._stream.decompress(data, size)
                data = self._stream.unconsumed_tail
        except zlib.error as error:
            raise InputError("body: expected it compressed as Content-Encoding says, found other bytes") from error


class Parts:
    """Splits a body into parts; lines may end in CR LF, or in LF alone as some clients write them."""

    def __init__(self, boundary: str, *, open_part: Callable[[], Sink], close_part: Callable[[Sink], None]) -> None:
        """`open_part` gives the sink of the next part; `close_part` is called with a sink once its part is whole."""
        self._mark = b"--" + boundary.encode("utf-8", "replace")
        self._line_end = b""
        self._open, self._close = open_part, close_part
        self._buffer = bytearray()
        self._sink: Sink | None = None
        self._state = "preamble"
        self.is_complete = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the body.

        Raises:
            InputError: A part's header lines do not end.
        """
        self._buffer += data
        while self._step():
            pass

    def _step(self) -> bool:
        """Go on as far as the bytes allow; return False where more are needed."""
        if self._state == "preamble":
            return self._find_first()
        if self._state == "mark":
            return self._after_mark()
        if self._state == "headers":
            return self._skip_headers()
        if self._state == "content":
            return self._pass_on()
        self._buffer.clear()
        return False

    def _find_first(self) -> bool:
        """Find the first boundary, at the body's start or after a line end."""
        at = self._buffer.find(self._mark)
        while at > 0 and self._buffer[at - 1 : at] != b"\n":
            at = self._buffer.find(self._mark, at + 1)
        if at < 0:
            keep = len(self._mark) + 1
            del self._buffer[: max(0, len(self._buffer) - keep)]
            return False
        del self._buffer[: at + len(self._mark)]
        self._state = "mark"
        return True

    def _after_mark(self) -> bool:
        """Read what follows a boundary: two hyphens end the body, a line end begins a part."""
        if len(self._buffer) < 2:
            return False
        if self._buffer[:2] == b"--":
            self.is_complete = True
            self._state = "end"
            return True
        at = self._buffer.find(b"\n")
        if at < 0:
            if len(self._buffer) > _LONGEST_HEADERS:
                raise InputError("body: expected a line end after a boundary, found none")
            return False
        self._line_end = b"\r\n" if self._buffer[max(0, at - 1) : at] == b"\r" else b"\n"
        del self._buffer[: at + 1]
        self._state = "headers"
        return True

    def _skip_headers(self) -> bool:
        """Skip a part's header lines, up to the empty one."""
        if self._buffer.startswith(self._line_end):
            end = len(self._line_end)
        else:
            at = self._buffer.find(self._line_end * 2)
            if at < 0:
                if len(self._buffer) > _LONGEST_HEADERS:
                    raise InputError("body: expected an empty line after a part's header, found none")
                return False
            end = at + 2 * len(self._line_end)
        del self._buffer[:end]
        self._sink = self._open()
        self._state = "content"
        return True

    def _pass_on(self) -> bool:
        """Pass content on, up to the next boundary; the last bytes wait, since one may begin in them."""
        assert self._sink is not None, "a part is open"
        end = self._line_end + self._mark
        at = self._buffer.find(end)
        if at < 0:
            sure = len(self._buffer) - len(end) + 1
            if sure > 0:
                self._sink.write(bytes(self._buffer[:sure]))
                del self._buffer[:sure]
            return False
        self._sink.write(bytes(self._buffer[:at]))
        del self._buffer[: at + len(end)]
        self._close(self._sink)
        self._sink = None
        self._state = "mark"
        return True
