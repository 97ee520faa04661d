"""Kermany's paediatric chest radiographs: 5,856 AP films of children of 1 to 5 years, Guangzhou.

Citation: Kermany D. et al., Cell 172, 2018, p. 1122. Link: https://data.mendeley.com/datasets/rscbjbr9sj.
Licence: CC BY 4.0.
What it gets wrong: the official test is shifted against train; ages and sexes of the patients are not published;
patients are known by file name only, and numbers restart between the folders.
"""

import re
from pathlib import Path

import pandas as pd

from pneumoscope.core import ConfigError

SOURCE = "kermany"
# person1000_bacteria_2931.jpeg, person1_virus_6.jpeg; IM-0115-0001.jpeg, NORMAL2-IM-0501-0001.jpeg
_PATIENT = re.compile(r"(person\d+|(?:NORMAL2-)?IM-\d+)")


def read_kermany(root: Path) -> pd.DataFrame:
    """Manifest rows of the folder `chest_xray`, its official test marked; findings other than Pneumonia are absent.

    Raises:
        ConfigError: The folder has not the official layout, or a file's name gives no patient.
    """
    paths = sorted(path for path in root.glob("t*/*/*.jp*g") if path.parts[-3] in ("train", "test"))
    if not paths:
        raise ConfigError(f"expected {{train,test}}/{{NORMAL,PNEUMONIA}}/*.jpeg in {root}, found none")
    return pd.DataFrame([_row(path) for path in paths])


def _row(path: Path) -> dict[str, object]:
    folder, label = path.parts[-3:-1]
    patient = _PATIENT.match(path.name)
    if patient is None:
        raise ConfigError(f"expected a Kermany file name such as person1_virus_6.jpeg, found {path}")
    return {
        "image_id": f"{folder}/{label}/{path.name}",
        "path": str(path),
        "source": SOURCE,
        "patient_id": f"{SOURCE}:{folder}:{patient[1]}",
        "view": "AP",
        "split": "test" if folder == "test" else None,
        "Pneumonia": float(label == "PNEUMONIA"),
    }
