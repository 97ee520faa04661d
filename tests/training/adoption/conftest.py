"""A site's own labelled films, and small networks of others."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

from pneumoscope.datasets import write_manifest

SIDE, POSITIVE, PATIENTS = 240, 30, 60


def film(rng: np.random.Generator, *, opacity: bool) -> np.ndarray:
    """A bright patch on noise, in 8 bits."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    patch = 0.5 * np.exp(-(((x - 0.3) / 0.12) ** 2) - ((y - 0.6) / 0.12) ** 2) if opacity else 0
    grey = 0.2 + 0.3 * y + patch + rng.normal(0, 0.03, (SIDE, SIDE))
    return (np.clip(grey, 0, 1) * 255).astype(np.uint8)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Manifest of 60 adults' films, half of them with pneumonia; one file is missing, three rows have no label."""
    folder, rng = tmp_path_factory.mktemp("site"), np.random.default_rng(0)
    rows = []
    for number in range(PATIENTS):
        path = folder / f"{number:03d}.png"
        # Every sixth film looks like the other class: labels of real films overlap too.
        Image.fromarray(film(rng, opacity=(number < POSITIVE) != (number % 6 == 0))).save(path)
        rows.append((f"{number:03d}", str(path), f"patient-{number}", float(number < POSITIVE)))
    rows += [(f"unlabelled-{n}", str(folder / "000.png"), f"patient-{n}", np.nan) for n in range(3)]
    rows.append(("missing", str(folder / "missing.png"), "patient-x", 1.0))
    table = pd.DataFrame(rows, columns=["image_id", "path", "patient_id", "Pneumonia"])
    table = table.assign(source="our-hospital", age_years=60.0, sex="F", view="PA", study_id=table["image_id"])
    write_manifest(table, folder / "site.parquet")
    return folder / "site.parquet"


class Small(nn.Module):
    """A brightness detector with the shape of a classifier."""

    def __init__(self, *, outputs: int = 2, channels: int = 1, head: nn.Module | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(channels, 8, 7, stride=4, padding=3)
        self.fc = nn.Linear(8, outputs)
        self.head = head or nn.Identity()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        maps = torch.relu(self.conv(image))
        return self.head(self.fc(torch.flatten(nn.functional.adaptive_avg_pool2d(maps, 1), 1)))


def to_file(network: nn.Module, path: Path, *, channels: int = 1, size: int = 64, opset: int = 17) -> Path:
    """The network as an ONNX file by torch's older exporter, which most files at hand were written by."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        _export(network.eval(), path, channels=channels, size=size, opset=opset)
    return path


def _export(network: nn.Module, path: Path, *, channels: int, size: int, opset: int) -> None:
    torch.onnx.export(
        network,
        (torch.zeros(1, channels, size, size),),
        path,
        dynamo=False,
        opset_version=opset,
        input_names=["pixels"],
        output_names=["scores"],
        dynamic_axes={"pixels": {0: "n"}, "scores": {0: "n"}},
    )
