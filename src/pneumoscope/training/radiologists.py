"""What radiologists saw on NIH images beyond a class: RSNA's boxes around opacity, Google's airspace opacity.

Citations: Shih et al., Radiology: Artificial Intelligence 1(1), 2019, e180041 (boxes); Majkowska et al., Radiology
294(2), 2020, p. 421 (adjudicated labels).
"""

from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32

from pneumoscope.core import ConfigError

# Of each image: left, top, right, bottom as shares of the part that the model sees; empty where there is no box.
Boxes = list[Float[np.ndarray, "b 4"]]

# Both sources give pixels of NIH's published 1024 x 1024 images.
SOURCE_PX = 1024
# Finer than any feature map that learns from it.
BOX_GRID = 28


def box_maps(
    boxes: pd.DataFrame, manifest: pd.DataFrame, crops: Float[np.ndarray, "n 4"]
) -> Float32[np.ndarray, "n y x"]:
    """Return the share of each place (of a grid over the model's input) in a box; NaN all over where nobody read.

    Images that the radiologists read as free of opacity are zero all over.

    Args:
        boxes: A row a box: `image_id, left, top, width, height`, shares of the image's side.
        manifest: Rows with `image_id` and `rsna_opacity`.
        crops: Part of each image that the model sees, as shares of its sides: top, left, bottom, right.

    Raises:
        ConfigError: An image that was read as opacity has no box.
    """
    by_image = boxes.groupby("image_id")
    opacity = manifest["rsna_opacity"].to_numpy()
    maps = np.full((len(manifest), BOX_GRID, BOX_GRID), np.nan, dtype=np.float32)
    maps[~np.isnan(opacity)] = 0
    for index in np.flatnonzero(opacity == 1):
        image_id = manifest["image_id"].iat[index]
        if image_id not in by_image.groups:
            raise ConfigError(f"expected RSNA boxes for {image_id}, which was read as Lung Opacity, found none")
        for x, y, width, height in by_image.get_group(image_id)[["left", "top", "width", "height"]].to_numpy():
            top, left, bottom, right = crops[index]
            rows = _overlap(y, y + height, start=top, end=bottom)
            columns = _overlap(x, x + width, start=left, end=right)
            np.maximum(maps[index], np.outer(rows, columns), out=maps[index])
    return maps


def boxes_seen(boxes: pd.DataFrame, image_ids: "pd.Series[str]", crops: Float[np.ndarray, "n 4"]) -> Boxes:
    """Return each image's boxes as shares of the part that the model sees, cut off at its edge.

    A box is left, top, right, bottom.

    Args:
        boxes: As `rsna_boxes` gives them, shares of the whole image.
        image_ids: The images, in order.
        crops: Part of each that the model sees: top, left, bottom, right as shares of its sides.
    """
    by_image = dict(iter(boxes.groupby("image_id")))
    seen: Boxes = []
    for image_id, (top, left, bottom, right) in zip(image_ids, crops, strict=True):
        part = by_image.get(image_id)
        if part is None:
            seen.append(np.empty((0, 4)))
            continue
        x, y, width, height = part[["left", "top", "width", "height"]].to_numpy().T
        corners = np.stack([x, y, x + width, y + height], axis=1) - [left, top, left, top]
        inside = np.clip(corners / [right - left, bottom - top, right - left, bottom - top], 0, 1)
        seen.append(inside[(inside[:, 2] > inside[:, 0]) & (inside[:, 3] > inside[:, 1])])
    return seen


def airspace_opacity(data: Path, manifest: pd.DataFrame) -> Float32[np.ndarray, " n"]:
    """Return Google's adjudicated airspace opacity of each row: 1 or 0; NaN where they did not read the image."""
    table = _table(data / "nih" / "google_expert_labels.csv").set_index("Image Index")["Airspace opacity"]
    said: Float32[np.ndarray, " n"] = (
        manifest["image_id"].map(table.map({"YES": 1.0, "NO": 0.0})).to_numpy(dtype=np.float32)
    )
    return said


def rsna_boxes(data: Path) -> pd.DataFrame:
    """Return RSNA's boxes of NIH images, as `box_maps` takes them.

    Raises:
        ConfigError: `nih/rsna_classes.csv` or `rsna/stage_2_train_labels.csv` is missing.
    """
    ids = _table(data / "nih" / "rsna_classes.csv")[["Image Index", "rsna_id"]]
    boxes = _table(data / "rsna" / "stage_2_train_labels.csv")
    found = boxes[boxes["Target"] == 1].merge(ids, left_on="patientId", right_on="rsna_id")
    corners = found[["x", "y", "width", "height"]].set_axis(["left", "top", "width", "height"], axis=1) / SOURCE_PX
    return corners.assign(image_id=found["Image Index"])


def _table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise ConfigError(f"expected the radiologists' table {path}, found none")
    return pd.read_csv(path)


def _overlap(low: float, high: float, *, start: float, end: float) -> Float[np.ndarray, " cells"]:
    """Return the share of each cell of a grid over [start, end] that lies in [low, high]."""
    edges = np.linspace(start, end, BOX_GRID + 1)
    covered = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
    share: Float[np.ndarray, " cells"] = np.clip(covered, 0, None) / np.diff(edges)
    return share
