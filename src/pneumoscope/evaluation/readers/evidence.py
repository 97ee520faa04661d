"""The evidence folder of a reader study: the same leaves, provenance and reader as every other."""

import datetime as dt
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

from pneumoscope import __version__
from pneumoscope.core import atomic_path, sha256_of
from pneumoscope.evaluation.folder import PREDICTIONS_FILE, Evidence, read_evidence, write_numbers
from pneumoscope.evaluation.readers.figures import figures
from pneumoscope.evaluation.readers.study import StudySettings, analyse
from pneumoscope.evaluation.readers.table import Ratings
from pneumoscope.plotting import framed, save_figure

_LIBRARIES = ("numpy", "pandas", "scipy")


def write_reader_study(
    ratings: Ratings, folder: Path, *, settings: StudySettings, source: Path, title: str | None = None
) -> Evidence:
    """Analyse the study and write its evidence folder: ratings, numbers and figures; what was there is replaced.

    Args:
        ratings: From `read_ratings`.
        folder: To write.
        settings: As they go into the evidence.
        source: The file of the ratings, whose name and hash the provenance has.
        title: The study in words; the file's name by default.

    Raises:
        ConfigError: The folder cannot be written or the disk is full.
    """
    found = analyse(ratings, settings=settings)
    with atomic_path(folder / PREDICTIONS_FILE) as path:
        ratings.table.to_parquet(path, index=False, compression="zstd")
    write_numbers(
        folder,
        cohort={
            "title": title or source.stem,
            "images": len(ratings.cases),
            "patients": len(set(ratings.patient.tolist())),
            "left_out": {},
        },
        labels={},
        provenance={
            "model": {"name": source.name, "version": "unknown", "sha256": sha256_of(source)},
            "manifest_sha256": sha256_of(source),
            "config": {"reader_study": asdict(settings), "questions": [], "points": {}, "settings": {}},
            "code": __version__,
            "libraries": {name: metadata.version(name) for name in _LIBRARIES},
            "created": dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds"),
        },
        other={"readers": found},
    )
    evidence = read_evidence(folder)
    for figure in figures(ratings, found):
        save_figure(framed(figure, note=str(evidence.cohort["title"])), folder / "figures")
    return evidence
