"""Sources of labelled radiographs, the manifest and patient-level splits."""

from pneumoscope.datasets.cache import ImageCache, Shard, stream_cache
from pneumoscope.datasets.cache_build import build_cache
from pneumoscope.datasets.columns import FINDINGS
from pneumoscope.datasets.dicom import import_dicom
from pneumoscope.datasets.folders import Prefer
from pneumoscope.datasets.generic import import_csv
from pneumoscope.datasets.kermany import import_kermany, read_kermany
from pneumoscope.datasets.manifest import Imported, Stored, manifest_sha256, read_manifest, write_manifest
from pneumoscope.datasets.mapping import ColumnMapping, read_mapping
from pneumoscope.datasets.nih import import_nih, read_nih, read_nih_labels
from pneumoscope.datasets.nih_labels import LabelRelease
from pneumoscope.datasets.nih_readers import boxes_of
from pneumoscope.datasets.nih_routes import ROUTES, RSNA_DICOM, Route, read_routes, read_rsna_dicom
from pneumoscope.datasets.patients import patient_numbers
from pneumoscope.datasets.pixels import LoadedImage, Seen, each_image, load_images
from pneumoscope.datasets.rsna import import_rsna
from pneumoscope.datasets.split import folds_by_patient, split_by_patient, split_official, split_stratified
from pneumoscope.datasets.split_file import Split, apply_split, read_split, split_of, write_split
from pneumoscope.datasets.split_temporal import split_by_date, split_by_follow_up

__all__ = [
    "FINDINGS",
    "ROUTES",
    "RSNA_DICOM",
    "ColumnMapping",
    "ImageCache",
    "Imported",
    "LabelRelease",
    "LoadedImage",
    "Prefer",
    "Route",
    "Seen",
    "Shard",
    "Split",
    "Stored",
    "apply_split",
    "boxes_of",
    "build_cache",
    "each_image",
    "folds_by_patient",
    "import_csv",
    "import_dicom",
    "import_kermany",
    "import_nih",
    "import_rsna",
    "load_images",
    "manifest_sha256",
    "patient_numbers",
    "read_kermany",
    "read_manifest",
    "read_mapping",
    "read_nih",
    "read_nih_labels",
    "read_routes",
    "read_rsna_dicom",
    "read_split",
    "split_by_date",
    "split_by_follow_up",
    "split_by_patient",
    "split_of",
    "split_official",
    "split_stratified",
    "stream_cache",
    "write_manifest",
    "write_split",
]
