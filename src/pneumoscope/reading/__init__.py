"""Radiograph to Reading, one at a time or many."""

from pneumoscope.core import EngineName
from pneumoscope.reading.batch import read_all
from pneumoscope.reading.engine import Engine, Outputs, open_engine
from pneumoscope.reading.reader import Candidate, Reader, Settled

__all__ = ["Candidate", "Engine", "EngineName", "Outputs", "Reader", "Settled", "open_engine", "read_all"]
