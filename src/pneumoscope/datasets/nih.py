"""NIH ChestX-ray14: 112,120 frontal radiographs of 30,805 patients; labels text-mined from reports.

Citation: Wang X. et al., ChestX-ray8, CVPR 2017, p. 2097. Link: https://nihcc.app.box.com/v/ChestXray-NIHCC.
Licence: free use; acknowledge the NIH Clinical Center as the provider.
What it gets wrong: labels come from reports by text mining. Of 804 images labelled Pneumonia that RSNA's
radiologists read, 365 show lung opacity, 310 are otherwise abnormal and 129 are normal. RSNA's radiologists'
classes (Shih et al., Radiology: AI 2019, e180041) are joined as columns of their own.
"""

from pathlib import Path

import pandas as pd

from pneumoscope.core import ConfigError
from pneumoscope.datasets.manifest import FINDINGS, RSNA_CLASSES

SOURCE = "nih"
_TABLE = "Data_Entry_2017_v2020.csv"


def read_nih(root: Path, images: Path) -> pd.DataFrame:
    """Manifest rows of the NIH images found in one folder (PNG or JPEG, named by NIH image index).

    `split` is "test" for the official test list and null otherwise; RSNA columns are NaN where not read.

    Raises:
        ConfigError: The table is missing under `root`, or the folder holds none of its images.
    """
    if not (root / _TABLE).is_file():
        raise ConfigError(f"expected the NIH table {_TABLE} in {root}, found none")
    table = pd.read_csv(root / _TABLE).set_index("Image Index")
    found = pd.Series({f"{path.stem}.png": str(path) for path in sorted(images.glob("*.[pj][np]*g"))}, dtype=object)
    found = found[found.index.isin(table.index)]
    if found.empty:
        raise ConfigError(f"expected images named by NIH index in {images}, found none that {_TABLE} lists")
    table = table.loc[found.index]
    official_test = set((root / "test_list.txt").read_text().split())
    labels = table["Finding Labels"].str.get_dummies("|")
    rows = pd.DataFrame(
        {
            "image_id": found.index,
            "path": found.to_numpy(),
            "source": SOURCE,
            "patient_id": [f"{SOURCE}:{patient}" for patient in table["Patient ID"]],
            "follow_up": table["Follow-up #"].to_numpy(),
            "age_years": table["Patient Age"].to_numpy(dtype=float),
            "sex": table["Patient Gender"].to_numpy(),
            "view": table["View Position"].to_numpy(),
            "split": ["test" if image in official_test else None for image in found.index],
        }
    )
    findings = labels.reindex(columns=FINDINGS, fill_value=0).astype(float).reset_index(drop=True)
    return pd.concat([rows, findings, _rsna_columns(root, found.index)], axis=1)


def read_nih_labels(root: Path) -> pd.DataFrame:
    """Findings and RSNA classes of all 112,120 images, no image needed; columns as in the manifest."""
    table = pd.read_csv(root / _TABLE)
    findings = table["Finding Labels"].str.get_dummies("|").reindex(columns=FINDINGS, fill_value=0).astype(float)
    patients = pd.Series([f"{SOURCE}:{patient}" for patient in table["Patient ID"]], name="patient_id")
    return pd.concat([patients, findings, _rsna_columns(root, table["Image Index"])], axis=1)


def _rsna_columns(root: Path, image_ids: pd.Index | pd.Series) -> pd.DataFrame:
    classes = pd.read_csv(root / "rsna_classes.csv").set_index("Image Index")["rsna_class"].reindex(image_ids)
    return pd.DataFrame(
        {
            column: (classes == name).astype(float).where(classes.notna()).to_numpy()
            for name, column in RSNA_CLASSES.items()
        }
    )
