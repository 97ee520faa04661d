"""Predictions that came from anywhere, joined to the manifest: what does not fit is an error or is counted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from pneumoscope.core import ConfigError, InputError, sha256_of

ID_COLUMNS = ("image_id", "Image Index")
PREFIX = "prob_"
# Columns that are no score, where a file has more than ids and scores.
# What data frames of predictions call a score without saying of what.
_BARE_SCORES = frozenset(
    {"prob", "pred", "score", "probability", "prediction", "y_pred", "y_prob", "y_score", "output"}
)
_NOT_SCORES = _BARE_SCORES | {
    *("source", "split", "view", "sex", "age_years", "follow_up", "patient_id", "path", "logit"),
    *("label", "labels", "truth", "target", "y_true", "y", "class"),
    *("status", "reason", "population", "model_sha256"),
}
_MOST_NAMED = 5
# What `predict` writes beside scores; its other rows have none.
_ANALYSED = "analysed"

NOT_IN_MANIFEST = "predictions that the manifest does not have"


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Scores in [0, 1], a row an image, each image once.

    Attributes:
        table: `image_id`, `source` where the file says it, and one column `prob_LABEL` a label.
        name: The file's name.
        sha256: The file's hash.
        used: Its columns that scores were taken from.
        not_used: Its columns that nothing was taken from.
        unscored: Images that the file has without a score, counted by its `status` (refused, failed).
    """

    table: pd.DataFrame
    name: str
    sha256: str
    used: tuple[str, ...] = ()
    not_used: tuple[str, ...] = ()
    unscored: Mapping[str, int] = field(default_factory=dict)

    @property
    def scores(self) -> tuple[str, ...]:
        """The labels that there are scores for."""
        return tuple(column.removeprefix(PREFIX) for column in self.table if column.startswith(PREFIX))


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """Predictions with their manifest rows, in the predictions' order; `left_out` counts the rest, by reason."""

    rows: pd.DataFrame
    left_out: dict[str, int]


def read_predictions(path: Path) -> Predictions:
    """Read predictions from CSV or Parquet: `image_id` or `Image Index`, and `prob_LABEL` or `LABEL` columns.

    Raises:
        ConfigError: The file is absent or no table.
        InputError: It has no id or score column, or a score is not a number in [0, 1], or an image comes twice.
    """
    if not path.is_file():
        raise ConfigError(f"expected predictions (CSV or Parquet) at {path}, found no file")
    try:
        raw = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except (ValueError, OSError) as error:  # pandas' and pyarrow's parser errors are ValueErrors
        raise ConfigError(f"{path}: expected a table (CSV or Parquet), found {error}") from None
    raw.columns = [str(name).strip() for name in raw.columns]
    scored = raw["status"] == _ANALYSED if "status" in raw.columns else pd.Series(True, index=raw.index)
    if not scored.any():
        raise InputError(f"{path}: expected images with the status {_ANALYSED}, found {_counts(raw['status'])}")
    unscored = {} if scored.all() else raw.loc[~scored, "status"].fillna("without a status").value_counts().to_dict()
    table, used = _checked(raw[scored], str(path))
    return Predictions(
        table,
        path.name,
        sha256_of(path),
        used=used,
        not_used=tuple(name for name in raw.columns if name not in (*used, *ID_COLUMNS, "source", "status")),
        unscored={str(name): int(count) for name, count in unscored.items()},
    )


