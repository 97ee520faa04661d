"""Readings -> a results folder, one image after the other."""

import json
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from pneumoscope.core import Claim, ConfigError, ResultObject, write_atomically, writing
from pneumoscope.results.line import Outputs, ResultLine, csv_header, to_csv, to_json, to_line
from pneumoscope.results.reading import ModelSummary, Reading
from pneumoscope.results.storage import ENDINGS, Ledger, forget_run, stem

DEFAULT_OBJECTS = frozenset({ResultObject.OVERLAY, ResultObject.SR, ResultObject.SC, ResultObject.GALLERY})


class ResultWriter:
    """Writes `results.jsonl`, `results.csv`, and per image the objects asked for, into one folder.

    What `add` returned is on disk: lines are written whole and at once, other files appear complete or not at all,
    and the gallery can be opened at any time. Memory does not grow with the number of images.

    Running again into the same folder replaces its results: the files that an earlier run's `results.jsonl` lists are
    deleted first, so that nobody sends on a report that is stale. Other files stay.

    Use it as a context manager; the folder is made on entering.
    """

    def __init__(
        self,
        directory: Path,
        *,
        card: ModelSummary,
        objects: frozenset[ResultObject] = DEFAULT_OBJECTS,
        claim: Claim = Claim.DETECTION,
    ) -> None:
        self._directory = directory
        self._card = card
        self._objects = objects
        self._claim = claim

    def __enter__(self) -> Self:
        """Make the folder and begin the files.

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
        """End the files; an error that is already on its way is not replaced by one of these.

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

    def add(self, reading: Reading) -> ResultLine:
        """Write everything about one image and return its line; the objects first, so that a line's files exist.

        Raises:
            ConfigError: Something could not be written; every line before stays valid.
        """
        reading = reading.under(self._claim)
        outputs = write_objects(reading, self._directory, wanted=self._objects)
        line = to_line(reading, outputs)
        self._lines.append(to_json(line))
        self._rows.append(to_csv(reading, outputs))
        if self._gallery:
            self._gallery.add(reading, outputs=outputs)
        return line


def save_reading(reading: Reading, folder: Path) -> dict[str, Path]:
    """Write one reading's line and every object that can be made of it; return their paths by kind.

    Raises:
        ConfigError: The folder cannot be made or written.
    """
    outputs = write_objects(reading, folder, wanted=frozenset(ENDINGS))
    line = folder / f"{stem(reading.path)}.json"
    text = json.dumps(to_line(reading, outputs), ensure_ascii=False, allow_nan=False, indent=2)
    write_atomically(line, text.encode("utf-8", "backslashreplace"))
    return {"line": line} | {kind.value: folder / name for kind, name in outputs.files.items()}


def write_objects(reading: Reading, folder: Path, *, wanted: frozenset[ResultObject]) -> Outputs:
    """Write the wanted objects of a reading into a folder; notes say which could not be made, and why.

    Raises:
        ConfigError: A file could not be written.
    """
    if not wanted & ENDINGS.keys() or (reading.decision is None and ResultObject.NOT_ANALYSED not in wanted):
        return Outputs()
    from pneumoscope.results.objects import make_objects

    objects = make_objects(reading, wanted=wanted)
    name, files = stem(reading.path), dict[ResultObject, str]()
    for kind, content in objects.files().items():
        files[kind] = f"{name}{ENDINGS[kind]}"
        write_atomically(folder / files[kind], content)
    return Outputs(files=files, notes=objects.notes)
