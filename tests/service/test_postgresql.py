"""The shared queue on Debian's PostgreSQL: several workers, no image twice."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DatabaseError
from tests.service.conftest import build_arrival
from tests.service.postgresql import postgresql, what_is_missing

from pneumoscope.service.store import Parcel, Result, State, What, deliveries, images, open_store, people, results


@pytest.fixture(scope="module")
def server():
    """URL of a PostgreSQL server of our own, gone afterwards."""
    if reason := what_is_missing():
        pytest.skip(reason)
    with postgresql() as url:
        yield url


@pytest.fixture
def stores(server):
    """Two nodes' views of one database."""
    opened = [open_store(server), open_store(server)]
    yield opened
    for store in opened:
        store.close()


def test_nodes_that_start_together_on_an_empty_database_all_open_it(server):
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE fresh"))
    engine.dispose()
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(open_store, [server.replace("/postgres", "/fresh")] * 4))
    assert [images.count_by_state(store)[State.DONE] for store in opened] == [0] * 4
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
