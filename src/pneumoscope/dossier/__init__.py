"""The submission: evidence and a description of the device in, a 510(k)-style document out, and its verification.

Reads evidence files, never models.
"""

from pneumoscope.dossier.build import build
from pneumoscope.dossier.inputs import Inputs, read_inputs
from pneumoscope.dossier.verify import Verification, verify

__all__ = ["Inputs", "Verification", "build", "read_inputs", "verify"]
