import os
from pathlib import Path

import pytest
from tests.service.conftest import build_object, encode

from pneumoscope.core import CapacityError
from pneumoscope.service.config import WatchConfig
from pneumoscope.service.store import Route, images
from pneumoscope.service.watch import Watch


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "drop"


@pytest.fixture
def watch(folder, inbox):
    return Watch(WatchConfig(path=folder, settle_s=2.0), inbox=inbox, max_object_mb=1)


def drop(folder, name, content, *, age_s=60):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    then = path.stat().st_mtime - age_s
    os.utime(path, (then, then))
    return path


def test_a_file_is_queued_and_moved_to_taken(watch, folder, store):
    path = drop(folder, "a/chest.dcm", encode(build_object("1.1")))
    assert watch.work() == 1
    assert images.find(store, "1.1").route is Route.WATCH
    assert not path.exists()
    assert (folder / "taken" / "a" / "chest.dcm").exists()


def test_a_file_that_is_still_being_written_or_is_hidden_is_left_alone(watch, folder):
    drop(folder, "new.dcm", encode(build_object("1.1")), age_s=0)
    drop(folder, ".part", b"x")
    assert watch.work() == 0


def test_a_file_that_is_no_image_is_moved_aside_with_the_reason(watch, folder):
    drop(folder, "notes.txt", b"hello")
    drop(folder, "large.dcm", b"\0" * (1024 * 1024 + 1))
    assert watch.work() == 2
    assert "expected a DICOM, PNG or JPEG file" in (folder / "refused" / "notes.txt.reason.txt").read_text()
    assert "at most 1 MB" in (folder / "refused" / "large.dcm.reason.txt").read_text()


def test_a_file_that_cannot_be_read_stays_and_the_others_go_on(watch, folder, store, monkeypatch):
    for name, uid in (("a.dcm", "1.1"), ("b.dcm", "1.2")):
        drop(folder, name, encode(build_object(uid)))
    read_bytes = Path.read_bytes

    def denied(path):
        if path.name == "a.dcm":
            raise PermissionError(13, "Permission denied")
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", denied)
    assert watch.work() == 1
    assert (folder / "a.dcm").exists()
    assert images.find(store, "1.2") is not None


def test_equal_names_do_not_overwrite_each_other(watch, folder):
    for uid in ("1.1", "1.2"):
        drop(folder, "chest.dcm", encode(build_object(uid)))
        watch.work()
    assert {path.name for path in (folder / "taken").iterdir()} == {"chest.dcm", "chest-1.dcm"}


def test_a_full_disk_leaves_the_file_where_it_is(watch, folder, spool, monkeypatch):
    path = drop(folder, "chest.dcm", encode(build_object("1.1")))
    monkeypatch.setattr(spool, "_min_free_mb", 10**9)
    with pytest.raises(CapacityError):
        watch.work()
    assert path.exists()
