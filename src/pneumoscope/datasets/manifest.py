"""The manifest: one table for every source, a row an image; checked, hashed, one Parquet file."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pneumoscope.core import ConfigError, InputError, atomic_path
from pneumoscope.datasets.columns import BY_NAME, COLUMNS, CORE, FINDINGS, LABELS, OWN_PREFIX, Column, Kind

_FORMAT = "1"
_KEY = b"pneumoscope"
_MOST_NAMED = 5  # rows that a message names


@dataclass(frozen=True, slots=True)
class Imported:
    """What an importer found.

    Attributes:
        manifest: A row an image.
        notes: A sentence for whatever was missing, ambiguous or mended.
        unreadable: Files that were there and could not be read.
    """

    manifest: pd.DataFrame
    notes: tuple[str, ...] = ()
    unreadable: int = 0


def arrange(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the manifest's columns in order, then the known extras that it has, then its own `x_` ones.

    Text columns are `str`, numbers `float64` (NaN where null), so that equal content has one hash.

    Raises:
        InputError: A column is unknown, or holds what its kind cannot.
    """
    unknown = [name for name in table.columns if name not in BY_NAME and not str(name).startswith(OWN_PREFIX)]
    if unknown:
        raise InputError(
            f"manifest: expected the columns of docs/reference/manifest.md or names that start with {OWN_PREFIX}, "
            f"found {', '.join(map(repr, unknown))}"
        )
    always = {column.name for column in (*CORE, *LABELS)}
    parts = {column.name: _typed(table, column) for column in COLUMNS if column.name in {*always, *table.columns}}
    own = {name: table[name] for name in sorted(set(table.columns) - set(parts))}
    return pd.DataFrame({**parts, **own}, index=table.index).reset_index(drop=True)


def _typed(table: pd.DataFrame, column: Column) -> "pd.Series[Any]":
    wanted = "str" if column.kind is Kind.TEXT else "float64"
    if column.name not in table.columns:
        return pd.Series(np.nan, index=table.index, dtype=wanted)
    values = table[column.name]
    if column.kind is Kind.TEXT:
        return values.astype("str") if values.notna().any() else pd.Series(np.nan, index=table.index, dtype="str")
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    wrong = numbers.isna() & values.notna()
    if wrong.any():
        raise InputError(f"manifest: {_where(values[wrong], column, expected='a number')}")
    return numbers


def check(manifest: pd.DataFrame) -> pd.DataFrame:
    """Return the arranged table, every value as the schema says.

    Raises:
        InputError: It is empty, or a value is not allowed; names the column and the first rows.
    """
    import pandera.pandas as pandera

    table = arrange(manifest)
    if table.empty:
        raise InputError("manifest: expected at least one image, found an empty table")
    try:
        _schema(table.columns).validate(table, lazy=True)
    except pandera.errors.SchemaErrors as error:
        raise InputError(f"manifest: {_explained(error.failure_cases, table)}") from None
    return table


def _schema(names: Iterable[str]) -> Any:
    import pandera.pandas as pandera

    return pandera.DataFrameSchema(
        {name: _pandera_column(BY_NAME[name]) for name in names if name in BY_NAME},
        unique=["source", "image_id"],
        ordered=True,
    )


def _pandera_column(column: Column) -> Any:
    import pandera.pandas as pandera

    checks = []
    if column.among:
        checks.append(pandera.Check.isin(column.among))
    if column.kind is Kind.FLAG:
        checks.append(pandera.Check.isin((0.0, 1.0)))
    if column.kind is Kind.WHOLE:
        checks.append(pandera.Check(lambda values: values % 1 == 0, name="whole"))
    if column.least is not None:
        checks.append(pandera.Check.ge(column.least))
    if column.most is not None:
        checks.append(pandera.Check.le(column.most))
    dtype = "str" if column.kind is Kind.TEXT else "float64"
    return pandera.Column(dtype, checks, nullable=not column.required)


def _explained(failures: pd.DataFrame, table: pd.DataFrame) -> str:
    """One sentence a column, from pandera's failure cases."""
    repeated = table.duplicated(["source", "image_id"], keep=False)
    sentences = []
    if repeated.any():
        rows = table.loc[repeated, "image_id"]
        sentences.append(f"image_id: expected each once within its source, found {_named(rows)} more than once")
    for name, cases in failures[failures["schema_context"] == "Column"].groupby("column", sort=False):
        rows = sorted(int(row) for row in cases["index"].dropna().unique())
        sentences.append(_where(table.loc[rows, name], BY_NAME[name], expected=allowed(BY_NAME[name])))
    return "; ".join(sentences)


def allowed(column: Column) -> str:
    """Return what a column's values may be, in words."""
    if column.among:
        return " or ".join(column.among)
    if column.kind is Kind.FLAG:
        return "0 or 1"
    if column.least is not None and column.most is not None:
        return f"a {column.kind} from {column.least:g} to {column.most:g}"
    if column.least is not None:
        return f"a {column.kind} of at least {column.least:g}"
    return f"a {column.kind}"


