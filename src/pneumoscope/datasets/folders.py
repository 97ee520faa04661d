"""Image folders of a source: which file stands for which image, at what size, and what is left over."""

import struct
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pandas as pd
from PIL import Image

from pneumoscope.core import ConfigError

SUFFIXES = (".png", ".jpg", ".jpeg")
_MOST_NAMED = 5


class Prefer(StrEnum):
    """Which file is taken where several folders hold the same image."""

    HIGHEST = "highest"
    LISTED = "listed"


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Files by image: a row an image id with `path`, `folder` and the file's size; and a sentence for each oddity."""

    files: pd.DataFrame
    notes: tuple[str, ...]
    unreadable: int


def find_files(
    folders: Sequence[Path], known: "pd.Series[str]", *, root: Path, suffix: str, prefer: Prefer = Prefer.HIGHEST
) -> Found:
    """Return the image files in `folders` (not below them) that `known` lists, one an image.

    Image ids are file names with `suffix`, whatever the file's own. Of several files of one image the one with
    most pixels is used (`highest`; the folder listed first where they are equal) or the one in the folder listed
    first (`listed`).

    Raises:
        ConfigError: A folder is absent, or none of the files is in the table.
    """
    rows = [row for place, folder in enumerate(folders) for row in _list(folder, place, root, suffix)]
    files = pd.DataFrame(rows, columns=["image_id", "path", "folder", "place"])
    listed = files["image_id"].map(set(known).__contains__).astype(bool)
    strangers, named = files.loc[~listed, "path"], files.loc[~listed, "image_id"]
    files = files[listed]
    if files.empty:
        raise ConfigError(
            f"expected images that the table lists (such as {known.iloc[0]}) in {', '.join(map(str, folders))}, "
            f"found none among {len(strangers)} image files"
            + (f" (such as {first}; suffix: {suffix or 'none'})" if (first := next(iter(named), None)) else "")
        )
    left_over = [path for folder in folders for path in sorted(folder.iterdir()) if _is_left_over(path)]
    return _one_each(files.join(file_sizes(files["path"])), strangers, left_over, prefer)


def _is_left_over(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() not in SUFFIXES and not path.name.startswith(".")


def file_sizes(paths: "pd.Series[str]") -> pd.DataFrame:
    """Return `file_width_px` and `file_height_px` by the files' headers; NaN where a file is no image."""
    with ThreadPoolExecutor(8) as pool:
        sizes = list(pool.map(_size, paths))
    return pd.DataFrame(sizes, columns=["file_width_px", "file_height_px"], index=paths.index)


def not_used(paths: Sequence[Path]) -> str:
    """Return the sentence for files that are there and not taken: how many of each suffix, and the first few."""
    suffixes = Counter(path.suffix or "no suffix" for path in paths)
    kinds = ", ".join(f"{count} {suffix}" for suffix, count in sorted(suffixes.items()))
    return f"not used: {len(paths)} files ({kinds}), such as {', '.join(str(path) for path in paths[:_MOST_NAMED])}"


def _list(folder: Path, place: int, root: Path, suffix: str) -> list[tuple[str, str, str, int]]:
    if not folder.is_dir():
        raise ConfigError(f"expected an image folder at {folder}, found none")
    # Nothing of the machine goes into the manifest but `path`.
    name = folder.relative_to(root).as_posix() if folder.is_relative_to(root) else folder.name
    return [
        (f"{path.stem}{suffix}", str(path), name, place)
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in SUFFIXES
    ]


def _one_each(files: pd.DataFrame, strangers: "pd.Series[str]", left_over: Sequence[Path], prefer: Prefer) -> Found:
    pixels = files["file_width_px"].fillna(0) * files["file_height_px"].fillna(0)
    order = ["place"] if prefer is Prefer.LISTED else ["pixels", "place"]
    ranked = files.assign(pixels=-pixels).sort_values(["image_id", *order], kind="stable")
    repeated = ranked.duplicated("image_id", keep=False)
    used = ranked.drop_duplicates("image_id")
    used_of = used["folder"].value_counts()
    notes = [
        f"{folder}: {count} images, {used_of.get(folder, 0)} of them used"
        for folder, count in files["folder"].value_counts(sort=False).items()
    ]
    if repeated.any():
        chosen = used.loc[used["image_id"].isin(ranked.loc[repeated, "image_id"]), "folder"].value_counts()
        rule = "the file with most pixels" if prefer is Prefer.HIGHEST else "the folder listed first"
        notes.append(
            f"{chosen.sum()} images lie in more than one folder; used {rule}: "
            + ", ".join(f"{count} from {folder}" for folder, count in chosen.items())
        )
    unreadable = used.loc[used["file_width_px"].isna(), "path"]
    if len(unreadable):
        notes.append(f"{len(unreadable)} files are no readable image: {_named(unreadable)}")
    if len(left_over):
        notes.append(not_used(left_over))
    if len(strangers):
        notes.append(f"{len(strangers)} image files are not in the table: {_named(strangers)}")
    columns = ["image_id", "path", "folder", "file_width_px", "file_height_px"]
    return Found(used[columns].reset_index(drop=True), tuple(notes), len(unreadable))


def _named(paths: "pd.Series[str]") -> str:
    more = f" and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else ""
    return ", ".join(paths.iloc[:_MOST_NAMED]) + more


def _size(path: str) -> tuple[float, float]:
    """Return width and height in pixels by the file's header; NaN where it has none.

    Source: PNG specification (W3C, third edition), section 11.2.1: IHDR comes first, width and height in front.
    """
    with Path(path).open("rb") as file:
        head = file.read(24)
    if head[:8] == b"\x89PNG\r\n\x1a\n" and len(head) == 24:
        width, height = struct.unpack(">II", head[16:])
        return float(width), float(height)
    try:
        with Image.open(path) as picture:
            return float(picture.width), float(picture.height)
    except (OSError, ValueError, SyntaxError):
        return float("nan"), float("nan")
