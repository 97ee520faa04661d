"""What the reader learns from: images of all routes in memory, targets, boxes, and how often each image is shown."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Float32, Shaped, UInt8

from pneumoscope.core import ConfigError, InputError, Population
from pneumoscope.datasets import (
    FINDINGS,
    folds_by_patient,
    manifest_sha256,
    read_kermany,
    read_nih_labels,
    read_routes,
    split_by_patient,
)
from pneumoscope.training.images import load_cropped, read_manifest
from pneumoscope.training.radiologists import box_maps, rsna_boxes
from pneumoscope.training.reader.config import Continues, ReaderConfig

# Targets, in the order of the network's first outputs; NaN where an image is not labelled for one.
TARGETS = ("opacity", "normal", *(f"nih_{finding}" for finding in FINDINGS), "view", "sex", "age")
REPORT = TARGETS.index("nih_Pneumonia")
CHILDREN_VALIDATION = 0.10
CHILDREN = "kermany"
_OLDEST = 100
_IMAGES, _CROPS, _STAMP = "images.npy", "crops.npy", "images.json"


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """All images with targets and boxes; arrays are in the rows' order."""

    rows: pd.DataFrame
    images: UInt8[np.ndarray, "n size size"]
    crops: Float[np.ndarray, "n 4"]
    targets: Float32[np.ndarray, "n targets"]
    boxes: Float32[np.ndarray, "n y x"]

    def learnt(self, population: str) -> Shaped[np.ndarray, " k"]:
        """Return places of the images that a stage learns from.

        Raises:
            ConfigError: One of them is of a patient held out for the test; the image is named.
        """
        rows = self.rows
        chosen = np.flatnonzero(
            (rows["split"] == "train") & ((rows["source"] == CHILDREN) == (population == Population.CHILDREN))
        )
        refuse_test_patients(rows.iloc[chosen], rows)
        return chosen


def reader_rows(data: Path, *, split_seed: int, continues: Continues | None = None) -> pd.DataFrame:
    """Return the rows of all images, adults by every route and children, with their side; checked.

    Where training goes on from members of an earlier release, patients who taught them are on the side of training.
    """
    adults = read_routes(data / "nih", split_seed=split_seed)
    children = read_kermany(data / "kermany" / "chest_xray").assign(whole=True)
    children["split"] = split_by_patient(
        children, test_share=0.0, validation_share=CHILDREN_VALIDATION, seed=split_seed
    )
    if continues is not None:
        first = read_manifest(data, split_seed=split_seed)
        fold = folds_by_patient(first, folds=continues.folds, seed=split_seed)
        taught = {
            one: set(first.loc[fold.notna() & (fold != continues.held_out[one]), "patient_id"]) for one in Population
        }
        adults["split"] = adults["split"].where(
            (adults["split"] == "test") | ~adults["patient_id"].isin(taught[Population.ADULTS]), "train"
        )
        side = np.where(children["patient_id"].isin(taught[Population.CHILDREN]), "train", "val")
        children["split"] = children["split"].where(children["split"] == "test", side)
    rows = pd.concat([adults, children], ignore_index=True)
    check_rows(rows)
    return rows


def check_rows(rows: pd.DataFrame) -> None:
    """Refuse, before hours of training, rows that nobody should learn from.

    Raises:
        ConfigError: A file is missing, a patient is on two sides, or a class is absent on one.
        InputError: One image has two classes by two routes.
    """
    if missing := [path for path in rows["path"] if not Path(path).is_file()]:
        raise ConfigError(f"expected {len(rows)} images, {len(missing)} are missing, first {missing[0]}")
    classes = rows.groupby("image_id")["rsna_class"].nunique()
    if (classes > 1).any():
        raise InputError(f"expected one class an image over all routes, found two for {classes.index[classes > 1][0]}")
    sides = rows.groupby("patient_id")["split"].nunique()
    if (sides > 1).any():
        shared = rows.loc[rows["patient_id"].isin(sides.index[sides > 1]), "image_id"].iloc[0]
        raise ConfigError(f"expected each patient on one side over all folders, found two for the patient of {shared}")
    children = rows["source"] == CHILDREN
    for name, label in (("adults", rows["rsna_opacity"][~children]), ("children", rows["Pneumonia"][children])):
        for side in ("train", "val"):
            if label[rows.loc[label.index, "split"] == side].nunique() < 2:
                raise ConfigError(f"expected {name} with and without the finding on the side {side}, found one class")


