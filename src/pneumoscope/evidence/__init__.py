"""Evidence: what a model was measured to be, every number with its interval, denominator, method and source.

Predictions and references in, an evidence folder out; and the reader of such folders, which everything that shows
a number (the submission, the model card, the documents) draws from. No model is run here.
"""

from pneumoscope.evidence.folder import Evidence, read_evidence, read_release
from pneumoscope.evidence.numbers import NotEstimable, Number

__all__ = ["Evidence", "NotEstimable", "Number", "read_evidence", "read_release"]
