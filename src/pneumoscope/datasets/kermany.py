"""Kermany's paediatric chest radiographs: 5,856 AP films of children of 1 to 5 years, Guangzhou.

Citation: Kermany D. et al., Cell 172, 2018, p. 1122. Link: https://data.mendeley.com/datasets/rscbjbr9sj.
Licence: CC BY 4.0.
What it gets wrong: `FACTS.gets_wrong`, below.
"""

import re
from pathlib import Path

import pandas as pd

from pneumoscope.core import ConfigError
from pneumoscope.datasets.facts import SourceFacts
from pneumoscope.datasets.folders import file_sizes
from pneumoscope.datasets.manifest import Imported

SOURCE = "kermany"
FACTS = SourceFacts(
    source=SOURCE,
    title="Kermany's chest X-rays of children (Chest X-Ray Images: Pneumonia)",
    citation=(
        "Kermany D., Goldbaum M., Cai W. et al.: Identifying medical diagnoses and treatable diseases by image-based "
        "deep learning. Cell 172, 2018, p. 1122"
    ),
    link="https://data.mendeley.com/datasets/rscbjbr9sj",
    licence="CC BY 4.0",
    motivation="To show that what a network learnt on retinal images carries over to another field.",
    collection=(
        "Frontal (AP) chest radiographs of children of 1 to 5 years, from the routine care of the Guangzhou Women and "
        "Children's Medical Center; unreadable scans were taken out."
    ),
    labelling="Graded by two physicians; the test set checked by a third.",
    gets_wrong=(
        "The official test is shifted against train: validation AUROC of .998 becomes .97 there.",
        "Ages and sexes of the patients are not published.",
        "Patients are known by file name only, and numbers restart between the folders.",
        "Normal and pneumonia films differ in size and side markers: both tell the class without a lung.",
        "Children: mixed with a set of adults, age and source become a shortcut.",
    ),
)
# person1000_bacteria_2931.jpeg, person1_virus_6.jpeg; IM-0115-0001.jpeg, NORMAL2-IM-0501-0001.jpeg
_PATIENT = re.compile(r"(person\d+|(?:NORMAL2-)?IM-\d+)")


def import_kermany(root: Path) -> Imported:
    """Every image below `chest_xray` (or below the folder that holds it), its official split and the germ.

    Findings other than Pneumonia are not labelled; NORMAL is Pneumonia 0 and `no_finding` 1.

    Raises:
        ConfigError: The folder has not the official layout, or a file's name gives no patient.
    """
    inside = root / "chest_xray"
    rows = read_kermany(inside if inside.is_dir() else root)
    rows["pneumonia_kind"] = rows["image_id"].str.extract(r"_(bacteria|virus)_", expand=False)
    rows["no_finding"] = 1 - rows["Pneumonia"]
    rows["folder"] = rows["official_split"] = rows["image_id"].str.split("/").str[0]
    sizes = file_sizes(rows["path"])
    classes = rows["image_id"].str.rsplit("/", n=1).str[0].value_counts(sort=False)
    counts = ", ".join(f"{count} in {folder}" for folder, count in classes.items())
    unreadable = rows.loc[sizes["file_width_px"].isna().to_numpy(), "path"]
    notes = [f"images: {counts}", "patients by file name; equal numbers in train and test are taken for two patients"]
    if len(unreadable):
        notes.append(f"{len(unreadable)} files are no readable image: {', '.join(unreadable.iloc[:5])}")
    return Imported(pd.concat([rows, sizes], axis=1), tuple(notes), unreadable=len(unreadable))


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
