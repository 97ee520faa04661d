"""Who is in the training, validation and test images, by source: what the submission says of its databases."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pneumoscope.core import ConfigError, InputError

if TYPE_CHECKING:
    import pandas as pd

PARTS = ("train", "val", "test")
NONE_OTHER = "none of the others"

# Measured on the images: mean and deviation of an image's grey levels, 0 black to 1 white.
GREY = ("grey", "contrast")

_COLUMNS = ("source", "image_id", "patient_id", "age_years", "sex", "view", "Pneumonia", *GREY)
_NOT_FINDINGS = ("source", "split")
_UNKNOWN = "not recorded"


def describe(images: "pd.DataFrame", *, findings: tuple[str, ...]) -> dict[str, Any]:
    """Return counts, demographics, views, grey levels and co-occurrence by part of the split; a row is an image.

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


def describe_files(
    manifests: list[Path], training: Path, *, watch: Callable[[Iterable[str]], Iterable[str]] = iter
) -> dict[str, Any]:
    """`describe` for the images that a run's `split.csv` names, found in manifests; written to `databases.json`.

    Every image is read for its grey levels; `watch` sees the paths pass, for progress.

    Raises:
        ConfigError: A file is missing or cannot be read, or an image of the split is in no manifest or has no path.
        InputError: An image cannot be read, or is not grey.
    """
    import pandas as pd

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
    if absent := int(images["path"].isna().sum()):
        raise ConfigError(f"{split}: {absent} of {len(images)} images have no path in the manifests")
    return describe_rows(images, training, watch=watch)


def describe_rows(
    images: "pd.DataFrame", training: Path, *, watch: Callable[[Iterable[str]], Iterable[str]] = iter
) -> dict[str, Any]:
    """Measure each image's grey levels and write `describe` of all to `training / "databases.json"`.

    Raises:
        InputError: A column is missing, or an image cannot be read or is not grey.
    """
    from pneumoscope.datasets import FINDINGS

    images = images.copy()
    images[list(GREY)] = [_grey(path) for path in watch(images["path"])]
    described = describe(images, findings=tuple(FINDINGS))
    training.mkdir(parents=True, exist_ok=True)
    (training / "databases.json").write_text(
        json.dumps(described, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return described


def _grey(path: str) -> tuple[float, float]:
    """Mean and deviation of an image's grey levels."""
    from pneumoscope.intake import read_radiograph

    pixels = read_radiograph(path).pixels
    if pixels is None:
        raise InputError(f"{path}: expected one grey image, found a coloured one or several frames")
    return float(pixels.mean()), float(pixels.std())


def _part(rows: "pd.DataFrame") -> dict[str, Any]:
    labelled = rows["Pneumonia"].notna()
    positives = int((rows["Pneumonia"] == 1).sum())
    ages = rows["age_years"].dropna()
    read = rows["rsna_opacity"].notna() if "rsna_opacity" in rows else labelled & False
    return (
        ({} if not read.any() else {"read": int(read.sum()), "opacities": int((rows["rsna_opacity"] == 1).sum())})
        | {
            "images": len(rows),
            "patients": int(rows["patient_id"].nunique()),
            "most_of_a_patient": int(rows["patient_id"].value_counts().max()),
            "positives": positives,
            "negatives": int(labelled.sum()) - positives,
            "share": _share(positives, int(labelled.sum())),
            "age": _quartiles(ages, digits=0),
            "age_range": f"{ages.min():.0f} to {ages.max():.0f}" if len(ages) else _UNKNOWN,
            "female": _share(int((rows["sex"] == "F").sum()), int(rows["sex"].notna().sum())),
            "views": ", ".join(
                f"{view} {_share(int(count), len(rows))}"
                for view, count in rows["view"].value_counts().sort_index().items()
            )
            or _UNKNOWN,
        }
        | {
            f"{measure}_{side}": _quartiles(rows.loc[rows["Pneumonia"] == label, measure], digits=2)
            for measure in GREY
            for side, label in (("with", 1), ("without", 0))
        }
    )


def _quartiles(values: "pd.Series[float]", *, digits: int) -> str:
    if values.empty:
        return _UNKNOWN
    low, middle, high = values.quantile([0.25, 0.5, 0.75])
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _share(count: int, of: int) -> str:
    return f"{100 * count / of:.1f} %" if of else _UNKNOWN


def _co_occurrence(images: "pd.DataFrame", findings: tuple[str, ...]) -> dict[str, dict[str, dict[str, str]]]:
    """Images with each other finding, with pneumonia and without, by part; of sources that label the others at all."""
    others = [name for name in findings if name != "Pneumonia" and name in images]
    known = images[images[others].notna().all(axis=1)] if others else images.iloc[:0]
    table: dict[str, dict[str, dict[str, str]]] = {}
    for part in PARTS:
        table[part] = {}
        for side, label in (("with", 1), ("without", 0)):
            rows = known[(known["split"] == part) & (known["Pneumonia"] == label)]
            counts = {name: int((rows[name] == 1).sum()) for name in others}
            counts[NONE_OTHER] = int((rows[others] == 0).all(axis=1).sum()) if others else 0
            table[part][side] = {"all": f"{len(rows):,}"} | {
                name: f"{count:,} ({_share(count, len(rows))})" for name, count in counts.items()
            }
    return table
