import os
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from tests.service.conftest import build_object, encode

from pneumoscope.core import CapacityError
from pneumoscope.service.config import WatchConfig
from pneumoscope.service.store import Route, State, images
from pneumoscope.service.watch import Watch


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "drop"


@pytest.fixture
def watch(folder, inbox):
    return Watch(WatchConfig(path=folder, settle_s=0.0), inbox=inbox, max_object_mb=1)


def looks(watch):
    """Files moved by two looks, between which nothing changed."""
    return watch.work() + watch.work()


def drop(folder, name, content, *, age_s=60):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    then = path.stat().st_mtime - age_s
    os.utime(path, (then, then))
    return path


def test_a_file_is_queued_and_moved_to_taken(watch, folder, store):
    path = drop(folder, "a/chest.dcm", encode(build_object("1.1")))
    assert looks(watch) == 1
    assert images.find(store, "1.1").route is Route.WATCH
    assert not path.exists()
    assert (folder / "taken" / "a" / "chest.dcm").exists()


def test_a_hidden_file_is_left_alone(watch, folder):
    drop(folder, ".part", b"x")
    assert looks(watch) == 0


def test_a_file_is_taken_only_after_size_and_times_were_equal_twice(folder, inbox, monkeypatch):
    watch = Watch(WatchConfig(path=folder, settle_s=2.0), inbox=inbox, max_object_mb=1)
    now = [100.0]
    monkeypatch.setattr("pneumoscope.service.watch.time.monotonic", lambda: now[0])
    path = drop(folder, "a.dcm", encode(build_object("1.1")), age_s=60)
    assert watch.work() == 0, "its age says nothing: a copy may keep the original's times"
    now[0] += 1.9
    assert watch.work() == 0
    os.utime(path, (1, 1))
    now[0] += 2
    assert watch.work() == 0, "its times changed"
    now[0] += 2
    assert watch.work() == 1


@pytest.mark.req("REQ-SV-06")
@pytest.mark.parametrize("name", ["half.dcm", "half.png", "half.jpg"])
def test_a_file_whose_copy_stalls_is_not_taken_before_it_is_whole(watch, folder, store, name):
    whole = {
        "half.dcm": encode(build_object("1.1")),
        "half.png": picture("PNG"),
        "half.jpg": picture("JPEG"),
    }[name]
    path = drop(folder, name, whole[: len(whole) // 2], age_s=0)
    assert looks(watch) + looks(watch) == 0
    assert path.exists()
    assert images.count_by_state(store)[State.RECEIVED] == 0
    with path.open("ab") as file:
        file.write(whole[len(whole) // 2 :])
    assert looks(watch) == 1
    assert images.count_by_state(store)[State.RECEIVED] == 1


def test_a_file_that_stays_cut_off_for_an_hour_is_refused_and_its_whole_is_taken_later(
    watch, folder, store, monkeypatch
):
    whole = encode(build_object("1.1"))
    drop(folder, "half.dcm", whole[:-100])
    monkeypatch.setattr("pneumoscope.service.watch._STALE_S", 0.0)
    assert looks(watch) == 1
    assert "it lacks" in (folder / "refused" / "half.dcm.reason.txt").read_text()
    drop(folder, "whole.dcm", whole)
    assert looks(watch) == 1
    assert images.find(store, "1.1") is not None


def picture(form):
    stream = BytesIO()
    Image.effect_noise((300, 300), 50).save(stream, format=form)
    return stream.getvalue()


def test_a_file_that_is_no_image_is_moved_aside_with_the_reason(watch, folder):
    drop(folder, "notes.txt", b"hello")
    drop(folder, "large.dcm", b"\0" * (1024 * 1024 + 1))
    assert looks(watch) == 2
    assert "expected a DICOM, PNG or JPEG file" in (folder / "refused" / "notes.txt.reason.txt").read_text()
    assert "at most 1 MB" in (folder / "refused" / "large.dcm.reason.txt").read_text()


def test_a_file_that_cannot_be_read_stays_and_the_others_go_on(watch, folder, store, monkeypatch):
    for name, uid in (("a.dcm", "1.1"), ("b.dcm", "1.2")):
        drop(folder, name, encode(build_object(uid)))
    opened = Path.open

    def denied(path, *arguments, **options):
        if path.name == "a.dcm":
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", denied)
    assert looks(watch) == 1
    assert (folder / "a.dcm").exists()
    assert images.find(store, "1.2") is not None


def test_equal_names_do_not_overwrite_each_other(watch, folder):
    for uid in ("1.1", "1.2"):
        drop(folder, "chest.dcm", encode(build_object(uid)))
        looks(watch)
    assert {path.name for path in (folder / "taken").iterdir()} == {"chest.dcm", "chest-1.dcm"}


def test_a_full_disk_leaves_the_file_where_it_is(watch, folder, spool, monkeypatch):
    path = drop(folder, "chest.dcm", encode(build_object("1.1")))
    monkeypatch.setattr(spool, "_min_free_mb", 10**9)
    with pytest.raises(CapacityError):
        looks(watch)
    assert path.exists()
