"""Other people's CSV tables: read as text, their columns made sure of."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pneumoscope.core import ConfigError, InputError


def read_table(path: Path, *, needs: Sequence[str]) -> pd.DataFrame:
    """Return the table as text, null where a field is empty, without byte-order mark and blanks around names.

    Raises:
        ConfigError: The file is absent.
        InputError: It is no UTF-8 CSV, is empty, uses another separator, or a needed column is missing.
    """
    if not path.is_file():
        raise ConfigError(f"expected a table at {path}, found no file")
    try:
        table = pd.read_csv(path, dtype="str", encoding="utf-8-sig", engine="c", index_col=False)
    except pd.errors.EmptyDataError:
        raise InputError(f"{path}: expected a CSV table, found an empty file") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected UTF-8 text, found other bytes at position {error.start}") from None
    except (pd.errors.ParserError, csv.Error) as error:
        raise InputError(f"{path}: expected a CSV table, found {error}") from None
    table.columns = table.columns.str.strip()
    missing = [name for name in needs if name not in table.columns]
    if missing:
        raise InputError(_missing_columns(path, missing, list(table.columns)))
    if table.empty:
        raise InputError(f"{path}: expected at least one row, found the header only")
    return table


def _missing_columns(path: Path, missing: list[str], found: list[str]) -> str:
    said = f"{path}: expected columns {', '.join(missing)}; found {', '.join(found)}"
    for separator, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if len(found) == 1 and separator in found[0]:
            return f"{said}: fields are separated by {name}, expected commas"
    return said


def numbers(table: pd.DataFrame, name: str, *, path: Path) -> "pd.Series[float]":
    """Return a column as numbers, NaN where empty.

    Raises:
        InputError: A value is no number; names its line in the file.
    """
    values = pd.to_numeric(table[name], errors="coerce").astype("float64")
    refuse(path, name, table[name][values.isna() & table[name].notna()], expected="a number")
    return values


def refuse(path: Path, name: str, wrong: "pd.Series[Any]", *, expected: str) -> None:
    """Raise where values are wrong; the series' index is the row, counted from 0 below the header.

    Raises:
        InputError: There is at least one.
    """
    if wrong.empty:
        return
    line = int(str(wrong.index[0])) + 2
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    raise InputError(f"{path} line {line}, column {name}: expected {expected}, found {wrong.iloc[0]!r}{more}")


def refuse_repeated(path: Path, name: str, values: "pd.Series[str]") -> None:
    """Raise where a name that must be unique, such as an image's, occurs twice or is missing.

    Raises:
        InputError: Names the line of the second occurrence.
    """
    refuse(path, name, values[values.isna()], expected="a name")
    refuse(path, name, values[values.duplicated()], expected="each image once")
