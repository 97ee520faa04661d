"""A synthetic copy of the data folder's layout, small enough to train on in seconds."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from pneumoscope.training.config import (
    TrainingConfig,
    build_record,
    preset,
    read_config,
    read_config_record,
    read_toml,
)
from pneumoscope.training.lungs import LungsConfig, fit_lungs

SIDE = 64


def lungs_of_film() -> np.ndarray:
    """How deep in a lung each place lies, from 0 to 1."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    return np.exp(-(((abs(x - 0.5) - 0.22) / 0.13) ** 2) - ((y - 0.45) / 0.3) ** 2)


def film(rng: np.random.Generator, *, opacity: bool) -> np.ndarray:
    """Two dark lungs on grey; opacity is a bright patch in the lower left of the image."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    lungs = 0.5 * lungs_of_film()
    patch = 0.4 * np.exp(-(((x - 0.28) / 0.1) ** 2) - ((y - 0.6) / 0.1) ** 2) if opacity else 0
    grey = 0.5 + 0.3 * y - lungs + patch + rng.normal(0, 0.02, (SIDE, SIDE))
    return (np.clip(grey, 0, 1) * 255).astype(np.uint8)


def save(path: Path, grey: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(grey).save(path)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """On networks this small threads cost more than they bring, and tests run side by side."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 adults of `nih`, 12 of `rsna_normal`, 96 children; half of the adults were read by radiologists.

    All adults have a lung mask.
    """
    data, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    nih, entries, classes, boxes = data / "nih", [], [], []
    for number in range(72):
        name, opacity = f"{number:08d}_000.png", number % 2 == 1 and number < 60
        folder = "images-256" if number < 60 else "rsna-normal-224"
        save(nih / folder / name.replace("png", "jpg"), film(rng, opacity=opacity))
        save(nih / "lung-masks-224" / name, (lungs_of_film() > 0.4).astype(np.uint8) * 255)
        label = "Pneumonia|Consolidation" if opacity else "No Finding"
        entries.append((name, label, 0, number, 50, "MF"[number % 2], ("PA", "AP")[number // 2 % 2]))
        if number % 4 < 2 or number >= 60:
            classes.append((name, f"rsna-{number}", "Lung Opacity" if opacity else "Normal"))
            boxes.append((f"rsna-{number}", *((184, 512, 204, 204) if opacity else (np.nan,) * 4), int(opacity)))
    columns = ["Image Index", "Finding Labels", "Follow-up #", "Patient ID", "Patient Age", "Patient Gender"]
    pd.DataFrame(entries, columns=[*columns, "View Position"]).to_csv(nih / "Data_Entry_2017_v2020.csv", index=False)
    pd.DataFrame(classes, columns=["Image Index", "rsna_id", "rsna_class"]).to_csv(
        nih / "rsna_classes.csv", index=False
    )
    names = [entry[0] for entry in entries]
    (nih / "test_list.txt").write_text("\n".join(names[:2]))
    (nih / "train_val_list.txt").write_text("\n".join(names[2:]))
    (nih / "google_expert_labels.csv").write_text(
        "Image Index,Airspace opacity,Pneumothorax,Nodule or mass,Fracture,Set Id\n"
        "00000003_000.png,YES,NO,NO,NO,val\n00000004_000.png,NO,NO,NO,NO,test\n"
    )
    (data / "rsna").mkdir()
    pd.DataFrame(boxes, columns=["patientId", "x", "y", "width", "height", "Target"]).to_csv(
        data / "rsna" / "stage_2_train_labels.csv", index=False
    )
    for number in range(96):
        sick, split = number % 2 == 1, "test" if number < 8 else "train"
        name = f"person{number}_virus_1.jpeg" if sick else f"IM-{number:04d}-0001.jpeg"
        folder = data / "kermany" / "chest_xray" / split / ("PNEUMONIA" if sick else "NORMAL")
        save(folder / name, film(rng, opacity=sick))
    return data


@pytest.fixture(scope="session")
def lungs_run(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of lung fields on the adults' films."""
    table = read_toml(preset("lungs")) | {
        "widths": [4, 8, 8],
        "epochs": 12,
        "batch_size": 8,
        "recipe": {"size_px": SIDE},
    }
    folder = tmp_path_factory.mktemp("lungs") / "run"
    fit_lungs(build_record(LungsConfig, table, where="test"), tiny_data, folder)
    return folder


@pytest.fixture(scope="session")
def config() -> TrainingConfig:
    """The default preset on timm's smallest network, a few steps long."""
    table = read_config(preset("default")).as_dict()
    tiny = {
        "seeds": [1],
        "backbone": "test_resnet",
        "data": {},
        "layers": {},
        "populations": ["adults", "children"],
        "sampling": {"nih": 0.6, "rsna_normal": 0.15, "kermany": 0.25},
        "initial_weights": "",
        "train_size_px": 32,
        "epochs": 2,
        "images_per_epoch": 64,
        "batch_size": 16,
        "precision": "32-true",
        "recipe": table["recipe"] | {"size_px": SIDE},
    }
    return read_config_record(table | tiny, where="test")