def refuse_test_patients(chosen: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Refuse images of patients who are held out for the test.

    Raises:
        ConfigError: There is one; it is named.
    """
    held_out = set(rows.loc[rows["split"] == "test", "patient_id"])
    found = chosen.loc[chosen["patient_id"].isin(held_out), ["source", "image_id"]]
    if len(found):
        source, image = found.iloc[0]
        raise ConfigError(f"expected no test patient in training, found {len(found)} images, first {image} in {source}")


def gather(config: ReaderConfig, data: Path, *, packed: Path) -> Material:
    """Read rows, images, targets and boxes; images are decoded once and kept in the folder `packed`.

    Raises:
        ConfigError: Tables or images are missing or unfit.
        InputError: The images do not agree with the tables.
    """
    rows = reader_rows(data, split_seed=config.split_seed, continues=config.continues)
    images, crops = _images(rows, config, packed)
    taught = (rows["split"] == "train").to_numpy()
    targets = _targets(rows, read_nih_labels(data / "nih"), taught=taught)
    return Material(rows, images, crops, targets, box_maps(rsna_boxes(data), rows, crops))


def _images(
    rows: pd.DataFrame, config: ReaderConfig, packed: Path
) -> tuple[UInt8[np.ndarray, "n size size"], Float[np.ndarray, "n 4"]]:
    stamp = {
        "manifest_sha256": manifest_sha256(rows[["image_id", "source", "path"]]),
        "recipe": config.recipe.describe(),
    }
    place = packed / _STAMP
    if not place.is_file() or json.loads(place.read_text()) != stamp:
        packed.mkdir(parents=True, exist_ok=True)
        images, crops = load_cropped(rows["path"], config.recipe)
        np.save(packed / _IMAGES, images)
        np.save(packed / _CROPS, crops)
        place.write_text(json.dumps(stamp))
    return np.load(packed / _IMAGES, mmap_mode="r"), np.load(packed / _CROPS)


def _targets(
    rows: pd.DataFrame, labels: pd.DataFrame, *, taught: Bool[np.ndarray, " n"]
) -> Float32[np.ndarray, "n targets"]:
    """Return the targets; where radiologists did not read, the share that they found among such findings."""
    from sklearn.linear_model import LogisticRegression

    children = (rows["source"] == CHILDREN).to_numpy()
    read = labels[labels["rsna_opacity"].notna() & ~labels["patient_id"].isin(set(rows.loc[~taught, "patient_id"]))]
    columns = list(FINDINGS)
    classes = []
    for name in ("rsna_opacity", "rsna_normal"):
        target = rows[name].to_numpy(dtype=float, copy=True)
        unread = np.isnan(target) & ~children
        if unread.any():
            expected = LogisticRegression(max_iter=1000).fit(read[columns], read[name])
            target[unread] = expected.predict_proba(rows.loc[unread, columns])[:, 1]
        classes.append(np.where(children, np.nan, target))
    classes[0][children] = rows.loc[children, "Pneumonia"]
    findings = rows[columns].to_numpy(dtype=float, copy=True)
    findings[children] = np.nan
    view = rows["view"].map({"AP": 1.0, "PA": 0.0})
    sex = rows["sex"].map({"M": 1.0, "F": 0.0})
    age = (rows["age_years"] / _OLDEST).clip(0, 1)
    return np.column_stack([*classes, findings, view, sex, age]).astype(np.float32)


def chances(
    rows: pd.DataFrame, config: ReaderConfig, *, one_class: tuple[str, ...]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Return how likely each image is shown, among whole images and among images of the lungs alone.

    View and class are independent: each class has its share in either view. An image by several routes counts once,
    an image of a route with one class less.

    Args:
        rows: Of one population's training.
        config: With the shares.
        one_class: Sources with one class.

    Raises:
        ConfigError: A class with a share has no image in a view.
    """
    if (rows["source"] == CHILDREN).all():
        even = 1 / rows.groupby("Pneumonia")["image_id"].transform("size").to_numpy(dtype=float)
        return even / even.sum(), np.zeros(len(rows))
    read = rows["rsna_class"].map({"Lung Opacity": "opacity", "Normal": "normal"})
    kind = read.fillna(rows["rsna_class"].notna().map({True: "other", False: "unread"}))
    count = 1 / rows.groupby(["image_id", "whole"])["image_id"].transform("size").to_numpy(dtype=float)
    table = pd.DataFrame(
        {
            "view": rows["view"],
            "class": kind,
            "whole": rows["whole"].astype(bool),
            "count": count * np.where(rows["source"].isin(one_class), config.one_class_share, 1.0),
        }
    )
    found = []
    for whole in (True, False):
        part = table[table["whole"] == whole]
        if whole and (absent := sorted({name for name, share in config.classes.items() if share} - set(part["class"]))):
            raise ConfigError(f"classes: expected whole images of each in training, found none of {', '.join(absent)}")
        share = part["class"].map(config.classes) * part["count"]
        share /= part.groupby(["view", "class"])["count"].transform("sum")
        shown = share.reindex(table.index, fill_value=0.0).to_numpy()
        found.append(shown / shown.sum() if shown.any() else shown)
    return found[0], found[1]
