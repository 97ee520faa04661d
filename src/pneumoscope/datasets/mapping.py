"""The TOML that says which column of somebody's table is which of the manifest's (docs/how-to/import-a-csv.md)."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pneumoscope.core import ConfigError
from pneumoscope.datasets.columns import BY_NAME, FINDINGS, OWN_PREFIX

NEEDED = ("image_id", "patient_id")
LABELS = (*FINDINGS, "no_finding")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMapping:
    """Which column of a table is which of the manifest's.

    Attributes:
        source: Name of the data set; prefixes patients.
        columns: Manifest column to table column; names that start with `x_` are carried along.
        values: For a manifest column, their word to ours; a word that is not listed stays as it is.
        labels_column: Column with several labels in one text; None where findings have columns of their own.
        separator: Between those labels.
        labels: Their label to a finding, to `no_finding`, or to "" where it is not kept.
        folders: Image folders, relative to the table's; empty where there are no images.
        suffix: What image ids end in, such as `.png`; nothing where they are file names without an ending.
    """

    source: str
    columns: Mapping[str, str]
    values: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    labels_column: str | None = None
    separator: str = "|"
    labels: Mapping[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    suffix: str = ""

    def __post_init__(self) -> None:
        problems = [
            *(f"columns.{name}: no column of the manifest" for name in self.columns if not _is_column(name)),
            *(f"values.{name}: not among the mapped columns" for name in self.values if name not in self.columns),
            *(
                f"labels.names.{theirs}: expected a finding, no_finding or nothing, found {ours!r}"
                for theirs, ours in self.labels.items()
                if ours and ours not in LABELS
            ),
            *(f"columns.{name}: needed, not found" for name in NEEDED if name not in self.columns),
        ]
        if (self.labels_column is None) != (not self.labels):
            problems.append("labels: expected both column and names, or neither")
        if problems:
            raise ConfigError(f"mapping: {'; '.join(problems)}")


def _is_column(name: str) -> bool:
    return name.startswith(OWN_PREFIX) or (name in BY_NAME and name not in ("source", "path"))


def read_mapping(path: Path) -> ColumnMapping:
    """Return the mapping in a TOML file.

    Raises:
        ConfigError: The file is absent, no TOML, or has a key that is not known.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"expected a mapping (TOML) at {path}, found {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: expected TOML, found {error}") from None
    labels, images = _part(content, "labels", path), _part(content, "images", path)
    _only(content, ("source", "columns", "values", "labels", "images"), path, "")
    _only(labels, ("column", "separator", "names"), path, "labels.")
    _only(images, ("folders", "suffix"), path, "images.")
    if not isinstance(content.get("source"), str):
        raise ConfigError(f'{path}: expected source = "NAME", found {content.get("source")!r}')
    try:
        return ColumnMapping(
            source=content["source"],
            columns=_part(content, "columns", path),
            values={name: _part(_part(content, "values", path), name, path) for name in content.get("values", {})},
            labels_column=labels.get("column"),
            separator=labels.get("separator", "|"),
            labels=_part(labels, "names", path),
            folders=tuple(images.get("folders", ())),
            suffix=images.get("suffix", ""),
        )
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _part(content: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    part = content.get(name, {})
    if not isinstance(part, dict):
        raise ConfigError(f"{path}: expected a table [{name}], found {part!r}")
    return part


def _only(content: Mapping[str, Any], known: tuple[str, ...], path: Path, where: str) -> None:
    unknown = [f"{where}{name}" for name in content if name not in known]
    if unknown:
        raise ConfigError(f"{path}: expected keys {', '.join(known)}, found {', '.join(unknown)}")
