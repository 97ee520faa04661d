"""The tiny data with all routes of NIH's images; radiologists read every adult, in both views."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def routed(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which adults lie in further folders too."""
    data = tmp_path_factory.mktemp("routed")
    shutil.copytree(tiny_data, data, dirs_exist_ok=True)
    nih, numbers = data / "nih", range(72)
    for route, part in (
        ("rsna-256", range(24)),
        ("radiography-224", range(20, 40)),
        ("boxes-256", range(2, 8)),
        ("lungs-only-224", range(30, 60)),
    ):
        (nih / route).mkdir()
        for number in part:
            shutil.copy(nih / "images-256" / f"{number:08d}_000.jpg", nih / route)
    opaque = [number % 2 == 1 and number < 60 for number in numbers]
    pd.DataFrame(
        {
            "Image Index": [f"{number:08d}_000.png" for number in numbers],
            "rsna_id": [f"rsna-{number}" for number in numbers],
            "rsna_class": ["Lung Opacity" if one else "Normal" for one in opaque],
        }
    ).to_csv(nih / "rsna_classes.csv", index=False)
    boxes = [(f"rsna-{n}", *((184, 512, 204, 204) if one else (np.nan,) * 4), int(one)) for n, one in enumerate(opaque)]
    pd.DataFrame(boxes, columns=["patientId", "x", "y", "width", "height", "Target"]).to_csv(
        data / "rsna" / "stage_2_train_labels.csv", index=False
    )
    return data
