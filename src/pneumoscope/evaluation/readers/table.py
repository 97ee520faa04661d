"""The ratings of a reader study, from a CSV file, checked: what is missing, repeated or contradictory is named."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from pneumoscope.core import ConfigError, InputError

REQUIRED = ("reader", "case", "truth", "rating")
OPTIONAL = ("test", "patient")
ONLY_TEST = "all readings"
_KEYS = ["test", "reader", "case"]
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ratings:
    """Complete ratings: every reader rated every case with every test.

    Attributes:
        table: One row a rating, as in the file, cases sorted.
        tests: Names in the order of the file; so `readers`, the model left out.
        cases: Sorted; `truth`, `patient` and the last axis of `rating` are in this order.
        rating: Higher is more suspicious.
        model: The model's ratings, averaged over tests (it has one rating a case); None without a model.
    """

    table: pd.DataFrame
    tests: tuple[str, ...]
    readers: tuple[str, ...]
    cases: tuple[str, ...]
    truth: Bool[np.ndarray, " cases"]
    patient: np.ndarray
    rating: Float[np.ndarray, "tests readers cases"]
    model: Float[np.ndarray, " cases"] | None = None

    @property
    def is_binary(self) -> bool:
        """Whether every reader said yes (1) or no (0) only."""
        return bool(np.isin(self.rating, (0.0, 1.0)).all())


def read_ratings(path: Path, *, model: str | None = None) -> Ratings:
    """Return the ratings in a CSV file with the columns `reader, case, truth, rating`, and `test, patient` if any.

    Args:
        path: The file: a row a rating.
        model: The `reader` whose ratings are the model's; it is no reader of the multi-reader analysis.

    Raises:
        ConfigError: The file is absent or no table.
        InputError: A column is missing or unknown, a value is not as it must be, a rating is missing or comes twice,
            a case has two truths, all cases are of one class, or there are fewer than two readers.
    """
    if not path.is_file():
        raise ConfigError(f"expected ratings (CSV) at {path}, found no file")
    try:
        raw = pd.read_csv(path, dtype={"reader": "str", "case": "str", "test": "str", "patient": "str"})
    except (ValueError, OSError) as error:
        raise ConfigError(f"{path}: expected a table (CSV), found {error}") from None
    try:
        return _complete(_checked(raw), model=model)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _checked(raw: pd.DataFrame) -> pd.DataFrame:
    if missing := [name for name in REQUIRED if name not in raw]:
        raise InputError(f"expected the columns {', '.join(REQUIRED)}, found no {', '.join(missing)}")
    if unknown := [name for name in raw if name not in (*REQUIRED, *OPTIONAL)]:
        raise InputError(f"expected no columns but {', '.join((*REQUIRED, *OPTIONAL))}, found {', '.join(unknown)} too")
    if raw.empty:
        raise InputError("expected ratings, found no rows")
    table = raw.copy()
    if "test" not in table:
        table["test"] = ONLY_TEST
    if "patient" not in table:
        table["patient"] = table["case"]
    for name in ("test", "reader", "case", "patient"):
        if (empty := table[name].isna()).any():
            raise InputError(f"{name}: expected a name in every row, found none in {_rows(empty)}")
    table = _with_numbers(table)
    if (repeated := table.duplicated(_KEYS, keep=False)).any():
        names = [
            f"{test}, {reader}, {case}"
            for test, reader, case in table.loc[repeated, _KEYS].drop_duplicates().to_numpy()
        ]
        raise InputError(
            f"expected one rating by each reader of each case with each test, found more for {_listed(names)}"
        )
    for name in ("truth", "patient"):
        kinds = table.groupby("case")[name].nunique()
        if (kinds > 1).any():
            raise InputError(f"{name}: expected one a case, found several for case {_listed(kinds.index[kinds > 1])}")
    return table


def _with_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with ratings as finite numbers and truth as 0 or 1."""
    rating = pd.to_numeric(table["rating"], errors="coerce")
    if (wrong := ~np.isfinite(rating)).any():
        raise InputError(f"rating: expected a number in every row, found {_shown(table['rating'], wrong)}")
    truth = pd.to_numeric(table["truth"], errors="coerce")
    if (wrong := ~truth.isin((0, 1))).any():
        raise InputError(f"truth: expected 0 or 1 in every row, found {_shown(table['truth'], wrong)}")
    return table.assign(rating=rating.astype(float), truth=truth.astype(int))


