"""Who is in the training, validation and test images, by source: what the submission says of its databases."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pneumoscope.core import ConfigError, InputError

if TYPE_CHECKING:
    import pandas as pd

PARTS = ("train", "val", "test")
NONE_OTHER = "none of the others"

_COLUMNS = ("source", "image_id", "patient_id", "age_years", "sex", "view", "Pneumonia")
_NOT_FINDINGS = ("source", "split")


def describe(images: "pd.DataFrame", *, findings: tuple[str, ...]) -> dict[str, Any]:
    """Counts, demographics, views and co-occurrence of a table with a row an image; `split` says which part.

    Ages are of images, not patients; where nothing is known it says "not recorded".

    Raises:
        InputError: A column is missing.
    """
    if missing := [name for name in (*_COLUMNS, "split") if name not in images]:
        raise InputError(f"expected columns {', '.join(_COLUMNS)} and split, found no {', '.join(missing)}")
    return {
        "sources": {
            str(source): {part: _part(rows[rows["split"] == part]) for part in PARTS if (rows["split"] == part).any()}
            for source, rows in images.groupby("source")
        },
        "co_occurrence": _co_occurrence(images, findings),
    }


def describe_files(manifests: list[Path], training: Path) -> dict[str, Any]:
    """`describe` for the images that a run's `split.csv` names, found in manifests; written to `databases.json`.

    Raises:
        ConfigError: A file is missing or cannot be read, or an image of the split is in no manifest.
    """
    import pandas as pd

    from pneumoscope.datasets import FINDINGS

    split = next(iter(sorted(training.rglob("split.csv"))), None)
    if split is None:
        raise ConfigError(f"expected the run's split.csv in {training}, found none")
    try:
        parts = pd.read_csv(split, dtype={"image_id": str})
        found = pd.concat([pd.read_parquet(path) for path in manifests], ignore_index=True)
    except (OSError, ValueError) as error:
        raise ConfigError(f"expected a split (CSV) and manifests (Parquet), found {error}") from error
    found = found.drop(columns=[name for name in _NOT_FINDINGS if name in found]).drop_duplicates("image_id")
    images = parts.merge(found, on="image_id", how="left", validate="many_to_one", indicator=True)
    if absent := int((images["_merge"] != "both").sum()):
        raise ConfigError(f"{split}: {absent} of {len(images)} images are in none of the manifests")
    described = describe(images, findings=tuple(FINDINGS))
    (training / "databases.json").write_text(
        json.dumps(described, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return described


def _part(rows: "pd.DataFrame") -> dict[str, Any]:
    labelled = rows["Pneumonia"].notna()
    positives = int((rows["Pneumonia"] == 1).sum())
    return {
        "images": len(rows),
        "patients": int(rows["patient_id"].nunique()),
        "positives": positives,
        "negatives": int(labelled.sum()) - positives,
        "share": _share(positives, int(labelled.sum())),
        "age": _ages(rows["age_years"].dropna()),
        "female": _share(int((rows["sex"] == "F").sum()), int(rows["sex"].notna().sum())),
        "views": ", ".join(
            f"{view} {_share(int(count), len(rows))}"
            for view, count in rows["view"].value_counts().sort_index().items()
        )
        or "not recorded",
    }


def _ages(ages: "pd.Series[float]") -> str:
    if ages.empty:
        return "not recorded"
    low, middle, high = ages.quantile([0.25, 0.5, 0.75])
    return f"{middle:.0f} ({low:.0f} to {high:.0f})"


def _share(count: int, of: int) -> str:
    return f"{100 * count / of:.1f} %" if of else "not recorded"


def _co_occurrence(images: "pd.DataFrame", findings: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """Images with pneumonia and each other finding, by part; of the sources that label the others at all."""
    others = [name for name in findings if name != "Pneumonia" and name in images]
    known = images[(images["Pneumonia"] == 1) & images[others].notna().all(axis=1)] if others else images.iloc[:0]
    table = {}
    for part in PARTS:
        rows = known[known["split"] == part]
        counts = {name: int((rows[name] == 1).sum()) for name in others}
        counts[NONE_OTHER] = int((rows[others] == 0).all(axis=1).sum()) if others else 0
        table[part] = {name: f"{count:,} of {len(rows):,}" for name, count in counts.items()}
    return table
