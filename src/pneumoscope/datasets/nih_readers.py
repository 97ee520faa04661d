"""What radiologists said of NIH's images: RSNA's classes, Google's labels, and boxes; never mixed with NIH's labels.

Citation: Shih G. et al., Radiology: AI 1, 2019, e180041 (RSNA). Majkowska A. et al., Radiology 294, 2020, p. 421
(Google: adjudicated labels of four findings). Boxes: Wang X. et al., CVPR 2017, section 3.3.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from pneumoscope.datasets.columns import BY_NAME, RSNA_CLASSES
from pneumoscope.datasets.tables import numbers, read_table, refuse, refuse_repeated

# Boxes are drawn on images of 1024 x 1024 pixels.
_BOX_SIDE_PX = 1024
_GOOGLE = {
    "Airspace opacity": "google_airspace_opacity",
    "Pneumothorax": "google_pneumothorax",
    "Nodule or mass": "google_nodule_or_mass",
    "Fracture": "google_fracture",
}
# The box list's word for a finding that the labels call otherwise.
_BOX_NAMES = {"Infiltrate": "Infiltration"}


def rsna_columns(root: Path, ids: "pd.Series[str]") -> pd.DataFrame:
    """Return RSNA's id, class, `rsna_opacity` and `rsna_normal`; all null where RSNA's readers had not the image."""
    place = root / "rsna_classes.csv"
    columns = {"rsna_id": np.nan, "rsna_class": np.nan} | dict.fromkeys(RSNA_CLASSES.values(), np.nan)
    if not place.is_file():
        return pd.DataFrame(columns, index=ids.index)
    read = _beside(place, ids, needs=("rsna_id", "rsna_class"))
    classes = read["rsna_class"]
    among = BY_NAME["rsna_class"].among
    refuse(place, "rsna_class", classes[classes.notna() & ~classes.isin(among)], expected=" or ".join(among))
    for name, column in RSNA_CLASSES.items():
        columns[column] = (classes == name).astype("float64").where(classes.notna())
    return pd.DataFrame(columns | {"rsna_id": read["rsna_id"], "rsna_class": classes})


def google_columns(root: Path, ids: "pd.Series[str]") -> pd.DataFrame:
    """Return Google's four labels and set; null where their readers had not the image; no columns without the file."""
    place = root / "google_expert_labels.csv"
    if not place.is_file():
        return pd.DataFrame()
    read = _beside(place, ids, needs=(*_GOOGLE, "Set Id"))
    columns = {"google_set": read["Set Id"]}
    for name, column in _GOOGLE.items():
        answers = read[name]
        refuse(place, name, answers[answers.notna() & ~answers.isin(("YES", "NO"))], expected="YES or NO")
        columns[column] = answers.map({"YES": 1.0, "NO": 0.0})
    return pd.DataFrame(columns)


def _beside(place: Path, ids: "pd.Series[str]", *, needs: tuple[str, ...]) -> pd.DataFrame:
    """Return the table's rows in the order of `ids`, null where it has none."""
    table = read_table(place, needs=("Image Index", *needs))
    refuse_repeated(place, "Image Index", table["Image Index"])
    return table.set_index("Image Index")[list(needs)].reindex(ids).set_axis(ids.index)


def box_column(root: Path, ids: "pd.Series[str]") -> pd.DataFrame:
    """Return NIH's boxes as the column `boxes`, which `boxes_of` reads; no column without the list."""
    place = root / "BBox_List_2017.csv"
    if not place.is_file():
        return pd.DataFrame()
    # The header says "Bbox [x,y,w,h]": four columns, named x to h between brackets.
    table = read_table(place, needs=("Image Index", "Finding Label", "Bbox [x", "y", "w", "h]"))
    corners = ["Bbox [x", "y", "w", "h]"]
    shares = pd.DataFrame({name: numbers(table, name, path=place) / _BOX_SIDE_PX for name in corners})
    table = table.assign(name=table["Finding Label"].replace(_BOX_NAMES))
    boxes: dict[str, list[list[object]]] = {}
    for image, name, *corner in zip(table["Image Index"], table["name"], *shares.round(6).to_numpy().T, strict=True):
        boxes.setdefault(image, []).append(["nih", name, *map(float, corner)])
    return pd.DataFrame({"boxes": ids.map({image: json.dumps(found) for image, found in boxes.items()})})


def boxes_of(manifest: pd.DataFrame) -> pd.DataFrame:
    """Return a row a box: `image_id, by, finding, left, top, width, height`, in shares of the image's side."""
    columns = ["by", "finding", "left", "top", "width", "height"]
    drawn = manifest[["image_id", "boxes"]].dropna() if "boxes" in manifest else pd.DataFrame(columns=["image_id"])
    rows = [(image, *box) for image, text in drawn.itertuples(index=False) for box in json.loads(text)]
    return pd.DataFrame(rows, columns=["image_id", *columns])
