"""RSNA Pneumonia Detection Challenge 2018, stage 2: 26,684 NIH images read again by radiologists, with boxes.

Citation: Shih G. et al., Radiology: AI 1, 2019, e180041.
Link: https://www.rsna.org/rsnai/ai-image-challenge/rsna-pneumonia-detection-challenge-2018.
Licence: NIH's and RSNA's terms; for research and education, cite both.
What it gets wrong: `FACTS.gets_wrong`, below.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from pneumoscope.datasets.columns import BY_NAME, OLDEST_YEARS, RSNA_CLASSES
from pneumoscope.datasets.dicom import described
from pneumoscope.datasets.facts import SourceFacts
from pneumoscope.datasets.headers import Header, read_headers
from pneumoscope.datasets.manifest import Imported
from pneumoscope.datasets.tables import numbers, read_table, refuse

SOURCE = "rsna"
FACTS = SourceFacts(
    source=SOURCE,
    title="RSNA Pneumonia Detection Challenge 2018, stage 2",
    citation=(
        "Shih G., Wu C., Halabi S. et al.: Augmenting the National Institutes of Health chest radiograph dataset with "
        "expert annotations of possible pneumonia. Radiology: Artificial Intelligence 1, 2019, e180041"
    ),
    link="https://www.rsna.org/rsnai/ai-image-challenge/rsna-pneumonia-detection-challenge-2018",
    licence="research and education; cite RSNA's paper and NIH's",
    motivation="To have radiologists' boxes of lung opacity, where NIH's labels are text-mined.",
    collection="A selection from NIH ChestX-ray14, enriched in opacity; 1024 x 1024 pixels, JPEG in DICOM.",
    labelling=(
        "Radiologists of RSNA and the Society of Thoracic Radiology, without history or other films: Lung Opacity, "
        "Normal, or No Lung Opacity / Not Normal; boxes around opacities."
    ),
    gets_wrong=(
        "`patientId` names an image: several are of one patient, and a split by it leaks. Give NIH's match.",
        "The images are NIH's: better labels, never an external test of a model trained on NIH.",
        "Ages have no unit in the header (`23`), and some are impossible, such as 148.",
        "Target 1 means lung opacity in the given context; it is not a diagnosis of pneumonia.",
        "Sides of lungs cannot be told from DICOM: Patient Orientation is empty.",
    ),
)
_SIDE_PX = 1024
_LABELS = "stage_2_train_labels.csv"
_DETAILS = "stage_2_detailed_class_info.csv"
_IMAGES = "stage_2_train_images"


def import_rsna(root: Path, *, nih_match: Path | None = None) -> Imported:
    """Return a row an image of the labels' table; age, sex, view and spacing from the DICOM files that are there.

    Args:
        root: Folder with `stage_2_train_labels.csv`, and `stage_2_train_images` where there are images.
        nih_match: Table `Image Index, rsna_id, rsna_class`: patients and classes by NIH's images.

    Raises:
        ConfigError: The labels' table is absent.
        InputError: A table is not RSNA's, or has a value that it cannot have.
    """
    place = root / _LABELS
    table = read_table(place, needs=("patientId", "x", "y", "width", "height", "Target"))
    refuse(place, "patientId", table["patientId"][table["patientId"].isna()], expected="a name")
    targets = table["Target"]
    refuse(place, "Target", targets[~targets.isin(("0", "1"))], expected="0 or 1")
    positive = (targets == "1").groupby(table["patientId"], sort=False).max()
    rows = pd.DataFrame({"image_id": positive.index, "source": SOURCE, "Pneumonia": positive.to_numpy(dtype=float)})
    rows["official_split"] = "train"
    rows["boxes"] = rows["image_id"].map(_boxes(table, place))
    rows["rsna_id"] = rows["image_id"]
    rows, match_notes = _matched(rows, root, nih_match)
    described_rows, image_notes, unreadable = _from_headers(root / _IMAGES, rows["image_id"])
    return Imported(
        pd.concat([rows, described_rows], axis=1),
        (f"table {_LABELS}", *match_notes, *image_notes),
        unreadable=unreadable,
    )


def _boxes(table: pd.DataFrame, place: Path) -> dict[str, str]:
    sides = ("x", "y", "width", "height")
    shares = pd.DataFrame({name: numbers(table, name, path=place) / _SIDE_PX for name in sides}).round(6)
    drawn = shares.notna().all(axis=1)
    boxes: dict[str, list[list[object]]] = {}
    for image, *corner in zip(table.loc[drawn, "patientId"], *shares[drawn].to_numpy().T, strict=True):
        boxes.setdefault(image, []).append(["rsna", "Lung Opacity", *map(float, corner)])
    return {image: json.dumps(found) for image, found in boxes.items()}


def _matched(rows: pd.DataFrame, root: Path, nih_match: Path | None) -> tuple[pd.DataFrame, list[str]]:
    """Patients, and the three classes, by NIH's match or by RSNA's own table of classes."""
    patients, classes, notes = pd.Series(np.nan, index=rows.index, dtype="str"), None, []
    if nih_match is not None:
        match = read_table(nih_match, needs=("Image Index", "rsna_id", "rsna_class")).drop_duplicates("rsna_id")
        match = match.set_index("rsna_id").reindex(rows["image_id"]).set_axis(rows.index)
        number = match["Image Index"].str.extract(r"^(\d{8})_", expand=False)
        patients = "nih:" + number.str.lstrip("0")
        classes = match["rsna_class"]
        notes.append(f"{patients.notna().sum()} of {len(rows)} images matched to NIH's patients")
    elif (root / _DETAILS).is_file():
        details = read_table(root / _DETAILS, needs=("patientId", "class")).drop_duplicates("patientId")
        classes = details.set_index("patientId")["class"].reindex(rows["image_id"]).set_axis(rows.index)
    if patients.isna().any():
        notes.append(f"{patients.isna().sum()} images without a known patient: each counts as one; a split may leak")
    rows = rows.assign(patient_id=patients.fillna(SOURCE + ":" + rows["image_id"]))
    if classes is not None:
        among = BY_NAME["rsna_class"].among
        wrong = classes[classes.notna() & ~classes.isin(among)]
        refuse(nih_match or root / _DETAILS, "class", wrong, expected=" or ".join(among))
        read = {name: (classes == word).astype("float64").where(classes.notna()) for word, name in RSNA_CLASSES.items()}
        rows = rows.assign(rsna_class=classes, **read)
    return rows, notes


def _from_headers(folder: Path, ids: "pd.Series[str]") -> tuple[pd.DataFrame, list[str], int]:
    known = dict(zip(ids, ids.index, strict=True))
    paths = {path.stem: str(path) for path in sorted(folder.glob("*.dcm"))} if folder.is_dir() else {}
    headers = list(read_headers([path for name, path in paths.items() if name in known]))
    films = [one for one in headers if one.problem is None]
    notes = [f"{len(films)} of {len(ids)} images found, {len(ids) - len(films)} missing (rows without a path)"]
    notes += [f"{one.path}: {one.problem}" for one in headers if one.problem is not None][:5]
    if strangers := sorted(paths.keys() - known):
        notes.append(f"{len(strangers)} image files are not in the table: {', '.join(strangers[:5])}")
    columns = described(films) | {
        "path": [one.path for one in films],
        "age_years": [one.age_years if _is_possible(one) else None for one in films],
        "file_width_px": [one.width_px for one in films],
        "file_height_px": [one.height_px for one in films],
        "folder": [folder.name] * len(films),
    }
    # NIH's films had other sizes before they were scaled to 1024; the dates and makers are not real.
    for name in ("width_px", "height_px", "study_date", "manufacturer", "scanner_model"):
        columns.pop(name)
    found = pd.DataFrame(columns, index=[known[Path(one.path).stem] for one in films]).reindex(ids.index)
    if impossible := sum(one.age_text is not None and not _is_possible(one) for one in films):
        notes.append(f"{impossible} ages above {OLDEST_YEARS:g} years are impossible and left out")
    return found, notes, len(headers) - len(films)


def _is_possible(header: Header) -> bool:
    return header.age_years is not None and header.age_years <= OLDEST_YEARS
