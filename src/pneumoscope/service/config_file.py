"""`node.toml` -> `ServiceConfig`; unknown keys are refused: a misspelt one would be a setting that is not made."""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from enum import StrEnum
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from pneumoscope.core import ConfigError
from pneumoscope.service.config import ServiceConfig

Record = TypeVar("Record")


def load_config(path: Path) -> ServiceConfig:
    """Return the configuration in a TOML file; relative paths in it are relative to the working directory.

    Raises:
        ConfigError: The file is missing or not TOML, or a key or value is not one that is known.
    """
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"{path}: expected a configuration file, found {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: expected TOML, found {error}") from error
    try:
        return parse_config(table)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def parse_config(table: Mapping[str, Any]) -> ServiceConfig:
    """Return the configuration in a table.

    Raises:
        ConfigError: A key is unknown or missing, or a value is of another type or out of its range.
    """
    return _record(ServiceConfig, table, where="")


def _record(kind: type[Record], table: Any, *, where: str) -> Record:
    known = {one.name: one for one in fields(kind)}  # type: ignore[arg-type]
    if not isinstance(table, Mapping):
        raise ConfigError(f"{where}: expected a table, found {table!r}")
    if unknown := sorted(set(table) - set(known)):
        raise ConfigError(f"{where or 'top level'}: expected {', '.join(known)}; found {', '.join(unknown)}")
    lacking = [
        name
        for name, one in known.items()
        if name not in table and one.default is MISSING and one.default_factory is MISSING
    ]
    if lacking:
        raise ConfigError(f"{where}: expected {', '.join(lacking)}, found none")
    hints = get_type_hints(kind)
    values = {name: _value(hints[name], value, where=f"{where}.{name}".strip(".")) for name, value in table.items()}
    return kind(**values)


def _value(kind: Any, value: Any, *, where: str) -> Any:
    """Return the TOML value as the field's type."""
    if get_origin(kind) in (Union, UnionType):
        kind = next(one for one in get_args(kind) if one is not type(None))
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise ConfigError(f"{where}: expected a list, found {value!r}")
        return tuple(_value(get_args(kind)[0], one, where=where) for one in value)
    if hasattr(kind, "__dataclass_fields__"):
        return _record(kind, value, where=where)
    if issubclass(kind, StrEnum):
        if value not in list(kind):
            raise ConfigError(f"{where}: expected one of {', '.join(kind)}; found {value!r}")
        return kind(value)
    if not isinstance(value, _TYPES.get(kind, kind)) or (isinstance(value, bool) and kind is not bool):
        raise ConfigError(f"{where}: expected {_NAMES[kind]}, found {value!r}")
    return kind(value)


_TYPES: dict[Any, Any] = {Path: str, float: int | float}
_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false", Path: "a path"}
