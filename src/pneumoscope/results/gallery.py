"""Readings -> `index.html`: one offline page, whole after every image, in flat memory."""

import os
from collections import Counter
from contextlib import suppress
from pathlib import Path

from pneumoscope.core import ModelIdentity, writing
from pneumoscope.results.card import card
from pneumoscope.results.line import Outputs
from pneumoscope.results.page import page_end, page_start, page_summary, page_toolbar_end
from pneumoscope.results.reading import ModelSummary, Reading
from pneumoscope.results.thumbnail import Thumbnail, thumbnail
from pneumoscope.results.wording import kind

_MEGABYTE = 1_000_000
_LARGE_PX, _SMALL_PX = 384, 192
_LARGE_UNTIL, _SMALL_UNTIL, _CARDS_UNTIL = 10 * _MEGABYTE, 26 * _MEGABYTE, 38 * _MEGABYTE
"""Size of the page up to which pictures are large, pictures are small, and cards are added at all."""

_SUMMARY_BYTES = 4096
_UNFINISHED = "Still reading, or stopped before the end. Reload to see more."


class Gallery:
    """The page while it grows.

    Each `add` replaces the page's end by a card and the end again, and the summary, which has a place of fixed size,
    by the new one. So the page can be opened at any time, and stays whole when the process is killed.
    """

    def __init__(self, path: Path, *, summary: ModelSummary) -> None:
        self._path = path
        self._counts: Counter[str] = Counter()
        self._left_out = 0
        self._model: ModelIdentity | None = None
        self._points: dict[str, None] = {}
        with writing(path):
            self._file = path.open("w+b", buffering=0)
            start, toolbar_end = page_start(summary).encode(), page_toolbar_end().encode()
            self._end, self._summary_at = page_end().encode(), len(start)
            self._end_at = len(start) + _SUMMARY_BYTES + len(toolbar_end)
            self._write_at(0, start + b" " * _SUMMARY_BYTES + toolbar_end + self._end)
        self._write_summary(_UNFINISHED)

    def add(self, reading: Reading, *, outputs: Outputs) -> None:
        """Add a card, or above the page's largest size only count.

        Raises:
            ConfigError: The page could not be written; it ends after the card before.
        """
        self._counts.update(("all", kind(reading.status, reading.decision)))
        self._model = reading.model
        if reading.decision:
            self._points[reading.decision.operating_point] = None
        if self._end_at > _CARDS_UNTIL:
            self._left_out += 1
        else:
            shown, missing = self._thumbnail(reading)
            html = card(reading, outputs, shown=shown, missing=missing)
            self._append(html.encode("utf-8", "replace"))
        self._write_summary(_UNFINISHED)

    def close(self, *, complete: bool) -> None:
        """Write the last summary, which says whether all inputs were read.

        Raises:
            ConfigError: The page could not be written.
        """
        if not self._file.closed:
            with writing(self._path), self._file:
                self._write_summary("" if complete else "Stopped before the end: not all inputs were read.")

    def _thumbnail(self, reading: Reading) -> tuple[Thumbnail | None, str]:
        """Return the picture for a card, or why there is none."""
        radiograph = reading.radiograph
        if radiograph is None or radiograph.pixels is None:
            return None, "No picture: the image could not be read"
        if self._end_at > _SMALL_UNTIL:
            return None, "Picture left out: too many for one page"
        longest_px = _LARGE_PX if self._end_at < _LARGE_UNTIL else _SMALL_PX
        return thumbnail(reading, radiograph, longest_px=longest_px), ""

    def _append(self, html: bytes) -> None:
        with writing(self._path):
            try:
                self._write_at(self._end_at, html + self._end)
            except OSError:
                with suppress(OSError):
                    self._file.truncate(self._end_at)
                    self._write_at(self._end_at, self._end)
                raise
            self._end_at += len(html)

    def _write_summary(self, state: str) -> None:
        if self._left_out:
            state += f" {self._left_out} more are left out of this page; results.csv has them all."
        html = page_summary(self._counts, model=self._model, operating_points=list(self._points), state=state.strip())
        data = html.encode("utf-8", "replace").ljust(_SUMMARY_BYTES)
        if len(data) > _SUMMARY_BYTES:
            raise ValueError(f"expected a summary of at most {_SUMMARY_BYTES} bytes, found {len(data)}")
        with writing(self._path):
            self._write_at(self._summary_at, data)

    def _write_at(self, offset: int, data: bytes) -> None:
        self._file.seek(offset, os.SEEK_SET)
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
