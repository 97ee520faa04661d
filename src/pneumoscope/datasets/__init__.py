"""Sources of labelled radiographs, the manifest and patient-level splits."""

from pneumoscope.datasets.columns import FINDINGS
from pneumoscope.datasets.folders import Prefer
from pneumoscope.datasets.kermany import read_kermany
from pneumoscope.datasets.manifest import Imported, Stored, manifest_sha256, read_manifest, write_manifest
from pneumoscope.datasets.nih import import_nih, read_nih, read_nih_labels
from pneumoscope.datasets.nih_labels import LabelRelease
from pneumoscope.datasets.nih_readers import boxes_of
from pneumoscope.datasets.split import split_by_patient

__all__ = [
    "FINDINGS",
    "Imported",
    "LabelRelease",
    "Prefer",
    "Stored",
    "boxes_of",
    "import_nih",
    "manifest_sha256",
    "read_kermany",
    "read_manifest",
    "read_nih",
    "read_nih_labels",
    "split_by_patient",
    "write_manifest",
]
