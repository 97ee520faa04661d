"""The shared queue on Debian's PostgreSQL: several workers, no image twice."""

import os
import pwd
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from tests.service.conftest import build_arrival, free_port

from pneumoscope.service.store import Parcel, Result, State, What, deliveries, images, open_store, people, results


@pytest.fixture(scope="module")
def server():
    """URL of a PostgreSQL server of our own, gone afterwards."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("PostgreSQL not found: apt-get install postgresql")
    pytest.importorskip("psycopg")
    as_owner = []
    folder = Path(tempfile.mkdtemp(prefix="pneumoscope-pg-"))
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        if shutil.which("runuser") is None or "postgres" not in {user.pw_name for user in pwd.getpwall()}:
            pytest.skip("as root, expected runuser and the user postgres")
        shutil.chown(folder, "postgres")
        as_owner = ["runuser", "-u", "postgres", "--"]
    binaries, port = programs[-1].parent, free_port()

    def run(*command):
        subprocess.run([*as_owner, *map(str, command)], check=True, capture_output=True, cwd="/", timeout=60)

    run(binaries / "initdb", "-D", folder / "db", "-A", "trust", "-U", "tester", "--no-sync", "-E", "UTF8")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    run(binaries / "pg_ctl", "-D", folder / "db", "-l", folder / "log", "-w", "-o", options, "start")
    yield f"postgresql+psycopg://tester@127.0.0.1:{port}/postgres"
    run(binaries / "pg_ctl", "-D", folder / "db", "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def stores(server):
    """Two nodes' views of one database."""
    opened = [open_store(server), open_store(server)]
    yield opened
    for store in opened:
        store.close()


def test_four_workers_of_two_nodes_take_every_image_once(stores):
    for number in range(60):
        images.add(stores[0], build_arrival(f"1.{number}"))
    assert not images.add(stores[1], build_arrival("1.0"))
    taken, lock = [], threading.Lock()

    def work(store, name):
        while batch := images.claim(store, worker=name, limit=3, lease_s=60):
            with lock:
                taken.extend(image.uid for image in batch)

    threads = [threading.Thread(target=work, args=(stores[n % 2], f"w{n}")) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(f"1.{number}" for number in range(60))


def test_results_and_deliveries_are_kept_once_for_both(stores):
    images.add(stores[0], build_arrival("2.1"))
    image = images.find(stores[1], "2.1")
    values = dict.fromkeys(Result.__slots__)
    values |= {"image_id": image.id, "study_uid": "1", "status": "analysed", "model_sha256": "", "line": "{}"}
    result = Result(**(values | {"read_at": 0.0}))
    parcel = Parcel(destination="pacs", object="x", what=What.SR, image_id=image.id, study_uid="1", file="f")
    assert [results.record(store, result, parcels=[parcel]) for store in stores] == [True, False]
    (one,) = deliveries.claim(stores[0], "pacs", worker="a", limit=9, lease_s=60)
    assert deliveries.claim(stores[1], "pacs", worker="b", limit=9, lease_s=60) == []
    deliveries.succeed(stores[0], one)
    assert images.find(stores[1], "2.1").state is State.DONE


def test_the_audit_log_is_append_only_here_too(stores):
    people.audit(stores[0], person="p", address="127.0.0.1", action="view", target="abc")
    for statement in ("UPDATE audit SET person = 'x'", "DELETE FROM audit", "TRUNCATE audit"):
        with pytest.raises(DatabaseError, match="append-only"), stores[0].writing() as connection:
            connection.execute(text(statement))
