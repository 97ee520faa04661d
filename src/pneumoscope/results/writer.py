"""Readings -> a results folder, one image after the other."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from pneumoscope.core import ConfigError, Radiograph, Reading
from pneumoscope.results.line import ResultLine, csv_header, to_csv, to_json, to_line
from pneumoscope.results.objects import ALL_OBJECTS, ModelSummary, Outputs, ResultObject
from pneumoscope.results.storage import Ledger, forget_run, writing


class ResultWriter:
    """Writes `results.jsonl`, `results.csv`, and per analysed image the objects asked for, into one folder.

    What `add` returned is on disk: lines are written whole and at once, other files appear complete or not at all,
    and the gallery can be opened at any time. Memory does not grow with the number of images.

    A run takes an earlier run's place in the same folder: what that one wrote, as its `results.jsonl` lists it, is
    deleted first, so that nobody sends on a report that is stale. Other files stay.

    Use it as a context manager; the folder is made on entering.
    """

    def __init__(self, directory: Path, *, card: ModelSummary, objects: frozenset[ResultObject] = ALL_OBJECTS) -> None:
        self._directory = directory
        self._card = card
        self._objects = objects
        self._files = objects - {ResultObject.GALLERY}

    def __enter__(self) -> Self:
        """Makes the folder and begins the files.

        Raises:
            ConfigError: The folder cannot be made or written.
        """
        with writing(self._directory):
            self._directory.mkdir(parents=True, exist_ok=True)
            forget_run(self._directory)
        with ExitStack() as stack:
            self._lines = Ledger(self._directory / "results.jsonl")
            stack.callback(self._lines.close)
            self._rows = Ledger(self._directory / "results.csv")
            stack.callback(self._rows.close)
            self._rows.append(csv_header())
            self._gallery = None
            if ResultObject.GALLERY in self._objects:
                from pneumoscope.results.gallery import Gallery

                self._gallery = Gallery(self._directory / "index.html", summary=self._card)
            stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the files; an error that is already on its way is not replaced by one of these.

        Raises:
            ConfigError: The gallery's last summary could not be written.
        """
        try:
            with ExitStack() as stack:
                stack.callback(self._lines.close)
                stack.callback(self._rows.close)
                if self._gallery:
                    self._gallery.close(complete=error is None)
        except ConfigError:
            if error is None:
                raise

    def add(self, reading: Reading, radiograph: Radiograph | None) -> ResultLine:
        """Writes everything about one image and returns its line; the objects first, so that a line's files exist.

        Raises:
            ConfigError: Something could not be written; every line before stays valid.
        """
        outputs = Outputs()
        if reading.decision and self._files:
            from pneumoscope.results.files_of_image import write_files

            outputs = write_files(reading, radiograph, directory=self._directory, card=self._card, wanted=self._files)
        line = to_line(reading, outputs)
        self._lines.append(to_json(line))
        self._rows.append(to_csv(reading, outputs))
        if self._gallery:
            self._gallery.add(reading, radiograph, outputs=outputs)
        return line
