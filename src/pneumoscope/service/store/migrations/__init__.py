"""The schema's versions: numbered migrations, applied when a store is opened.

    versions/v0001_first.py       the tables of release 0.1.0
    versions/v0002_causes.py      why an image waits; digests of files that are delivered

A migration only adds, so that a node of the release before can go on beside one that has migrated. To make one: change
`tables.py`, add `vNNNN_name.py` with `revision`, `down_revision` and `upgrade`, and name it in `HEAD`.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from sqlalchemy import Connection, Engine, func, inspect, select, text

from pneumoscope.core import ConfigError
from pneumoscope.service.store.tables import metadata

HEAD = "0002"
"""The version that this release needs."""

VERSION_TABLE = "pneumoscope_schema"
_LOCK = 0x9E1
"""Number of the advisory lock; any that nothing else in the database uses."""


def migrate(engine: Engine, writing: Callable[[], AbstractContextManager[Connection]]) -> None:
    """Create the schema, or bring it up to date; of nodes that start together one does it, the others wait.

    Raises:
        ConfigError: A newer release wrote this database.
        SQLAlchemyError: The database does not answer, or refuses.
    """
    with engine.connect() as connection:
        if _version(connection) == HEAD:
            return
    with writing() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        _bring_up_to_date(connection)


def _bring_up_to_date(connection: Connection) -> None:
    version = _version(connection)
    if version is not None and version > HEAD:
        raise ConfigError(f"store.database: expected schema {HEAD} or older, found {version}: a newer release wrote it")
    if version is None and not set(inspect(connection).get_table_names()) & set(metadata.tables):
        metadata.create_all(connection)
        column = "version_num VARCHAR(32) NOT NULL"
        connection.execute(text(f"CREATE TABLE {VERSION_TABLE} ({column}, PRIMARY KEY (version_num))"))
        connection.execute(text(f"INSERT INTO {VERSION_TABLE} VALUES ('{HEAD}')"))  # noqa: S608  our own constants
    elif version != HEAD:
        _upgrade(connection)


def _version(connection: Connection) -> str | None:
    """Return the schema's version; None where there is none: an empty database, or one of release 0.1.0."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