def _checked(raw: pd.DataFrame, where: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    ids = [name for name in ID_COLUMNS if name in raw.columns]
    if len(ids) != 1:
        raise InputError(f"{where}: expected one id column, {' or '.join(ID_COLUMNS)}, found {_listed(raw.columns)}")
    table = pd.DataFrame({"image_id": raw[ids[0]].astype("str")})
    keys = ["image_id"]
    if "source" in raw.columns:
        table["source"] = raw["source"].astype("str")
        keys.append("source")
    prefixed = [name for name in raw.columns if str(name).startswith(PREFIX)]
    scores = prefixed or [name for name in raw.columns if name not in _NOT_SCORES and name not in ids]
    bare = sorted(_BARE_SCORES.intersection(raw.columns))
    hint = f"; if {bare[0]} is the score of pneumonia, name it {PREFIX}Pneumonia" if bare else ""
    if not scores:
        raise InputError(f"{where}: expected score columns, {PREFIX}LABEL or LABEL, found {_listed(raw.columns)}{hint}")
    repeated = table.duplicated(keys, keep=False)
    if repeated.any():
        names = dict.fromkeys(table.loc[repeated, "image_id"])
        raise InputError(f"{where}: expected each image once, found {_listed(names)} more than once")
    for name in scores:
        table[PREFIX + str(name).removeprefix(PREFIX)] = _score(raw[name], table["image_id"], where=f"{where}: {name}")
    if bare:
        _refuse_decisions(table, where=where, hint=hint)
    return table, tuple(scores)


def _refuse_decisions(table: pd.DataFrame, *, where: str, hint: str) -> None:
    """Raise where a column taken for scores holds only 0 and 1 beside one that is called a score.

    Raises:
        InputError: There is such a column: a label, which would be measured as perfect.
    """
    for name in (column for column in table if column.startswith(PREFIX)):
        if len(table) > 1 and table[name].isin((0, 1)).all():
            label = name.removeprefix(PREFIX)
            raise InputError(f"{where}: expected scores in column {label}, found only 0 and 1, as labels are{hint}")


def _score(values: "pd.Series[float]", image_id: "pd.Series[str]", *, where: str) -> "pd.Series[float]":
    numbers = pd.to_numeric(values, errors="coerce")
    wrong = ~numbers.between(0, 1)  # NaN is not between
    if wrong.any():
        first = wrong.idxmax()
        raise InputError(
            f"{where}: expected scores in [0, 1], found {values[first]} for {image_id[first]}"
            + (f" and {int(wrong.sum()) - 1} more such" if wrong.sum() > 1 else "")
        )
    return numbers


def columns_of(path: Path) -> str:
    """Return a line that names the columns of a file of predictions that are used, and those that are not."""
    predictions = read_predictions(path)
    line = f"columns used: {', '.join(predictions.used)}"
    return f"{line}; not used: {', '.join(predictions.not_used)}" if predictions.not_used else line


def join(predictions: Predictions, manifest: pd.DataFrame, *, where: Mapping[str, str] | None = None) -> Joined:
    """Return the predictions' manifest rows; of those only the ones that have each column of `where` at its value.

    Raises:
        InputError: Nothing joins, or an id is in several of the manifest's sources and the predictions don't say which.
    """
    keys = [name for name in ("image_id", "source") if name in predictions.table]
    repeated = manifest.duplicated(keys, keep=False) & manifest["image_id"].isin(predictions.table["image_id"])
    if repeated.any():
        raise InputError(
            f"{predictions.name}: expected a column source, since {_listed(manifest.loc[repeated, 'image_id'])} "
            f"is in several sources of the manifest"
        )
    rows = predictions.table.merge(manifest, on=keys, how="inner", validate="one_to_one")
    if rows.empty:
        raise InputError(
            f"{predictions.name}: expected images of the manifest such as {_listed(manifest['image_id'][:2])}, "
            f"found {_listed(predictions.table['image_id'][:2])}: no row joins"
        )
    unscored = {f"images that the model has not scored: {why}": count for why, count in predictions.unscored.items()}
    left_out = {
        NOT_IN_MANIFEST: len(predictions.table) - len(rows),
        **unscored,
        "manifest images without a prediction": len(manifest) - len(rows) - sum(unscored.values()),
    }
    for column, value in (where or {}).items():
        if column not in rows:
            raise InputError(f"expected a manifest with the column {column}, found {_listed(rows.columns)}")
        inside = rows[column] == value
        if not inside.any():
            raise InputError(f"expected predictions with {column} {value}, found {_counts(rows[column])}")
        left_out[f"predictions outside {column} {value}"] = int((~inside).sum())
        rows = rows[inside]
    return Joined(rows.reset_index(drop=True), left_out)


def _counts(values: "pd.Series[str]") -> str:
    return ", ".join(f"{count} {name}" for name, count in values.fillna("of none").value_counts().items())


def _listed(names: Iterable[str]) -> str:
    every = [str(name) for name in names]
    more = f" and {len(every) - _MOST_NAMED} more" if len(every) > _MOST_NAMED else ""
    return ", ".join(every[:_MOST_NAMED]) + more
