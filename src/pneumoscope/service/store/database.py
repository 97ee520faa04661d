"""The database: SQLite in WAL mode by default, PostgreSQL by URL when several workers or machines share it."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from pneumoscope.core import ConfigError
from pneumoscope.service.store.migrations import migrate

Record = TypeVar("Record")

_BUSY_MS = 20_000
_CONNECTIONS = 16


class Store:
    """One database; safe in any thread. The repository functions take it as their first argument."""

    def __init__(self, engine: Engine, *, clock: Callable[[], float] = time.time) -> None:
        self.engine = engine
        self.now = clock

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that only reads."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that writes: committed at its end, rolled back by an exception.

        On SQLite it takes the write lock at its beginning: a transaction that reads first and writes then could
        otherwise not wait for another writer.
        """
        with self.engine.connect().execution_options(immediate=True) as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()


def open_store(url: str, *, clock: Callable[[], float] = time.time) -> Store:
    """Open the database of that URL; its schema is created, or migrated to the present version.

    Raises:
        ConfigError: The URL is not one, its driver is not installed, the database cannot be opened, or a newer release
            wrote it.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            _make_private(Path(parsed.database))
        engine = create_engine(parsed, pool_size=_CONNECTIONS, max_overflow=64, pool_pre_ping=True)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _set_up_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        store = Store(engine, clock=clock)
        migrate(engine, store.writing)
    except ModuleNotFoundError as error:
        found = f"{error.name} is not installed: pip install 'pneumoscope[postgresql]'"
        raise ConfigError(f"store.database: expected its driver, found {found}") from error
    except (SQLAlchemyError, OSError) as error:
        reason = _without_secrets(str(getattr(error, "orig", None) or error).splitlines()[0], url)
        raise ConfigError(f"store.database: expected a database that can be opened, found: {reason}") from error
    return store


def _without_secrets(reason: str, url: str) -> str:
    """Return a library's words without the database's address and password, which some of them quote."""
    try:
        password = make_url(url).password
    except ArgumentError:
        return "no database URL"
    for part in (url, str(password or "")):
        reason = reason.replace(part, "***") if part else reason
    return reason


def _make_private(file: Path) -> None:
    """Make the database's file readable by its owner only; SQLite gives the files beside it the same mode."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    if file.stat().st_mode & 0o077:
        file.chmod(0o600)


def record_of(kind: type[Record], row: Row[Any]) -> Record:
    """Return the row as a record, without columns that the record lacks; words become members of their enumeration."""
    values = row._mapping
    return kind(**{one.name: _typed(one.type, values[one.name]) for one in fields(kind)})  # type: ignore[arg-type]


def _typed(kind: Any, value: Any) -> Any:
    from enum import EnumType

    return kind(value) if isinstance(kind, EnumType) else value


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    """Set up a connection: WAL lets readers go on while one writes.

    `synchronous = NORMAL` may lose the last commits when the power fails, not when the process dies. Objects are on
    disk by then: the node finds those without a row when it starts, and results are computed again under the same UIDs.
    """
    connection.isolation_level = None  # BEGIN is ours, see `_begin_sqlite`
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", f"busy_timeout = {_BUSY_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
