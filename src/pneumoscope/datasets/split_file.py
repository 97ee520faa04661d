"""A split as a file that can be published: image ids and sides, with how they were made and a hash."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pneumoscope.core import ConfigError, InputError, atomic_path

_COLUMNS = ("source", "image_id", "split", "fold")


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Sides by image and how they came to be.

    Attributes:
        rows: `source, image_id` and `split` (train, val, test) or `fold` (0 to k - 1); images on no side are absent.
        made: Method, seed, shares and the manifest's hash.
    """

    rows: pd.DataFrame
    made: dict[str, Any]

    @property
    def sha256(self) -> str:
        """SHA-256 of the rows as CSV, in order of source and image."""
        return hashlib.sha256(_body(self.rows).encode()).hexdigest()


def split_of(manifest: pd.DataFrame, sides: "pd.Series[Any]", made: dict[str, Any]) -> Split:
    """Return the split that puts each row of the manifest on its side; rows whose side is null are left out."""
    name = "split" if pd.api.types.is_string_dtype(sides.dtype) else "fold"
    kept = sides.notna()
    rows = manifest.loc[kept, ["source", "image_id"]].assign(**{name: sides[kept]})
    if name == "fold":
        rows["fold"] = rows["fold"].astype("int64")
    return Split(rows.sort_values(["source", "image_id"]).reset_index(drop=True), made)


def write_split(split: Split, target: Path) -> None:
    """Write the split as CSV after one line `# {"sha256": ..., "method": ..., ...}`.

    Raises:
        ConfigError: The place cannot be written.
    """
    with atomic_path(target) as place:
        place.write_text(f"# {json.dumps({'sha256': split.sha256, **split.made})}\n{_body(split.rows)}")


def read_split(path: Path) -> Split:
    """Return the split in a file, verified by its hash.

    Raises:
        ConfigError: The file is absent or no split.
        InputError: The rows are not those that the hash was made of.
    """
    try:
        head, _, body = path.read_text(encoding="utf-8").partition("\n")
        made = json.loads(head.removeprefix("# "))
        rows = pd.read_csv(path, comment="#", dtype={"source": "str", "image_id": "str"})
        stated = made.pop("sha256")
    except OSError as error:
        raise ConfigError(f"expected a split at {path}, found {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigError(f'{path}: expected a split, starting with # {{"sha256": ...}}, found another file') from None
    if set(rows.columns) not in ({*_COLUMNS[:2], "split"}, {*_COLUMNS[:2], "fold"}):
        raise ConfigError(f"{path}: expected columns source, image_id and split or fold, found {', '.join(rows)}")
    found = hashlib.sha256(body.encode()).hexdigest()
    if found != stated:
        raise InputError(f"{path}: expected rows of hash {stated}, found {found}: edited since it was written")
    return Split(rows, made)


def apply_split(manifest: pd.DataFrame, split: Split, *, fold: int | None = None) -> tuple[pd.DataFrame, list[str]]:
    """Return the manifest with `split` by the file, and a sentence for what did not match.

    Of folds, `fold` becomes val and the others train; an official test stays test. Rows that the file does not
    list have no side.

    Raises:
        ConfigError: Folds without a number, or a number without folds.
    """
    if ("fold" in split.rows) != (fold is not None):
        raise ConfigError("split: expected a fold's number with a file of folds, and none with another")
    keys = pd.MultiIndex.from_frame(manifest[["source", "image_id"]])
    listed = split.rows.set_index(["source", "image_id"])
    if fold is None:
        side = listed["split"].reindex(keys)
    else:
        folds = sorted(listed["fold"].unique())
        if fold not in folds:
            raise ConfigError(f"fold: expected one of {', '.join(map(str, folds))}, got {fold}")
        side = (listed["fold"] == fold).map({True: "val", False: "train"}).reindex(keys)
    side = side.set_axis(manifest.index)
    if fold is not None:
        side = side.fillna(manifest["split"].where(manifest["split"] == "test"))
    absent = len(listed) - int(listed.index.isin(keys).sum())
    notes = [f"{absent} images of the split are not in the manifest"] if absent else []
    if side.isna().any():
        notes.append(f"{side.isna().sum()} images of the manifest are on no side")
    return manifest.assign(split=side), notes


def _body(rows: pd.DataFrame) -> str:
    text: str = rows.to_csv(index=False, lineterminator="\n")
    return text
