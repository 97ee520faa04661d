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
from pneumoscope.datasets.folders import SUFFIXES, file_sizes, not_used
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
_PATIENT = re.compile(r"(person\d+|(?:NORMAL2-)?IM-\d+)", re.IGNORECASE)
_SPLITS = ("train", "val", "test")
_CLASSES = {"normal": "NORMAL"} | dict.fromkeys(("pneumonia", "bacteria", "virus"), "PNEUMONIA")


def import_kermany(root: Path) -> Imported:
    """Return every image below `chest_xray` (or below the folder that holds it), its official split and the germ.

    Class and split are told by the folders' names, in any case; `val` is the part of train that Kaggle's copy sets
    apart. Findings other than Pneumonia are not labelled; NORMAL is Pneumonia 0 and `no_finding` 1.

    Raises:
        ConfigError: The folder has not the official layout, a folder's name is not known, or a file's name gives no
            patient.
    """
    rows, left_over = _read(_inside(root))
    rows["pneumonia_kind"] = rows["image_id"].str.extract(r"(?i)_(bacteria|virus)_", expand=False).str.lower()
    rows["no_finding"] = 1 - rows["Pneumonia"]
    rows["folder"] = rows["image_id"].str.split("/").str[0]
    rows["official_split"] = rows["folder"].map({"train": "train", "val": "train", "test": "test"})
    sizes = file_sizes(rows["path"])
    classes = rows["image_id"].str.rsplit("/", n=1).str[0].value_counts(sort=False)
    counts = ", ".join(f"{count} in {folder}" for folder, count in classes.items())
    unreadable = rows.loc[sizes["file_width_px"].isna().to_numpy(), "path"]
    notes = [f"images: {counts}", "patients by file name; equal numbers in train and test are taken for two patients"]
    if rows["Pneumonia"].nunique() == 1:
        only = "PNEUMONIA" if rows["Pneumonia"].iloc[0] else "NORMAL"
        notes.append(f"one class only: every image is {only}; nothing can be learnt or measured of the other")
    if left_over:
        notes.append(not_used(left_over))
    if len(unreadable):
        notes.append(f"{len(unreadable)} files are no readable image: {', '.join(unreadable.iloc[:5])}")
    return Imported(pd.concat([rows, sizes], axis=1), tuple(notes), unreadable=len(unreadable))


def read_kermany(root: Path) -> pd.DataFrame:
    """Return manifest rows of the folder `chest_xray`, its official test marked; only Pneumonia is labelled.

    Raises:
        ConfigError: As `import_kermany`.
    """
    return _read(root)[0]


def _inside(root: Path) -> Path:
    """Return the folder with the splits: `root`, or `chest_xray` in it, which Kaggle's archive has twice."""
    for _ in range(2):
        root = next((one for one in _folders(root) if one.name.lower() == "chest_xray"), root)
    return root


def _read(root: Path) -> tuple[pd.DataFrame, list[Path]]:
    """Return the rows, and the files that are no images or lie where no image belongs."""
    rows: list[dict[str, object]] = []
    left_over: list[Path] = []
    for split in _folders(root):
        if split.name.lower() not in _SPLITS:
            inside = [path for path in sorted(split.rglob("*")) if path.is_file() and not _is_hidden(path)]
            if any(map(_is_image, inside)):
                raise ConfigError(f"{root}: expected folders {', '.join(_SPLITS)} (in any case), found {split.name}")
            left_over += inside
            continue
        for folder in _folders(split):
            if folder.name.lower() not in _CLASSES:
                expected = "NORMAL or PNEUMONIA"
                raise ConfigError(f"{split}: expected folders {expected} (in any case), found {folder.name}")
            files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not _is_hidden(path)]
            rows += [_row(path, split.name.lower(), folder.name.lower()) for path in files if _is_image(path)]
            left_over += [path for path in files if not _is_image(path)]
        left_over += [path for path in sorted(split.iterdir()) if path.is_file() and not _is_hidden(path)]
    if not rows:
        raise ConfigError(f"expected {{train,val,test}}/{{NORMAL,PNEUMONIA}}/*.jpeg in {root}, found none")
    return pd.DataFrame(rows), left_over


def _folders(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    return [path for path in sorted(root.iterdir()) if path.is_dir() and not path.name.startswith((".", "__"))]


def _is_hidden(path: Path) -> bool:
    return path.name.startswith(".")


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _row(path: Path, split: str, label: str) -> dict[str, object]:
    patient = _PATIENT.match(path.name)
    if patient is None:
        raise ConfigError(f"expected a Kermany file name such as person1_virus_6.jpeg, found {path}")
    return {
        "image_id": f"{split}/{_CLASSES[label]}/{path.name}",
        "path": str(path),
        "source": SOURCE,
        "patient_id": f"{SOURCE}:{'train' if split == 'val' else split}:{patient[1]}",
        "view": "AP",
        "split": "test" if split == "test" else None,
        "Pneumonia": float(_CLASSES[label] == "PNEUMONIA"),
    }
