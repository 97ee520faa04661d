"""The submission: evidence and a description of the device in, a 510(k)-style document out, and its verification.

Reads evidence files, never models.
"""

from pneumoscope.dossier.build import build
from pneumoscope.dossier.inputs import Inputs, read_inputs

__all__ = ["Inputs", "build", "read_inputs"]
