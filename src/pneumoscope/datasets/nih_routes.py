"""NIH's images as they are at hand: folders of copies that came by different routes, as one table of images.

A route is a folder of copies made alike. One image may lie in several folders; its labels are one table's, so that
its class cannot differ between routes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pneumoscope.core import ConfigError
from pneumoscope.datasets.columns import FINDINGS, RSNA_CLASSES
from pneumoscope.datasets.nih import import_nih
from pneumoscope.datasets.split import split_by_patient

# Share of the first releases' patients who are held out for the test beside those of the official list; never changed.
TEST_SHARE = 0.08
RSNA_DICOM = "rsna_dicom"
_COLUMNS = ("image_id", "patient_id", "follow_up", "age_years", "sex", "view", "rsna_class")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One folder of copies.

    Attributes:
        folder: Below the folder of NIH's tables.
        source: Name of the route in the manifest's column `source`.
        side_px: Width and height of its images.
        codec: How they are stored.
        whole: Whether the whole image is there; else everything but the lungs is black.
        one_class: Whether all images are of one class, so that the route tells the class.
        holds_out: Whether its patients were drawn from for the test.
        unselected: Whether nobody picked the images, and all classes came alike.
    """

    folder: str
    source: str
    side_px: int
    codec: str
    whole: bool = True
    one_class: bool = False
    holds_out: bool = False
    unselected: bool = False


ROUTES = (
    Route(folder="images-256", source="nih", side_px=256, codec="JPEG 95", holds_out=True),
    Route(folder="rsna-normal-224", source="rsna_normal", side_px=224, codec="JPEG 86", one_class=True, holds_out=True),
    Route(folder="rsna-256", source="rsna_256", side_px=256, codec="JPEG 92", unselected=True),
    Route(folder="radiography-224", source="radiography", side_px=224, codec="JPEG 75"),
    Route(folder="boxes-256", source="boxes", side_px=256, codec="JPEG 90"),
    Route(folder="lungs-only-224", source="lungs_only", side_px=224, codec="JPEG", whole=False),
)


def read_routes(nih: Path, *, split_seed: int, routes: Sequence[Route] = ROUTES) -> pd.DataFrame:
    """Return a row for each image of each route, with findings, radiologists' class and side.

    Patients are on one side over all folders: those held out are `test` for ever, those of an unselected route are
    `val`, all others `train`.

    Args:
        nih: Folder of NIH's tables and of the routes.
        split_seed: Decides who of the first releases' patients is held out.
        routes: The folders.

    Raises:
        ConfigError: A folder is missing or empty, or holds an image that the table does not list.
    """
    table = import_nih(nih).manifest
    columns = [*_COLUMNS, "split", *FINDINGS, *RSNA_CLASSES.values()]
    table = table[columns].set_index("image_id", drop=False)
    rows = pd.concat([_rows_of(nih, route, table) for route in routes], ignore_index=True)
    first = rows[rows["source"].isin([route.source for route in routes if route.holds_out])]
    drawn = split_by_patient(first, test_share=TEST_SHARE, validation_share=0, seed=split_seed)
    held_out = set(first.loc[drawn == "test", "patient_id"])
    unselected = [route.source for route in routes if route.unselected]
    validating = set(rows.loc[rows["source"].isin(unselected), "patient_id"]) - held_out
    patient = rows["patient_id"]
    side = np.select([patient.isin(held_out), patient.isin(validating)], ["test", "val"], "train")
    return rows.assign(split=side)


def _rows_of(nih: Path, route: Route, table: pd.DataFrame) -> pd.DataFrame:
    folder = nih / route.folder
    files = sorted(folder.glob("*.jpg")) + sorted(folder.glob("*.png")) if folder.is_dir() else []
    if not files:
        raise ConfigError(f"expected images in {folder}, found none")
    ids = [f"{path.stem}.png" for path in files]
    if strangers := [path.name for path, name in zip(files, ids, strict=True) if name not in table.index]:
        raise ConfigError(f"{folder}: expected images that NIH's table lists, found {strangers[0]}")
    rows = table.loc[ids].reset_index(drop=True)
    return rows.assign(path=[str(path) for path in files], source=route.source, whole=route.whole)


def read_rsna_dicom(data: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """Return RSNA's DICOM files of the patients held out for the test, in the columns of `read_routes`.

    Args:
        data: Folder of the data sets, with `nih` and `rsna`.
        rows: As `read_routes` gives them; their sides say who is held out.

    Raises:
        ConfigError: A table is missing.
    """
    files = {path.stem: str(path) for path in sorted((data / "rsna" / "stage_2_train_images").glob("*.dcm"))}
    table = import_nih(data / "nih").manifest
    held_out = set(rows.loc[rows["split"] == "test", "patient_id"])
    found = table[table["rsna_id"].isin(list(files)) & table["patient_id"].isin(held_out)]
    found = found[["image_id", "rsna_id", *_COLUMNS[1:], *FINDINGS, *RSNA_CLASSES.values()]].reset_index(drop=True)
    paths = found.pop("rsna_id").map(files)
    return found.assign(path=paths, source=RSNA_DICOM, whole=True, split="test")
