"""NIH ChestX-ray14: 112,120 frontal radiographs of 30,805 patients; labels text-mined from reports.

Citation: Wang X. et al., ChestX-ray8, CVPR 2017, p. 2097. Link: https://nihcc.app.box.com/v/ChestXray-NIHCC.
Licence: free use; acknowledge the NIH Clinical Center as the provider.
What it gets wrong: `FACTS.gets_wrong`, below.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pneumoscope.core import ConfigError
from pneumoscope.datasets.columns import FINDINGS, OLDEST_YEARS, RSNA_CLASSES
from pneumoscope.datasets.facts import SourceFacts
from pneumoscope.datasets.folders import Prefer, find_files
from pneumoscope.datasets.manifest import Imported
from pneumoscope.datasets.nih_labels import LabelRelease, findings_of, releases
from pneumoscope.datasets.nih_readers import box_column, google_columns, rsna_columns
from pneumoscope.datasets.tables import numbers, read_table, refuse, refuse_repeated

SOURCE = "nih"
FACTS = SourceFacts(
    source=SOURCE,
    title="NIH ChestX-ray14",
    citation=(
        "Wang X., Peng Y., Lu L., Lu Z., Bagheri M., Summers R.: ChestX-ray8: Hospital-scale chest X-ray database and "
        "benchmarks on weakly-supervised classification and localization of common thorax diseases. CVPR 2017, p. 2097"
    ),
    link="https://nihcc.app.box.com/v/ChestXray-NIHCC",
    licence="free use; cite the paper, and acknowledge the NIH Clinical Center as the provider",
    motivation="To let others learn to detect and localise common thorax diseases from a hospital's archive.",
    collection=(
        "Frontal radiographs from the archive of the NIH Clinical Center, 1992 to 2015, a research hospital with "
        "unusual patients; scaled to 1024 x 1024 pixels and 8 bits by the window in the DICOM header, names removed."
    ),
    labelling="Text-mined from radiology reports (not published); 984 boxes drawn by one radiologist.",
    gets_wrong=(
        "Labels come from reports by text mining: of 804 images labelled Pneumonia that RSNA's radiologists read, "
        "365 show lung opacity, 310 are otherwise abnormal and 129 are normal.",
        "Two label releases differ in 181 images, all in the official test: 1,353 or 1,431 Pneumonia.",
        "The official test is shifted: more AP views, more pneumonia, more images a patient.",
        "Some ages of the first release are impossible, such as 411 years.",
        "Some images are RGBA or rotated, inverted or no frontal chest.",
    ),
)

_TABLES = ("Data_Entry_2017_v2020.csv", "Data_Entry_2017.csv", "sample_labels.csv")
_OFFICIAL_LISTS = {"train_val": "train_val_list.txt", "test": "test_list.txt"}
# The same column under the names of the releases and of the sample of 5,606.
_WIDTH, _HEIGHT, _SPACING_X, _SPACING_Y = (
    ("OriginalImage[Width", "OriginalImageWidth"),
    ("Height]", "OriginalImageHeight"),
    ("OriginalImagePixelSpacing[x", "OriginalImagePixelSpacing_x"),
    ("y]", "OriginalImagePixelSpacing_y"),
)
_NEEDED = (
    "Image Index",
    "Finding Labels",
    "Follow-up #",
    "Patient ID",
    "Patient Age",
    "Patient Gender",
    "View Position",
)
_DAYS_PER = {"Y": 365.25, "M": 365.25 / 12, "W": 7.0, "D": 1.0}


def import_nih(
    root: Path,
    *,
    images: Sequence[Path] = (),
    labels: LabelRelease | None = None,
    table: str | None = None,
    prefer: Prefer = Prefer.HIGHEST,
) -> Imported:
    """Return every image of the NIH table under `root`, with the labels, lists, boxes and images found beside it.

    Args:
        root: Folder with `Data_Entry_2017_v2020.csv`, `Data_Entry_2017.csv` or `sample_labels.csv`.
        images: Image folders, named by NIH index; by default `root`'s own `images_0*/images`, `images` or none.
        labels: Release of the 14 finding columns; by default the table's own.
        table: File name of the table where `root` has several.
        prefer: Which file is used where several folders hold an image.

    Raises:
        ConfigError: No table, no such release, or image folders without any of its images.
        InputError: The table is not NIH's, names an image twice, or holds a label that NIH does not use.
    """
    place = _table_of(root, table)
    raw = read_table(place, needs=_NEEDED)
    refuse_repeated(place, "Image Index", raw["Image Index"])
    ages, age_notes = _ages(raw, place)
    ids = raw["Image Index"]
    rows = _described(raw, place).assign(age_years=ages)
    chosen, label_notes = _labelled(root, raw, place, labels)
    split, split_notes = _official_split(root, ids)
    files, file_notes, unreadable = _files(root, images, ids, prefer)
    beside = [chosen, split, rsna_columns(root, ids), google_columns(root, ids), box_column(root, ids), files]
    parts = [rows, *(part for part in beside if not part.empty)]
    return Imported(
        pd.concat(parts, axis=1),
        (f"table {place.name}", *label_notes, *age_notes, *split_notes, *file_notes),
        unreadable=unreadable,
    )


def _table_of(root: Path, name: str | None) -> Path:
    for candidate in (name,) if name else _TABLES:
        if (root / candidate).is_file():
            return root / candidate
    raise ConfigError(f"expected the NIH table {name or ' or '.join(_TABLES)} in {root}, found none")


def _described(raw: pd.DataFrame, place: Path) -> pd.DataFrame:
    """Return the columns that come from the table alone, age and labels left out."""
    patients = numbers(raw, "Patient ID", path=place)
    refuse(place, "Patient ID", raw["Patient ID"][patients.isna()], expected="a number")
    spacing = [_number_of(raw, names, place) for names in (_SPACING_X, _SPACING_Y)]
    return pd.DataFrame(
        {
            "image_id": raw["Image Index"],
            "source": SOURCE,
            "patient_id": SOURCE + ":" + patients.astype("int64").astype("str"),
            "follow_up": numbers(raw, "Follow-up #", path=place),
            "sex": raw["Patient Gender"],
            "view": raw["View Position"],
            "width_px": _number_of(raw, _WIDTH, place),
            "height_px": _number_of(raw, _HEIGHT, place),
            "pixel_spacing_mm": spacing[0].where(spacing[0] == spacing[1]),
        }
    )


def _number_of(raw: pd.DataFrame, names: tuple[str, ...], place: Path) -> "pd.Series[float]":
    for name in names:
        if name in raw.columns:
            return numbers(raw, name, path=place)
    return pd.Series(np.nan, index=raw.index)


def _ages(raw: pd.DataFrame, place: Path) -> tuple["pd.Series[float]", list[str]]:
    """Return years, from `58`, `058Y`, `013M` or `001D`; impossible ages become null, with a remark."""
    written = raw["Patient Age"]
    codes, distinct = pd.factorize(written, use_na_sentinel=False)
    parts = pd.Series(distinct).str.strip().str.extract(r"^(\d+)([YMWD]?)$", flags=re.IGNORECASE)
    parts = parts.iloc[codes].set_axis(raw.index)
    refuse(place, "Patient Age", written[parts[0].isna() & written.notna()], expected="years, or 060Y, 013M, 001D")
    unit = parts[1].str.upper().replace("", "Y")
    years = pd.to_numeric(parts[0]) * unit.map(_DAYS_PER) / _DAYS_PER["Y"]
    impossible = years > OLDEST_YEARS
    note = f"{impossible.sum()} ages above {OLDEST_YEARS:g} years are impossible and left out: "
    named = ", ".join(f"{written[row]} in line {row + 2}" for row in raw.index[impossible][:5])
    return years.mask(impossible), [note + named] if impossible.any() else []


def _labelled(
    root: Path, raw: pd.DataFrame, place: Path, wanted: LabelRelease | None
) -> tuple[pd.DataFrame, list[str]]:
    """Return the 14 findings of the wanted release, and Pneumonia by either where it is at hand."""
    at_hand = releases(root, raw, place)
    own = next(iter(at_hand))
    release = wanted or own
    if release not in at_hand:
        raise ConfigError(
            f"expected labels of {release} in {root}: {'labels_2017.csv or ' if release == '2017' else ''}"
            f"a table of that release; found {' and '.join(at_hand)}"
        )
    columns = {name: findings_of(text, place) for name, text in at_hand.items()}
    both = {f"pneumonia_{name}": columns[name]["Pneumonia"] for name in sorted(columns)}
    counts = ", ".join(f"{int(columns[name]['Pneumonia'].sum())} by {name}" for name in sorted(columns))
    return columns[release].assign(label_release=str(release), **both), [
        f"findings by the labels of {release}; images labelled Pneumonia: {counts}"
    ]


def _official_split(root: Path, ids: "pd.Series[str]") -> tuple[pd.DataFrame, list[str]]:
    """Return `official_split` by the published lists, and `split` = test for the official test: never for choosing."""
    sides = {side: root / name for side, name in _OFFICIAL_LISTS.items()}
    missing = [place.name for place in sides.values() if not place.is_file()]
    if missing:
        return pd.DataFrame(), [f"no official split: {' and '.join(missing)} not in {root}"]
    listed = {side: place.read_text(encoding="utf-8-sig").split() for side, place in sides.items()}
    official = ids.map({image: side for side, images in listed.items() for image in images})
    notes = []
    for side, place in sides.items():
        inside = int((official == side).sum())
        if not inside:
            raise ConfigError(f"{place}: expected images that the table lists, found none")
        if len(listed[side]) > inside:
            notes.append(f"{place.name}: {len(listed[side]) - inside} of {len(listed[side])} are not in the table")
    if official.isna().any():
        notes.append(f"{official.isna().sum()} images are in neither official list")
    return pd.DataFrame({"official_split": official, "split": official.where(official == "test")}), notes


def _files(
    root: Path, images: Sequence[Path], ids: "pd.Series[str]", prefer: Prefer
) -> tuple[pd.DataFrame, list[str], int]:
    folders = list(images) or sorted(root.glob("images_0*/images")) or [p for p in [root / "images"] if p.is_dir()]
    if not folders:
        return pd.DataFrame(), [f"no image folder: all {len(ids)} images are rows without a path"], 0
    found = find_files(folders, ids, root=root, suffix=".png", prefer=prefer)
    files = found.files.set_index("image_id").reindex(ids).reset_index(drop=True).set_index(ids.index)
    at_hand = files["path"].notna().sum()
    return (
        files,
        [
            f"{at_hand} of {len(ids)} images found, {len(ids) - at_hand} missing (rows without a path)",
            *found.notes,
        ],
        found.unreadable,
    )


def read_nih(root: Path, images: Path) -> pd.DataFrame:
    """Return manifest rows of the NIH images found in one folder (PNG or JPEG, named by NIH image index).

    `split` is "test" for the official test list and null otherwise; RSNA columns are NaN where not read.

    Raises:
        ConfigError: The table or an official list is missing under `root`, or the folder holds none of its images.
    """
    if missing := [name for name in _OFFICIAL_LISTS.values() if not (root / name).is_file()]:
        raise ConfigError(f"expected the official split's lists in {root}, found no {' and no '.join(missing)}")
    rows = import_nih(root, images=[images]).manifest
    columns = ["image_id", "path", "source", "patient_id", "follow_up", "age_years", "sex", "view", "split"]
    rows = rows.loc[rows["path"].notna(), [*columns, *FINDINGS, *RSNA_CLASSES.values()]]
    return rows.sort_values("image_id").reset_index(drop=True).astype({"follow_up": "int64"})


def read_nih_labels(root: Path) -> pd.DataFrame:
    """Return findings and RSNA classes of all 112,120 images, no image needed; columns as in the manifest."""
    place = _table_of(root, None)
    raw = read_table(place, needs=_NEEDED)
    patients = SOURCE + ":" + numbers(raw, "Patient ID", path=place).astype("int64").astype("str")
    read = rsna_columns(root, raw["Image Index"])[list(RSNA_CLASSES.values())]
    return pd.concat(
        [patients.rename("patient_id"), findings_of(raw["Finding Labels"], place)[list(FINDINGS)], read], axis=1
    )
