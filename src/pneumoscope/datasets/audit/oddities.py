"""Images that are not like the others: unreadable, blank, coloured, of another size, inverted or turned."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from jaxtyping import Float32, Int

from pneumoscope.datasets.audit.finding import Finding, Severity, named
from pneumoscope.datasets.audit.scan import Scan

# A folder's films are of one size where this share has the most frequent one.
_USUAL_SHARE = 0.9
# A film is turned or inverted where it resembles the mean film better that way, by this much (correlation; ADR 9).
_BETTER_BY = 0.2
# The mean of fewer films than this is no mean film.
_FEWEST_FOR_A_MEAN = 50
_TURNS = ("upright", "turned by 90 degrees", "turned by 180 degrees", "turned by 270 degrees")


def oddity_findings(rows: pd.DataFrame, scan: Scan) -> Iterator[Finding]:
    """Unreadable images first, then blank ones, then what may be meant so."""
    table, ids = scan.table, rows["image_id"]
    problems = table["problem"].notna()
    if problems.any():
        said = [str(problem) for problem in table.loc[problems, "problem"]]
        yield _about(ids[problems], "unreadable images", Severity.ERROR, f"cannot be read: {'; '.join(said[:3])}")
    blank = table["blank"].astype(bool)
    if blank.any():
        yield _about(ids[blank], "blank images", Severity.ERROR, f"show nothing: {named(ids[blank])}")
    coloured = ~problems & ~table["mode"].isin(("L", "DICOM"))
    if coloured.any():
        modes = ", ".join(f"{count} {mode}" for mode, count in table.loc[coloured, "mode"].value_counts().items())
        yield _about(ids[coloured], "odd images", Severity.NOTE, f"are grey but stored otherwise ({modes})")
    yield from _other_sizes(rows, table[~problems])
    yield from _turned(ids, scan)


def _about(ids: "pd.Series[str]", check: str, severity: Severity, said: str) -> Finding:
    return Finding(
        check=check, severity=severity, message=f"{len(ids)} images {said}", count=len(ids), images=tuple(ids)
    )


def _other_sizes(rows: pd.DataFrame, table: pd.DataFrame) -> Iterator[Finding]:
    sizes = table["width_px"].astype(str) + " x " + table["height_px"].astype(str)
    folders = rows.loc[table.index, "path"].str.rsplit("/", n=1).str[0]
    for folder, of_folder in sizes.groupby(folders):
        usual = of_folder.value_counts()
        if 1 > usual.iloc[0] / len(of_folder) >= _USUAL_SHARE:
            odd = of_folder[of_folder != usual.index[0]]
            ids = rows.loc[odd.index, "image_id"]
            said = f"in {folder} are not {usual.index[0]} pixels as the others: {named(ids)}"
            yield _about(ids, "odd images", Severity.WARNING, said)


def _turned(ids: "pd.Series[str]", scan: Scan) -> Iterator[Finding]:
    readable = (scan.table["problem"].isna()).to_numpy()
    films = ids[readable].reset_index(drop=True)
    if len(films) < _FEWEST_FOR_A_MEAN:
        yield Finding(
            check="orientation",
            severity=Severity.NOTE,
            message=f"not judged: {len(films)} images are fewer than the {_FEWEST_FOR_A_MEAN} that a mean film needs",
            count=0,
        )
        return
    pose = poses(scan.thumbnails)
    pose = np.minimum(pose, 5)
    for value in np.unique(pose[pose != 0]):
        which = films[pose == value]
        said = f"look {_pose(int(value))}: {named(which)}"
        yield _about(which, "orientation", Severity.WARNING, said)


def _pose(value: int) -> str:
    if value < 4:
        return _TURNS[value]
    return "inverted" if value == 4 else "unlike the others (broad white borders, or turned and inverted)"


def poses(thumbnails: Float32[np.ndarray, "n a a"]) -> Int[np.ndarray, " n"]:
    """Quarter turns (0 to 3) that bring each image nearest to the mean one, plus 4 where inverted; 0 where unsure."""
    unit = _unit(thumbnails)
    mean = np.median(unit, axis=0)
    mean = (mean - mean.mean()) / np.linalg.norm(mean - mean.mean())
    turned = np.stack([(unit * np.rot90(mean, turns)).sum(axis=(1, 2)) for turns in range(4)])
    alike = np.concatenate([turned, -turned])
    best = alike.argmax(axis=0)
    sure = alike.max(axis=0) - alike[0] >= _BETTER_BY
    pose: Int[np.ndarray, " n"] = np.where(sure, best, 0)
    return pose


def _unit(thumbnails: Float32[np.ndarray, "n a a"]) -> Float32[np.ndarray, "n a a"]:
    centred = thumbnails - thumbnails.mean(axis=(1, 2), keepdims=True)
    length = np.sqrt((centred**2).sum(axis=(1, 2), keepdims=True))
    unit: Float32[np.ndarray, "n a a"] = centred / np.maximum(length, 1e-6)
    return unit
