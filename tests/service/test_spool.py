"""What the spool promises: names that survive a power failure, files as they were written."""

import errno
import os
import stat

import pytest

from pneumoscope.core import CapacityError


@pytest.fixture
def synced(monkeypatch):
    """Folders that were synced, in order, each with the names in it at that moment."""
    seen, fsync = [], os.fsync

    def note(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            seen.append(sorted(os.listdir(descriptor)))  # noqa: PTH208  pathlib knows no descriptors
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    return seen


@pytest.mark.req("REQ-SV-01")
def test_an_objects_name_is_synced_after_it_is_there(spool, synced):
    relative, _ = spool.add_object("1.1", [b"content"])
    assert synced == [[relative.rpartition("/")[2]]]
    spool.replace_object("1.1", [b"other"])
    assert len(synced) == 2


@pytest.mark.req("REQ-SV-01")
def test_results_and_their_folder_are_synced_before_anyone_is_told(spool, synced):
    folder = spool.write_result("1.1", {"a": b"1", "b": b"2"})
    assert synced == [["a", "b"], [folder.rpartition("/")[2]]]
    file = spool.write_study("1.2", b"{}")
    assert synced[-1] == [file.rpartition("/")[2]]


@pytest.mark.req("REQ-SV-02")
def test_a_result_that_the_disk_does_not_keep_as_written_is_an_error_of_the_disk(spool, monkeypatch):
    write = os.write
    opened = type(spool.root).open

    def corrupt(path, *arguments, **options):
        file = opened(path, *arguments, **options)
        if "incoming" in str(path) and arguments and "w" in arguments[0]:
            write(file.fileno(), b"x")
        return file

    monkeypatch.setattr(type(spool.root), "open", corrupt)
    with pytest.raises(CapacityError, match="differs from what was written"):
        spool.write_result("1.1", {"a": b"1"})
    assert errno.EIO


def test_an_earlier_object_is_never_replaced_by_a_new_one(spool):
    relative, fresh = spool.add_object("1.1", [b"first"])
    assert fresh
    assert spool.add_object("1.1", [b"second"]) == (relative, False)
    assert spool.path(relative).read_bytes() == b"first"
