"""The manifest of the first model and its images, prepared once by the reading recipe and held as 8-bit arrays."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32, UInt8
from PIL import Image
from torch import Tensor

from pneumoscope.core import ConfigError, UnreadableError
from pneumoscope.datasets import read_kermany, read_nih, split_by_patient
from pneumoscope.image import Recipe, prepare
from pneumoscope.intake import read_radiograph

Change = Callable[[Image.Image], Image.Image]
# Small enough that a CPU keeps the feature maps in its cache: five times the images per second of 64.
BATCH = 4


def read_manifest(data: Path, *, split_seed: int) -> pd.DataFrame:
    """Read the table of all images at hand under `data`, with findings and split; a row for each image.

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
    """Return each image prepared by `image.prepare`, from [-1, 1] to 0..255; order as given."""
    return load_cropped(paths, recipe)[0]


def load_cropped(
    paths: "pd.Series[str]", recipe: Recipe, *, change: Change = lambda picture: picture
) -> tuple[UInt8[np.ndarray, "n size size"], Float[np.ndarray, "n 4"]]:
    """Return images as `load_images` does, and the part of each image that the model sees.

    The part is top, left, bottom, right as shares of the image's sides.

    `change` is done to each picture before it is prepared.

    Raises:
        ConfigError: Images are missing or cannot be decoded; how many, and the first of them.
    """
    with ThreadPoolExecutor(4) as pool:
        loaded = list(pool.map(lambda path: _load(Path(path), recipe, change), paths))
    unreadable = [f"{path} ({found})" for path, found in zip(paths, loaded, strict=True) if isinstance(found, str)]
    if unreadable:
        raise ConfigError(f"expected {len(loaded)} readable images, {len(unreadable)} are not, first {unreadable[0]}")
    images, crops = zip(*(found for found in loaded if not isinstance(found, str)), strict=True)
    return np.stack(images), np.stack(crops)


def _load(
    path: Path, recipe: Recipe, change: Change
) -> tuple[UInt8[np.ndarray, "size size"], Float[np.ndarray, " 4"]] | str:
    """Return grey levels and crop, or why there are none; a DICOM file is decoded as in reading."""
    if path.suffix == ".dcm":
        return _load_dicom(path, recipe)
    try:
        with Image.open(path) as picture:
            grey = np.asarray(change(picture.convert("L")), dtype=np.float32) / 255
    except OSError as error:
        return error.strerror or type(error).__name__
    return crop_grey(grey, recipe)


def _load_dicom(path: Path, recipe: Recipe) -> tuple[UInt8[np.ndarray, "size size"], Float[np.ndarray, " 4"]] | str:
    try:
        pixels = read_radiograph(path).pixels
    except UnreadableError as error:
        return str(error)
    return "no pixels" if pixels is None else crop_grey(pixels, recipe)


def crop_grey(
    grey: Float32[np.ndarray, "h w"], recipe: Recipe
) -> tuple[UInt8[np.ndarray, "size size"], Float[np.ndarray, " 4"]]:
    """Prepare grey values in [0, 1] by the recipe; return 8-bit levels, and the crop as `load_cropped` gives it."""
    prepared, (height, width) = prepare(grey, recipe), grey.shape
    crop = prepared.crop
    levels = np.round((prepared.array[0] + 1) * 127.5).astype(np.uint8)
    return levels, np.array([crop.top / height, crop.left / width, crop.bottom / height, crop.right / width])


def unit(images: UInt8[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Convert 8-bit grey levels to [-1, 1], as `image.prepare` gives them."""
    return images.float() / 127.5 - 1


def in_batches(images: UInt8[np.ndarray, "n size size"]) -> list[UInt8[np.ndarray, "b size size"]]:
    """Return the images in batches of at most `BATCH`."""
    return [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
