"""The schema from release 0.1.0 to this one, on both databases."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DatabaseError
from tests.service.conftest import build_arrival
from tests.service.postgresql import postgresql, what_is_missing

from pneumoscope.core import ConfigError
from pneumoscope.service.store import State, deliveries, images, migrations, open_store, people, results, tables

FIXTURES = Path(__file__).parent / "fixtures"
UID = "1.2.826.0.1.3680043.8.498"


@pytest.fixture(scope="module")
def server():
    if reason := what_is_missing():
        pytest.skip(reason)
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request, tmp_path):
    """URL of a database that release 0.1.0 wrote."""
    script = (FIXTURES / f"queue-0.1.0.{request.param}.sql").read_text()
    if request.param == "sqlite":
        connection = sqlite3.connect(tmp_path / "queue.db")
        connection.executescript(script)
        connection.close()
        yield f"sqlite:///{tmp_path / 'queue.db'}"
        return
    url = request.getfixturevalue("server")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE old")
    other = create_engine(url.replace("/postgres", "/old"), isolation_level="AUTOCOMMIT")
    with other.connect() as connection:
        connection.exec_driver_sql(script)
    other.dispose()
    yield url.replace("/postgres", "/old")
    with engine.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE old WITH (FORCE)")
    engine.dispose()


def differences(store):
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": migrations.VERSION_TABLE})
        return compare_metadata(context, tables.metadata)


@pytest.mark.req("REQ-SV-02")
def test_a_database_of_release_0_1_0_is_migrated_with_all_that_is_in_it(old):
    store = open_store(old, clock=lambda: 1_764_600_000.0)
    assert differences(store) == []
    assert {state.value: n for state, n in images.count_by_state(store).items()} == dict.fromkeys(
        ("received", "reading", "delivering", "done", "refused", "failed"), 1
    )
    assert images.find(store, f"{UID}.1.1").error == ""
    assert results.of_image(store, 1).probability == 0.8
    assert [(one.state.value, one.sha256) for one in deliveries.of_study(store, f"{UID}.2.2")] == [
        ("waiting", ""),
        ("dead", ""),
        ("sending", ""),
    ]
    assert people.audit_entries(store, limit=9)[0].person == "admin"
    with store.reading() as connection:
        for name in ("monitoring_events", "web_token", "web_session", "feedback"):
            assert connection.execute(text(f"SELECT count(*) FROM {name}")).scalar() == 1
    assert images.add(store, build_arrival("1.1")), "its numbers go on where they were"
    assert images.claim(store, worker="w", limit=9, lease_s=60)
    with pytest.raises(DatabaseError, match="append-only"), store.writing() as connection:
        connection.execute(text("DELETE FROM audit"))
    store.close()
    again = open_store(old)
    assert differences(again) == []
    again.close()


def test_nodes_that_start_together_on_an_old_database_migrate_it_once(old):
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(open_store, [old] * 4))
    assert [images.count_by_state(store)[State.DONE] for store in stores] == [1] * 4
    assert differences(stores[0]) == []
    for store in stores:
        store.close()


def test_a_new_database_has_the_schema_that_the_migrations_make(store):
    assert differences(store) == []
    versions = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert versions.get_current_head() == migrations.HEAD
    with store.reading() as connection:
        assert connection.execute(text(f"SELECT version_num FROM {migrations.VERSION_TABLE}")).scalar() == "0002"
    assert "audit_no_update" in str(_triggers(store))


def test_a_database_that_a_newer_release_wrote_is_refused(tmp_path):
    url = f"sqlite:///{tmp_path / 'queue.db'}"
    store = open_store(url)
    with store.writing() as connection:
        connection.execute(text(f"UPDATE {migrations.VERSION_TABLE} SET version_num = '9999'"))
    store.close()
    with pytest.raises(ConfigError, match="expected schema 0002 or older, found 9999: a newer release wrote it"):
        open_store(url)


def test_a_migration_that_fails_half_way_leaves_the_database_as_it_was(tmp_path, monkeypatch):
    connection = sqlite3.connect(tmp_path / "queue.db")
    connection.executescript((FIXTURES / "queue-0.1.0.sqlite.sql").read_text())
    connection.execute("ALTER TABLE deliveries ADD COLUMN sha256 TEXT")
    connection.close()
    with pytest.raises(ConfigError, match="duplicate column"):
        open_store(f"sqlite:///{tmp_path / 'queue.db'}")
    engine = create_engine(f"sqlite:///{tmp_path / 'queue.db'}")
    assert "error" not in {column["name"] for column in inspect(engine).get_columns("images")}
    engine.dispose()


def _triggers(store):
    with store.reading() as connection:
        return connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all()
