"""Manifests small enough to count by hand, and one large enough for intervals; images drawn, never a patient's."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pneumoscope.datasets.manifest import arrange


@pytest.fixture
def six() -> pd.DataFrame:
    """Six images of four patients."""
    columns = ["patient_id", "follow_up", "age_years", "sex", "view", "Pneumonia", "Infiltration", "no_finding"]
    rows = [
        ("a", 0, 5, "F", "PA", 0, 0, 1),
        ("a", 1, 6, "F", "AP", 1, 0, 0),
        ("b", 0, 45, "M", "PA", 0, 1, 0),
        ("b", 1, 46, "M", "AP", 1, 1, 0),
        ("c", 0, 70, "M", "PA", 0, 0, 1),
        ("d", 0, None, None, "AP", 0, 0, 1),
    ]
    table = pd.DataFrame(rows, columns=columns)
    return arrange(table.assign(image_id=[f"i{index}" for index in table.index], source="made"))


@pytest.fixture(scope="session")
def many() -> pd.DataFrame:
    """1,500 images of 500 patients: AP goes with pneumonia and with the larger format, and is commoner in the test."""
    rng = np.random.default_rng(7)
    patient = np.repeat(np.arange(500), 3)
    test = patient >= 350
    ap = rng.random(1500) < np.where(test, 0.6, 0.3)
    ill = rng.random(1500) < np.where(ap, 0.3, 0.1)
    infiltration = rng.random(1500) < np.where(ill, 0.5, 0.2)
    opacity = rng.random(1500) < np.where(ill, 0.6, 0.1)
    table = {
        "image_id": [f"i{index}" for index in range(1500)],
        "source": "made",
        "patient_id": [f"made:{number}" for number in patient],
        "follow_up": np.tile([0, 1, 2], 500),
        "age_years": rng.integers(1, 95, 500)[patient],
        "sex": np.where(rng.random(500) < 0.4, "F", "M")[patient],
        "view": np.where(ap, "AP", "PA"),
        "width_px": np.where(ap, 2500, 2000),
        "height_px": 2048,
        "pixel_spacing_mm": np.where(ap, 0.168, 0.143),
        "split": np.where(test, "test", np.where(patient < 50, "val", "train")),
        "Pneumonia": ill.astype(float),
        "Infiltration": infiltration.astype(float),
        "Hernia": 0.0,
        "rsna_opacity": np.where(rng.random(1500) < 0.8, opacity, np.nan),
        "rsna_class": np.where(opacity, "Lung Opacity", "Normal"),
    }
    return arrange(pd.DataFrame(table))


@pytest.fixture(scope="session")
def filmed(many: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """240 rows of `many` with images: those with pneumonia are brighter, softer, and in a folder of their own."""
    root = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(3)
    ill = many[many["Pneumonia"] == 1].head(80)
    well = many[(many["Pneumonia"] == 0) & (many["Infiltration"] == 0)].head(160)
    rows = pd.concat([ill, well]).reset_index(drop=True)
    rows["folder"] = np.where(rows["Pneumonia"] == 1, "soft", "sharp")
    for name in ("soft", "sharp"):
        (root / name).mkdir()
    rows["path"] = [str(root / row.folder / f"{row.image_id}.png") for row in rows.itertuples()]
    ramp = np.linspace(40, 160, 64)
    for path, positive in zip(rows["path"], rows["Pneumonia"], strict=True):
        noise = rng.normal(0, 3 if positive else 25, (64, 64))
        pixels = ramp[:, np.newaxis] + noise + (40 if positive else 0)
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)
    assert Path(rows["path"][0]).is_file()
    return rows
