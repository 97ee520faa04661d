"""Any CSV table of images as a manifest, by a mapping of its columns (docs/how-to/import-a-csv.md)."""

from pathlib import Path
from typing import Any

import pandas as pd

from pneumoscope.datasets.columns import BY_NAME, Column, Kind
from pneumoscope.datasets.folders import Prefer, find_files
from pneumoscope.datasets.manifest import Imported, allowed
from pneumoscope.datasets.mapping import LABELS, ColumnMapping
from pneumoscope.datasets.tables import numbers, read_table, refuse, refuse_repeated


def import_csv(place: Path, mapping: ColumnMapping, *, prefer: Prefer = Prefer.HIGHEST) -> Imported:
    """Return a row for each of the table's, columns and labels by the mapping.

    Raises:
        ConfigError: The table is absent, or an image folder is or holds none of its images.
        InputError: A mapped column is missing, an image is named twice, or a value is not allowed; names the line.
    """
    labels = [] if mapping.labels_column is None else [mapping.labels_column]
    raw = read_table(place, needs=(*dict.fromkeys(mapping.columns.values()), *labels))
    columns = {ours: _values(raw, ours, mapping, place) for ours in mapping.columns}
    refuse_repeated(place, mapping.columns["image_id"], columns["image_id"])
    patients = columns["patient_id"]
    refuse(place, mapping.columns["patient_id"], patients[patients.isna()], expected="a patient")
    columns |= {"source": mapping.source, "patient_id": mapping.source + ":" + patients}
    rows = pd.DataFrame(columns, index=raw.index)
    notes = [f"table {place.name}", *_unused(raw, mapping)]
    if mapping.labels_column is not None:
        rows = rows.join(_labels(raw[mapping.labels_column], mapping, place))
    unreadable = 0
    if mapping.folders:
        folders = [place.parent / folder for folder in mapping.folders]
        ids = rows["image_id"]
        found = find_files(folders, ids, root=place.parent, suffix=mapping.suffix, prefer=prefer)
        files = found.files.set_index("image_id").reindex(ids).set_axis(rows.index)
        rows = rows.join(files)
        at_hand = int(files["path"].notna().sum())
        unreadable = found.unreadable
        notes += [f"{at_hand} of {len(rows)} images found, {len(rows) - at_hand} missing", *found.notes]
    return Imported(rows, tuple(notes), unreadable=unreadable)


def _values(raw: pd.DataFrame, ours: str, mapping: ColumnMapping, place: Path) -> "pd.Series[Any]":
    """Return one column in our words, checked against what it may hold."""
    theirs = mapping.columns[ours]
    words = {their: str(our) for their, our in mapping.values.get(ours, {}).items()}
    text = raw[theirs].str.strip().replace(words).replace("", None)
    column = BY_NAME.get(ours)
    if column is None:
        return text
    values = text if column.kind is Kind.TEXT else numbers(raw.assign(**{theirs: text}), theirs, path=place)
    refuse(place, theirs, raw.loc[~_allowed(values, column), theirs], expected=f"{ours}, {allowed(column)}")
    return values


def _allowed(values: "pd.Series[Any]", column: Column) -> "pd.Series[bool]":
    good = pd.Series(True, index=values.index)
    if column.among:
        good &= values.isin(column.among)
    if column.kind is Kind.FLAG:
        good &= values.isin((0, 1))
    if column.kind is Kind.WHOLE:
        good &= values % 1 == 0
    if column.least is not None:
        good &= values >= column.least
    if column.most is not None:
        good &= values <= column.most
    return good | values.isna()


def _labels(text: "pd.Series[str]", mapping: ColumnMapping, place: Path) -> pd.DataFrame:
    """Return a column for each finding that the mapping names; 0 where the row has labels and not this one."""
    sets = text.map(lambda labels: {one.strip() for one in labels.split(mapping.separator)}, na_action="ignore")
    known = set(mapping.labels)
    unknown = sets.map(lambda found: bool(found - known), na_action="ignore").fillna(value=False).astype(bool)
    refuse(place, str(text.name), text[unknown], expected=f"labels among {', '.join(sorted(known))}")
    columns = {}
    for name in LABELS:
        theirs = {their for their, ours in mapping.labels.items() if ours == name}
        if theirs:
            columns[name] = sets.map(lambda found, theirs=theirs: float(bool(found & theirs)), na_action="ignore")
    return pd.DataFrame(columns, index=text.index).astype("float64")


def _unused(raw: pd.DataFrame, mapping: ColumnMapping) -> list[str]:
    unused = [name for name in raw.columns if name not in {*mapping.columns.values(), mapping.labels_column}]
    return [f"not used: columns not mapped: {', '.join(unused)}"] if unused else []
