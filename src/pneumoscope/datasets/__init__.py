"""Sources of labelled radiographs, the manifest and patient-level splits."""

from pneumoscope.datasets.kermany import read_kermany
from pneumoscope.datasets.manifest import FINDINGS, manifest_sha256
from pneumoscope.datasets.nih import read_nih, read_nih_labels
from pneumoscope.datasets.split import split_by_patient

__all__ = ["FINDINGS", "manifest_sha256", "read_kermany", "read_nih", "read_nih_labels", "split_by_patient"]
