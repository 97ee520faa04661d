"""The submission: evidence and a description of the device in, a 510(k)-style document out, and its verification.

Reads evidence files, never models.
"""

from pneumoscope.dossier.build import build
from pneumoscope.dossier.databases import describe_files
from pneumoscope.dossier.device import Device, read_device
from pneumoscope.dossier.diff import Difference, diff
from pneumoscope.dossier.inputs import Inputs, read_inputs
from pneumoscope.dossier.requirements import read_requirements, trace
from pneumoscope.dossier.verify import Verification, verify

__all__ = [
    "Device",
    "Difference",
    "Inputs",
    "Verification",
    "build",
    "describe_files",
    "diff",
    "read_device",
    "read_inputs",
    "read_requirements",
    "trace",
    "verify",
]
