"""NIH's two label releases: which are at hand, and their text as columns of findings."""

from enum import StrEnum
from pathlib import Path

import pandas as pd

from pneumoscope.datasets.columns import FINDINGS
from pneumoscope.datasets.tables import read_table, refuse, refuse_repeated

_NOTHING = "No Finding"


class LabelRelease(StrEnum):
    """Release of NIH's labels: the paper's of 2017, or v2020, which adds 78 Pneumonia to the official test."""

    FIRST = "2017"
    SECOND = "2020"


def releases(root: Path, raw: pd.DataFrame, place: Path) -> dict[LabelRelease, "pd.Series[str]"]:
    """Return label text by release, in the table's order, the table's own first; releases not at hand are absent.

    Raises:
        InputError: `labels_2017.csv` is not such a table, or lacks images of it.
    """
    own = LabelRelease.SECOND if "v2020" in place.name else LabelRelease.FIRST
    texts = {own: raw["Finding Labels"]}
    other = root / "labels_2017.csv"
    if own is LabelRelease.SECOND and other.is_file():
        first = read_table(other, needs=("Image Index", "Finding Labels"))
        refuse_repeated(other, "Image Index", first["Image Index"])
        text = first.set_index("Image Index")["Finding Labels"].reindex(raw["Image Index"]).set_axis(raw.index)
        refuse(place, "Image Index", raw["Image Index"][text.isna()], expected=f"images that {other.name} lists")
        texts[LabelRelease.FIRST] = text
    return texts


def findings_of(text: "pd.Series[str]", place: Path) -> pd.DataFrame:
    """Return the 14 findings and `no_finding`, 1.0 or 0.0; each distinct text, as `Edema|Effusion`, is parsed once.

    Raises:
        InputError: A label is none of NIH's 15, or missing.
    """
    refuse(place, "Finding Labels", text[text.isna()], expected="labels")
    codes, distinct = pd.factorize(text)
    columns = pd.Series(distinct).str.get_dummies("|")
    columns.columns = columns.columns.str.strip()
    unknown = [name for name in columns.columns if name not in (*FINDINGS, _NOTHING)]
    if unknown:
        rows = text[columns[unknown].any(axis=1).to_numpy()[codes]]
        refuse(place, "Finding Labels", rows, expected=f"labels among {', '.join((*FINDINGS, _NOTHING))}")
    columns = columns.reindex(columns=[*FINDINGS, _NOTHING], fill_value=0).astype("float64")
    return columns.rename(columns={_NOTHING: "no_finding"}).iloc[codes].set_axis(text.index)
