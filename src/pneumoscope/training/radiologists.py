"""What radiologists saw on NIH images beyond a class: RSNA's boxes around opacity, Google's airspace opacity.

Citations: Shih et al., Radiology: Artificial Intelligence 1(1), 2019, e180041 (boxes); Majkowska et al., Radiology
294(2), 2020, p. 421 (adjudicated labels).
"""

from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32

from pneumoscope.core import ConfigError

# Both sources give pixels of NIH's published 1024 x 1024 images.
SOURCE_PX = 1024
# Finer than any feature map that learns from it.
BOX_GRID = 28


def box_maps(data: Path, manifest: pd.DataFrame, crops: Float[np.ndarray, "n 4"]) -> Float32[np.ndarray, "n y x"]:
    """Share of each place (of a grid over the model's input) that lies in a box; NaN all over where nobody read.

    Images that the radiologists read as free of opacity are zero all over.

    Args:
        data: Folder of the data sets; holds `nih/rsna_classes.csv` and `rsna/stage_2_train_labels.csv`.
        manifest: Rows with `image_id` and `rsna_opacity`.
        crops: Part of each image that the model sees, as shares of its sides: top, left, bottom, right.

    Raises:
        ConfigError: A table is missing, or an image that was read as opacity has no box.
    """
    boxes = _boxes(data).groupby("Image Index")
    opacity = manifest["rsna_opacity"].to_numpy()
    maps = np.full((len(manifest), BOX_GRID, BOX_GRID), np.nan, dtype=np.float32)
    maps[~np.isnan(opacity)] = 0
    for index in np.flatnonzero(opacity == 1):
        image_id = manifest["image_id"].iat[index]
        if image_id not in boxes.groups:
            raise ConfigError(f"expected RSNA boxes for {image_id}, which was read as Lung Opacity, found none")
        for x, y, width, height in boxes.get_group(image_id)[["x", "y", "width", "height"]].to_numpy() / SOURCE_PX:
            top, left, bottom, right = crops[index]
            rows = _overlap(y, y + height, start=top, end=bottom)
            columns = _overlap(x, x + width, start=left, end=right)
            np.maximum(maps[index], np.outer(rows, columns), out=maps[index])
    return maps


def airspace_opacity(data: Path, manifest: pd.DataFrame) -> Float32[np.ndarray, " n"]:
    """Google's adjudicated airspace opacity of each row: 1 or 0; NaN where they did not read the image."""
    table = _table(data / "nih" / "google_expert_labels.csv").set_index("Image Index")["Airspace opacity"]
    said: Float32[np.ndarray, " n"] = (
        manifest["image_id"].map(table.map({"YES": 1.0, "NO": 0.0})).to_numpy(dtype=np.float32)
    )
    return said


def _boxes(data: Path) -> pd.DataFrame:
    """A row a box, by NIH image index."""
    ids = _table(data / "nih" / "rsna_classes.csv")[["Image Index", "rsna_id"]]
    boxes = _table(data / "rsna" / "stage_2_train_labels.csv")
    return boxes[boxes["Target"] == 1].merge(ids, left_on="patientId", right_on="rsna_id")


def _table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise ConfigError(f"expected the radiologists' table {path}, found none")
    return pd.read_csv(path)


def _overlap(low: float, high: float, *, start: float, end: float) -> Float[np.ndarray, " cells"]:
    """Share of each cell of a grid over [start, end] that lies in [low, high]."""
    edges = np.linspace(start, end, BOX_GRID + 1)
    covered = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
    share: Float[np.ndarray, " cells"] = np.clip(covered, 0, None) / np.diff(edges)
    return share
