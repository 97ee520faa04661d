"""Reader studies: from a CSV of ratings to numbers, figures and an evidence folder."""

from pneumoscope.evaluation.readers.evidence import write_reader_study
from pneumoscope.evaluation.readers.study import StudySettings, analyse
from pneumoscope.evaluation.readers.table import Ratings, read_ratings

__all__ = ["Ratings", "StudySettings", "analyse", "read_ratings", "write_reader_study"]
