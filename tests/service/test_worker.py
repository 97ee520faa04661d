import os

import pytest
from sqlalchemy.exc import OperationalError
from tests.service.conftest import build_object, encode

from pneumoscope.core import CapacityError
from pneumoscope.reading import EngineName
from pneumoscope.service.config import ReadingConfig
from pneumoscope.service.cores import shares
from pneumoscope.service.store import Route, State, images, results
from pneumoscope.service.worker import LEASE_S, Worker


@pytest.fixture
def worker(store, spool, artifact):
    config = ReadingConfig(attempts=2)
    return Worker(config, name="w", store=store, spool=spool, artifact=artifact, destinations=())


def take(inbox, number=1):
    for index in range(number):
        inbox.take(encode(build_object(f"1.{index}")), caller="CR1", route=Route.UPLOAD)


def test_a_worker_with_nothing_to_do_does_nothing(worker):
    assert worker.work() == 0


def test_a_batch_is_read_in_one_go(worker, inbox, store):
    take(inbox, 3)
    assert worker.work() == 3
    assert images.count_by_state(store)[State.REFUSED] == 3


@pytest.mark.req("REQ-SV-03")
def test_an_image_that_ends_the_reader_each_time_fails_in_the_end_and_says_so(worker, inbox, store, clock):
    take(inbox)
    for _ in range(2):  # a worker that claims and dies
        images.claim(store, worker="dead", limit=1, lease_s=LEASE_S)
        clock.now += LEASE_S + 1
    worker.work()
    assert images.find(store, "1.0").state is State.FAILED
    assert "2 attempts that ended the reader" in results.of_image(store, 1).line


def test_an_error_in_reading_puts_the_images_back_and_does_not_end_the_worker(worker, inbox, store, clock, monkeypatch):
    take(inbox, 2)

    def broken(*_arguments, **_named):
        raise RuntimeError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr("pneumoscope.service.worker.read_many", broken)
        assert worker.work() == 0
    assert images.count_by_state(store)[State.RECEIVED] == 2
    clock.now += 10
    assert worker.work() + worker.work() == 2, "each alone"


@pytest.mark.req("REQ-SV-02")
def test_a_full_disk_loses_nothing(worker, inbox, store, spool, clock, monkeypatch):
    take(inbox)

    def full(*_arguments):
        raise CapacityError("full")

    with monkeypatch.context() as patch:
        patch.setattr(spool, "write_result", full)
        with pytest.raises(CapacityError):
            worker.work()
    assert results.of_image(store, 1) is None
    clock.now += 10
    assert worker.work() == 1


@pytest.mark.req("REQ-SV-02")
@pytest.mark.parametrize("error", [CapacityError("spool: full"), OSError(28, "No space left on device")])
def test_a_disk_that_is_full_for_long_uses_up_no_attempt(worker, inbox, store, spool, clock, monkeypatch, error):
    take(inbox, 3)

    def full(*_arguments):
        raise error

    delays = []
    with monkeypatch.context() as patch:
        patch.setattr(spool, "write_result", full)
        for _ in range(10):
            with pytest.raises(type(error)):
                worker.work()
            delays.append(worker._pause_s())
            clock.now += 61
    (first, *_) = waiting = images.newest(store, limit=9)
    assert {(image.state, image.attempts) for image in waiting} == {(State.RECEIVED, 0)}
    assert "spool: " in first.error, "the page says why it waits"
    assert images.count_interrupted(store) == 3
    assert delays[:5] == [2, 4, 8, 16, 32]
    assert delays[-1] == 60
    assert worker.work() == 3
    assert images.count_by_state(store)[State.REFUSED] == 3
    assert images.count_interrupted(store) == 0
    assert images.newest(store, limit=1)[0].error == ""


@pytest.mark.req("REQ-SV-02")
def test_images_held_while_the_database_fails_are_queued_again_without_waiting_for_their_lease(
    worker, inbox, store, clock, monkeypatch
):
    take(inbox, 2)

    def locked(*_arguments, **_options):
        raise OperationalError("", {}, Exception("database or disk is full"))

    with monkeypatch.context() as patch:
        patch.setattr(results, "record", locked)
        patch.setattr(images, "release", locked)
        with pytest.raises(OperationalError):
            worker.work()
    assert images.count_by_state(store)[State.READING] == 2
    assert worker.work() == 0, "given back, for a moment later"
    clock.now += 5
    assert worker.work() == 2


def test_a_worker_that_lost_its_lease_leaves_the_other_ones_result_and_files(worker, inbox, store, spool, monkeypatch):
    take(inbox)
    (image,) = images.claim(store, worker="slow", limit=1, lease_s=-1)
    worker.work()
    written = (spool.path(results.of_image(store, 1).folder) / "image.json").stat().st_mtime_ns
    for _, reading in worker._read([image]):
        worker._settle(image, reading)
    assert (spool.path(results.of_image(store, 1).folder) / "image.json").stat().st_mtime_ns == written


def test_a_picture_without_header_is_read_but_gets_no_dicom_objects(worker, inbox, store, spool, tmp_path):
    from PIL import Image

    path = tmp_path / "grey.png"
    Image.new("L", (300, 300), 90).save(path)
    receipt = inbox.take(path.read_bytes(), caller="page", route=Route.UPLOAD)
    worker.work()
    result = results.of_image(store, images.find(store, receipt.uid).id)
    assert [file.name for file in spool.path(result.folder).iterdir()] == ["image.json"]
    assert "no DICOM objects" in result.line


def test_the_worker_reads_with_the_engine_and_the_cores_of_its_configuration(store, spool, artifact, monkeypatch):
    seen = []

    class Loaded:
        def __init__(self, _artifact, *, engine):
            seen.append((engine, os.sched_getaffinity(0)))

        def require_operating_point(self, name):
            seen.append(name)

    monkeypatch.setattr("pneumoscope.service.worker.Model", Loaded)
    config = ReadingConfig(engine="openvino", operating_point="screening")
    one = min(os.sched_getaffinity(0))
    Worker(config, name="w", store=store, spool=spool, artifact=artifact, destinations=(), cores=frozenset({one}))
    assert seen == [(EngineName.OPENVINO, {one}), "screening"]
    assert os.sched_getaffinity(0) >= {one}


def test_readers_share_the_cores_equally_unless_the_configuration_says_how_many(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    assert shares(1) == [None]
    assert shares(2) == [{0, 1}, {2, 3}]
    assert shares(3, each=2) == [{0, 1}, {2, 3}, {0, 1}]
    assert shares(1, each=1) == [{0}]
    assert shares(8, each=0)[0] == {0}
