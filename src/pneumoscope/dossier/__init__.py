"""The submission: evidence and a description of the device in, a 510(k)-style document out, and its verification.

Reads evidence files, never models.
"""

from pneumoscope.dossier.assumptions import Plan, read_plan
from pneumoscope.dossier.build import build
from pneumoscope.dossier.databases import describe_files, describe_rows
from pneumoscope.dossier.device import Device, read_device
from pneumoscope.dossier.diff import Difference, diff
from pneumoscope.dossier.figures import draw_power
from pneumoscope.dossier.inputs import Inputs, read_inputs
from pneumoscope.dossier.plan import Need, feasible_needs, needs
from pneumoscope.dossier.requirements import read_requirements, require_assertions, trace, write_results
from pneumoscope.dossier.site import site_waits
from pneumoscope.dossier.verify import Verification, verify

__all__ = [
    "Device",
    "Difference",
    "Inputs",
    "Need",
    "Plan",
    "Verification",
    "build",
    "describe_files",
    "describe_rows",
    "diff",
    "draw_power",
    "feasible_needs",
    "needs",
    "read_device",
    "read_inputs",
    "read_plan",
    "read_requirements",
    "require_assertions",
    "site_waits",
    "trace",
    "verify",
    "write_results",
]
