"""The manifest's columns, in order: the one list that schema, file format and reference page come from."""

from dataclasses import dataclass
from enum import StrEnum

# 1 present, 0 absent, NaN not labelled. The order is the NIH paper's (Wang et al., CVPR 2017, table 1, and the
# six findings added with ChestX-ray14).
FINDINGS = (
    "Atelectasis",
    "Cardiomegaly",
    "Effusion",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pneumonia",
    "Pneumothorax",
    "Consolidation",
    "Edema",
    "Emphysema",
    "Fibrosis",
    "Pleural_Thickening",
    "Hernia",
)

# Radiologists' reading of NIH images, never mixed with the text-mined NIH labels.
RSNA_CLASSES = {"Lung Opacity": "rsna_opacity", "Normal": "rsna_normal"}

# Columns that no importer of ours knows are carried along untouched where their name starts so.
OWN_PREFIX = "x_"

# No one is older; what is beyond is a typing error, such as the 411 years of the NIH sample.
OLDEST_YEARS = 120.0


class Kind(StrEnum):
    """What a column holds: how it is checked, and stored in the file."""

    TEXT = "text"
    NUMBER = "number"
    WHOLE = "whole number"
    FLAG = "1, 0 or null"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its kind, meaning, and what its values may be; null is allowed unless `required`."""

    name: str
    kind: Kind
    meaning: str
    among: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    required: bool = False


_T, _N, _W, _F = Kind.TEXT, Kind.NUMBER, Kind.WHOLE, Kind.FLAG

CORE = (
    Column("image_id", _T, "name of the image within its source; no two rows share source and image_id", required=True),
    Column("path", _T, "file of the image; null where only its metadata is at hand; not part of the hash"),
    Column("source", _T, "data set, such as nih or kermany", required=True),
    Column("patient_id", _T, "patient, prefixed by the source: what splits go by", required=True),
    Column("study_id", _T, "examination; null where the source does not say"),
    Column("follow_up", _W, "examinations of the patient before this one, as the source counts them", least=0.0),
    Column("age_years", _N, "age at the examination, years", least=0.0, most=OLDEST_YEARS),
    Column("sex", _T, "sex as the source states it", among=("F", "M")),
    Column("view", _T, "projection", among=("PA", "AP", "LATERAL")),
    Column("width_px", _W, "width of the image as acquired, pixels; the file at hand may be smaller", least=1.0),
    Column("height_px", _W, "height of the image as acquired, pixels", least=1.0),
    Column("pixel_spacing_mm", _N, "distance of pixel centres as acquired, mm, equal in both directions", least=0.0),
    Column("split", _T, "side of the split in force", among=("train", "val", "test")),
)

LABELS = tuple(Column(finding, _F, "finding, by the source's labels; null: not labelled") for finding in FINDINGS)

EXTRAS = (
    Column("no_finding", _F, "the source says that nothing was found; contradicts a finding of 1"),
    Column("label_release", _T, "release of the source's labels that the findings are from"),
    Column("pneumonia_2017", _F, "NIH: Pneumonia by the labels of 2017 (the paper's)"),
    Column("pneumonia_2020", _F, "NIH: Pneumonia by the labels of v2020"),
    Column("pneumonia_kind", _T, "Kermany: germ by file name", among=("bacteria", "virus")),
    Column("official_split", _T, "side that the publisher put the image on", among=("train_val", "train", "test")),
    Column("rsna_id", _T, "name of the image in RSNA's challenge of 2018"),
    Column("rsna_class", _T, "RSNA's radiologists", among=("Normal", "No Lung Opacity / Not Normal", "Lung Opacity")),
    Column("rsna_opacity", _F, "RSNA's radiologists: Lung Opacity; null: not read by them"),
    Column("rsna_normal", _F, "RSNA's radiologists: Normal; null: not read by them"),
    Column("google_airspace_opacity", _F, "Google's adjudicated readers (Majkowska 2019); null: not read by them"),
    Column("google_pneumothorax", _F, "the same: pneumothorax"),
    Column("google_nodule_or_mass", _F, "the same: nodule or mass"),
    Column("google_fracture", _F, "the same: fracture"),
    Column("google_set", _T, "Google's own division of these images", among=("val", "test")),
    Column(
        "boxes", _T, "radiologists' boxes as JSON, [[by, finding, left, top, width, height], ...], shares of the side"
    ),
    Column("study_date", _T, "date of the examination, YYYY-MM-DD, possibly shifted by de-identification"),
    Column("manufacturer", _T, "maker of the equipment"),
    Column("scanner_model", _T, "model of the equipment"),
    Column("file_width_px", _W, "width of the file at `path`, pixels", least=1.0),
    Column("file_height_px", _W, "height of the file at `path`, pixels", least=1.0),
    Column("folder", _T, "image folder that `path` lies in, relative to the source's root where it is inside"),
)

COLUMNS = CORE + LABELS + EXTRAS
BY_NAME = {column.name: column for column in COLUMNS}
