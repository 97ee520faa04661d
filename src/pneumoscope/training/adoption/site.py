"""A site's own labelled images through an adopted network."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
from jaxtyping import Float, Float32

from pneumoscope.core import ConfigError, UnreadableError
from pneumoscope.datasets import read_manifest
from pneumoscope.image import Recipe, prepare
from pneumoscope.intake import read_radiograph
from pneumoscope.training.adoption.graph import CAM, EMBEDDING, INPUT, LOGIT

# Thresholds from fewer images of a class than this are noise.
FEWEST_OF_A_CLASS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What the network answered for a site's images.

    Attributes:
        rows: The manifest's rows of the images that were read, in its order.
        truth: Their labels, 1 or 0.
        not_used: Why rows were left out, a sentence a reason with their number.
    """

    rows: pd.DataFrame
    truth: Float[np.ndarray, " n"]
    logit: Float32[np.ndarray, "n 1"]
    cam: Float32[np.ndarray, "n 1 y x"]
    embedding: Float32[np.ndarray, "n features"]
    not_used: tuple[str, ...]


def choose_rows(manifest: Path, *, label: str) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows that may calibrate, and what was left out and why.

    Rows of split `val` calibrate; in a manifest without any, all rows that are not `test`.

    Raises:
        ConfigError: The label is no column, or either class has fewer than `FEWEST_OF_A_CLASS` images.
    """
    rows = read_manifest(manifest).manifest
    if label not in rows.columns:
        known = [name for name in rows.columns if set(rows[name].dropna().unique()) <= {0.0, 1.0} and rows[name].any()]
        raise ConfigError(f"{manifest}: expected a column {label!r} of 1 and 0, found {', '.join(known) or 'no label'}")
    validation = (rows["split"] == "val").any()
    reasons = {
        "without a label": rows[label].isna(),
        "without an image file": rows["path"].isna(),
        "not of split val" if validation else "of split test": (
            rows["split"] != "val" if validation else rows["split"] == "test"
        ),
    }
    left, notes = pd.Series(False, index=rows.index), []
    for reason, where in reasons.items():
        if count := int((where & ~left).sum()):
            notes.append(f"{count} {reason}")
        left = left | where
    chosen = rows[~left].reset_index(drop=True)
    positive = int((chosen[label] == 1).sum())
    if min(positive, len(chosen) - positive) < FEWEST_OF_A_CLASS:
        raise ConfigError(
            f"{manifest}: expected at least {FEWEST_OF_A_CLASS} images with and without {label} to calibrate on, found "
            f"{positive} with and {len(chosen) - positive} without ({'; '.join(notes) or 'all rows used'})"
        )
    return chosen, notes


def measure(graph: onnx.ModelProto, rows: pd.DataFrame, recipe: Recipe, *, label: str, notes: list[str]) -> Measured:
    """Return the network's answers for the rows' images; what cannot be read is counted and named.

    Raises:
        ConfigError: No image can be read.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    places, parts, unreadable = [], [], []
    for place, image in _images(rows, recipe):
        if isinstance(image, str):
            unreadable.append(image)
            continue
        places.append(place)
        parts.append(session.run([LOGIT, CAM, EMBEDDING], {INPUT: image[None]}))
    if not parts:
        raise ConfigError(f"expected readable images, found none: {unreadable[0]}")
    if unreadable:
        notes = [*notes, f"{len(unreadable)} not readable, first {unreadable[0]}"]
    logit, cam, embedding = (np.concatenate(part) for part in zip(*parts, strict=True))
    used = rows.iloc[places].reset_index(drop=True)
    return Measured(used, used[label].to_numpy(dtype=float), logit, cam, embedding, tuple(notes))


def _images(rows: pd.DataFrame, recipe: Recipe) -> Iterator[tuple[int, Any]]:
    """Yield each row's place with its prepared image, or with the reason why there is none."""
    for place, path in enumerate(rows["path"]):
        try:
            radiograph = read_radiograph(Path(path))
        except UnreadableError as error:
            yield place, str(error)
            continue
        if radiograph.pixels is None:
            yield place, f"{path}: not a single grey image"
        else:
            yield place, prepare(radiograph.pixels, recipe).array
