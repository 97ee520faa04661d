"""Small data sets in the sources' own layouts, and films that are made up."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from pneumoscope.datasets import FINDINGS

HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]\n"
)


def _film(seed: int, *, side: int = 96) -> np.ndarray:
    """A made-up film: the same dark lungs and bright middle in all, fine structure of its own in each."""
    rows, columns = np.mgrid[0:side, 0:side] / side
    body = 0.75 - 0.5 * sum(np.exp(-(((columns - at) / 0.13) ** 2 + ((rows - 0.4) / 0.25) ** 2)) for at in (0.3, 0.7))
    body *= np.clip(1.6 - rows * 0.4, 0, 1) * (rows > 0.06)
    fine = gaussian_filter(np.random.default_rng(seed).standard_normal((side, side)), side / 48)
    return (255 * np.clip(body + 0.25 * fine / np.abs(fine).max(), 0, 1)).astype(np.uint8)


def _write_film(path: Path, seed: int, *, side: int = 96) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(_film(seed, side=side)).save(path)
    return path


def _rows(count: int = 4, **columns: object) -> pd.DataFrame:
    """A valid manifest of as many patients with one image each."""
    table = {
        "image_id": [f"i{number}.png" for number in range(count)],
        "path": None,
        "source": "made-up",
        "patient_id": [f"made-up:{number}" for number in range(count)],
        "age_years": 50.0,
        "sex": ["F", "M"] * (count // 2) + ["F"] * (count % 2),
        "view": "PA",
        "follow_up": 0.0,
    }
    return pd.DataFrame(table | dict.fromkeys(FINDINGS, 0.0) | columns)


@pytest.fixture
def rows() -> Callable[..., pd.DataFrame]:
    """Makes a valid manifest: `rows(4, age_years=50)`."""
    return _rows


@pytest.fixture
def film() -> Callable[..., np.ndarray]:
    """Makes a film's pixels: `film(seed, side=96)`."""
    return _film


@pytest.fixture
def write_film() -> Callable[..., Path]:
    """Writes a film: `write_film(path, seed, side=96)`."""
    return _write_film


@pytest.fixture
def nih_root(tmp_path: Path) -> Path:
    """NIH's layout: five images of three patients, the second release's table, everything that may lie beside it."""
    root = tmp_path / "nih"
    root.mkdir()
    (root / "Data_Entry_2017_v2020.csv").write_text(
        HEADER + "00000001_000.png,Cardiomegaly,0,1,58,M,PA,2682,2749,0.143,0.143\n"
        "00000001_001.png,Cardiomegaly|Emphysema,1,1,58,M,PA,2894,2729,0.143,0.143\n"
        "00000002_000.png,No Finding,0,2,81,M,PA,2500,2048,0.171,0.171\n"
        "00000013_000.png,Infiltration|Pneumonia,0,13,60,F,AP,3056,2544,0.139,0.139\n"
        "00000013_001.png,No Finding,1,13,60,F,AP,3056,2544,0.139,0.139\n"
    )
    (root / "labels_2017.csv").write_text(
        "Image Index,Finding Labels\n00000013_001.png,No Finding\n00000013_000.png,Infiltration\n"
        "00000001_000.png,Cardiomegaly\n00000001_001.png,Cardiomegaly|Emphysema\n00000002_000.png,No Finding\n"
    )
    (root / "train_val_list.txt").write_text("00000001_000.png\n00000001_001.png\n00000002_000.png")
    (root / "test_list.txt").write_text("00000013_000.png\r\n00000013_001.png\r\n")
    (root / "BBox_List_2017.csv").write_text(
        "Image Index,Finding Label,Bbox [x,y,w,h],,,\n00000013_000.png,Infiltrate,256.0,512.0,128.0,64.0\n"
    )
    (root / "rsna_classes.csv").write_text(
        "Image Index,rsna_id,rsna_class\n00000013_000.png,a,Lung Opacity\n00000002_000.png,b,Normal\n"
    )
    (root / "google_expert_labels.csv").write_text(
        "Image Index,Fracture,Pneumothorax,Airspace opacity,Nodule or mass,Set Id\r\n"
        "00000013_000.png,NO,NO,YES,NO,test\r\n"
    )
    return root
