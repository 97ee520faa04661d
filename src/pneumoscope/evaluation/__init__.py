"""Evidence: what a model was measured to be, every number with its interval, denominator, method and source.

Predictions and references in, an evidence folder out; and the reader of such folders, which everything that shows
a number (the submission, the model card, the documents) draws from. Only `predict_manifest` runs a model.
"""

from pneumoscope.evaluation.api import evaluate
from pneumoscope.evaluation.cohort import Cohort, recompute, write_evidence
from pneumoscope.evaluation.folder import Evidence, read_evidence, read_release
from pneumoscope.evaluation.numbers import Leaf, Node, NotEstimable, Number, Tree, estimate
from pneumoscope.evaluation.predict import Predicted, Scorer, predict_manifest
from pneumoscope.evaluation.predictions import NOT_IN_MANIFEST, columns_of
from pneumoscope.evaluation.questions import NO_FINDING, Question, default_questions
from pneumoscope.evaluation.readers import Ratings, StudySettings, read_ratings, write_reader_study
from pneumoscope.evaluation.request import Request, cohort_of
from pneumoscope.evaluation.settings import Point, Settings

__all__ = [
    "NOT_IN_MANIFEST",
    "NO_FINDING",
    "Cohort",
    "Evidence",
    "Leaf",
    "Node",
    "NotEstimable",
    "Number",
    "Point",
    "Predicted",
    "Question",
    "Ratings",
    "Request",
    "Scorer",
    "Settings",
    "StudySettings",
    "Tree",
    "cohort_of",
    "columns_of",
    "default_questions",
    "estimate",
    "evaluate",
    "predict_manifest",
    "read_evidence",
    "read_ratings",
    "read_release",
    "recompute",
    "write_evidence",
    "write_reader_study",
]