def _complete(table: pd.DataFrame, *, model: str | None) -> Ratings:
    tests = tuple(dict.fromkeys(table["test"]))
    everyone = tuple(dict.fromkeys(table["reader"]))
    if model is not None and model not in everyone:
        raise InputError(f"expected the model {model} among the readers, found {_listed(everyone)}")
    readers = tuple(name for name in everyone if name != model)
    if len(readers) < 2:
        raise InputError(f"expected at least 2 readers, found {len(readers)} ({_listed(readers) or 'none'})")
    for names, what in ((tests, "test"), (everyone, "reader")):
        if len({key_of(name) for name in names}) < len(names):
            raise InputError(f"{what}: expected names that differ by more than dots, found {_listed(names)}")
    by_case = table.drop_duplicates("case").set_index("case").sort_index()
    if by_case["truth"].nunique() < 2:
        raise InputError(f"expected cases with and without the finding, found {len(by_case)} with truth "
                         f"{by_case['truth'].iloc[0]} only")  # fmt: skip
    cases = tuple(by_case.index)
    wide = table[table["reader"] != model].set_index(_KEYS)["rating"]
    grid = pd.MultiIndex.from_product([tests, readers, cases], names=_KEYS)
    full = wide.reindex(grid)
    if full.isna().any():
        gaps = [f"{test}, {reader}, {case}" for test, reader, case in full.index[full.isna()]]
        raise InputError(
            f"expected every reader to rate every case with every test, found no rating for {_listed(gaps)}; "
            "leave those cases out for everyone"
        )
    return Ratings(
        table=table.sort_values(["test", "reader", "case"], kind="stable").reset_index(drop=True),
        tests=tests,
        readers=readers,
        cases=cases,
        truth=by_case["truth"].to_numpy() == 1,
        patient=by_case["patient"].to_numpy(dtype=str),
        rating=full.to_numpy(dtype=float).reshape(len(tests), len(readers), len(cases)),
        model=None if model is None else _of_model(table[table["reader"] == model], cases, model),
    )


def _of_model(rows: pd.DataFrame, cases: tuple[str, ...], model: str) -> Float[np.ndarray, " cases"]:
    """Return the model's rating of each case; the same with every test that lists it."""
    kinds = rows.groupby("case")["rating"].nunique()
    if (kinds > 1).any():
        raise InputError(
            f"expected one rating of each case by {model}, found several for {_listed(kinds.index[kinds > 1])}"
        )
    rating = rows.drop_duplicates("case").set_index("case")["rating"].reindex(list(cases))
    if rating.isna().any():
        raise InputError(
            f"expected a rating of every case by {model}, found none for {_listed(rating.index[rating.isna()])}"
        )
    found: Float[np.ndarray, " cases"] = rating.to_numpy(dtype=float)
    return found


def key_of(name: str) -> str:
    """Return the name as a key of the evidence, which has no dots."""
    return name.replace(".", "")


def _rows(wrong: "pd.Series[bool]") -> str:
    """Name lines of the file: the header is the first."""
    return _listed([f"line {place + 2}" for place in np.flatnonzero(wrong)])


def _shown(values: "pd.Series[Any]", wrong: "pd.Series[bool]") -> str:
    return _listed([f"{_word(values.iloc[place])} in line {place + 2}" for place in np.flatnonzero(wrong)])


def _word(value: Any) -> str:
    return "nothing" if pd.isna(value) else repr(value) if isinstance(value, str) else str(value)


def _listed(names: Iterable[object]) -> str:
    every = [str(name) for name in names]
    more = f" and {len(every) - _MOST_NAMED} more" if len(every) > _MOST_NAMED else ""
    return "; ".join(every[:_MOST_NAMED]) + more
