"""The manifest of the first model and its images, prepared once by the reading recipe and held as 8-bit arrays."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from pneumoscope.datasets import read_kermany, read_nih, split_by_patient
from pneumoscope.image import Recipe, prepare


def read_manifest(data: Path, *, split_seed: int) -> pd.DataFrame:
    """All images at hand under `data` with findings and split; a row an image.

    Adults (`nih`, `rsna_normal`) hold out their official test's patients and about 8 % of the others, so that a
    fifth of the NIH patients is test; children (`kermany`) hold out their official test only.
    """
    nih = data / "nih"
    adults = pd.concat(
        [
            read_nih(nih, nih / "images-256"),
            read_nih(nih, nih / "rsna-normal-224").assign(source="rsna_normal"),
        ],
        ignore_index=True,
    )
    children = read_kermany(data / "kermany" / "chest_xray")
    for rows, test_share, validation_share in ((adults, 0.08, 0.13), (children, 0.0, 0.10)):
        rows["split"] = split_by_patient(
            rows, test_share=test_share, validation_share=validation_share, seed=split_seed
        )
    return pd.concat([adults, children], ignore_index=True)


def load_images(paths: "pd.Series[str]", recipe: Recipe) -> UInt8[np.ndarray, "n size size"]:
    """Each image through `image.prepare`, from [-1, 1] to 0..255; order as given."""
    with ThreadPoolExecutor(4) as pool:
        return np.stack(list(pool.map(lambda path: _load(Path(path), recipe), paths)))


def _load(path: Path, recipe: Recipe) -> UInt8[np.ndarray, "size size"]:
    with Image.open(path) as picture:
        grey = np.asarray(picture.convert("L"), dtype=np.float32) / 255
    grey_levels: UInt8[np.ndarray, "size size"] = np.round((prepare(grey, recipe).array[0] + 1) * 127.5).astype(
        np.uint8
    )
    return grey_levels


def unit(images: UInt8[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """8-bit grey levels to [-1, 1], as `image.prepare` gives them."""
    return images.float() / 127.5 - 1