def _where(values: "pd.Series[Any]", column: Column, *, expected: str) -> str:
    shown = ", ".join(f"{value!r} in row {row}" for row, value in values.head(_MOST_NAMED).items())
    more = f" and {len(values) - _MOST_NAMED} more" if len(values) > _MOST_NAMED else ""
    return f"{column.name}: expected {expected}, found {shown}{more}"


def _named(values: "pd.Series[Any]") -> str:
    names = list(dict.fromkeys(values))
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def manifest_sha256(manifest: pd.DataFrame) -> str:
    """SHA-256 of the table as CSV in image order, paths left out: the same on every machine.

    The bytes are those of `DataFrame.to_csv(index=False)`, made by column and so ten times faster.
    """
    table = manifest.drop(columns="path").sort_values(["source", "image_id"])
    if table.empty or any(table[name].dtype == object for name in table):
        return hashlib.sha256(table.to_csv(index=False).encode()).hexdigest()
    header = table.head(0).to_csv(index=False)
    fields = [_csv_fields(table[name]) for name in table]
    lines = pc.binary_join_element_wise(*fields, ",")
    return hashlib.sha256((header + "\n".join(lines.to_pylist()) + "\n").encode()).hexdigest()


def _csv_fields(values: "pd.Series[Any]") -> pa.Array:
    """Each value as `to_csv` writes it; formatted once for each distinct value."""
    codes, distinct = pd.factorize(values)
    written = pd.DataFrame({"": distinct}).to_csv(index=False, header=False, lineterminator="\x00").split("\x00")[:-1]
    return pa.array([*written, ""]).take(pa.array(np.where(codes < 0, len(written), codes)))


def write_manifest(imported: Imported | pd.DataFrame, target: Path) -> str:
    """Check the manifest and write it as one Parquet file with its hash inside; return the hash.

    Raises:
        InputError: The manifest is not as its schema says; nothing is written.
        ConfigError: The place cannot be written.
    """
    manifest, notes = (imported, ()) if isinstance(imported, pd.DataFrame) else (imported.manifest, imported.notes)
    table = check(manifest)
    sha256 = manifest_sha256(table)
    ours = {"format": _FORMAT, "sha256": sha256, "notes": list(notes)}
    schema = pa.schema([_arrow_field(name, table[name]) for name in table], {_KEY: json.dumps(ours).encode()})
    arrow = pa.Table.from_pandas(table, schema, preserve_index=False).replace_schema_metadata(schema.metadata)
    with atomic_path(target) as place:
        pq.write_table(arrow, place, compression="zstd")
    return sha256


def _arrow_field(name: str, values: "pd.Series[Any]") -> pa.Field:
    """Whole numbers and flags as integers in the file; findings as floats (null: not labelled)."""
    types = {Kind.TEXT: pa.string(), Kind.NUMBER: pa.float64(), Kind.WHOLE: pa.int32(), Kind.FLAG: pa.int8()}
    if name in FINDINGS:
        return pa.field(name, pa.float64())
    if name in BY_NAME:
        return pa.field(name, types[BY_NAME[name].kind])
    return pa.field(name, pa.array(values.head(0)).type)


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A manifest as read from its file; `sha256` is the file's word, verified against the rows."""

    manifest: pd.DataFrame
    sha256: str
    notes: tuple[str, ...]


def read_manifest(path: Path) -> Stored:
    """Return the manifest in a Parquet file, verified: each value by the schema, all of them by the hash inside.

    Raises:
        ConfigError: The file is absent or no manifest.
        InputError: A value is not allowed, or the rows are not those that the hash was made of.
    """
    arrow = read_arrow(path)
    ours = json.loads((arrow.schema.metadata or {}).get(_KEY, b"{}"))
    if ours.get("format") != _FORMAT:
        raise ConfigError(
            f"{path}: expected a manifest of format {_FORMAT}, written by `pneumoscope data import`, "
            f"found {'no such mark' if 'format' not in ours else 'format ' + str(ours['format'])}"
        )
    table = check(arrow.to_pandas())
    found = manifest_sha256(table)
    if found != ours["sha256"]:
        raise InputError(f"{path}: expected rows of hash {ours['sha256']}, found {found}: edited since it was written")
    return Stored(table, found, tuple(ours["notes"]))


def read_arrow(path: Path) -> pa.Table:
    """Return the Parquet file's columns as they are, unchecked.

    Raises:
        ConfigError: The file is absent or no Parquet.
    """
    if not path.is_file():
        raise ConfigError(f"expected a manifest (Parquet) at {path}, found no file")
    try:
        return pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise ConfigError(f"{path}: expected a manifest (Parquet), found another or damaged file ({error})") from None
