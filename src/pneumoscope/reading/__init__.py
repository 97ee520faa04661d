"""Radiograph to Reading, one at a time or many."""

from pneumoscope.core import EngineName
from pneumoscope.reading.batch import read_all
from pneumoscope.reading.engine import Engine, Outputs, open_engine
from pneumoscope.reading.reader import Candidate, Reader, Settled
from pneumoscope.reading.scores import KnownImage, Score, score_images

__all__ = [
    "Candidate",
    "Engine",
    "EngineName",
    "KnownImage",
    "Outputs",
    "Reader",
    "Score",
    "Settled",
    "open_engine",
    "read_all",
    "score_images",
]
