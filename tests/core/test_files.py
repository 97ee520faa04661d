import errno
import hashlib
import os
from pathlib import Path

import pytest

from pneumoscope.core import ConfigError, atomic_path, sha256_of, write_atomically


def test_a_file_is_written_into_a_folder_that_is_made_for_it(tmp_path: Path) -> None:
    target = tmp_path / "new" / "table.csv"
    write_atomically(target, "a,b\n1,ü\n")
    assert target.read_bytes() == "a,b\n1,ü\n".encode()
    assert [path.name for path in target.parent.iterdir()] == ["table.csv"]


def test_a_block_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    write_atomically(target, b"old")

    def torn() -> None:
        with atomic_path(target) as unfinished:
            unfinished.write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        torn()
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_the_target_does_not_change_before_the_block_ends_and_the_suffix_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "figure.png"
    with atomic_path(target) as unfinished:
        unfinished.write_bytes(b"png")
        assert not target.exists()
        assert unfinished.suffix == ".png"
        assert unfinished.parent == tmp_path
    assert target.read_bytes() == b"png"


def test_two_writers_of_one_file_do_not_share_an_unfinished_file(tmp_path: Path) -> None:
    target = tmp_path / "line.json"
    with atomic_path(target) as first, atomic_path(target) as second:
        assert first != second
        first.write_bytes(b"1")
        second.write_bytes(b"2")
    assert target.read_bytes() == b"1"


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    target = tmp_path / "results.csv"

    def full() -> None:
        with atomic_path(target):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ConfigError, match=r"results\.csv: the disk is full"):
        full()


def test_a_folder_that_is_a_file_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"expected a writable place with free space, found .*taken"):
        write_atomically(tmp_path / "taken" / "a.csv", b"x")


def test_a_durable_file_and_its_folder_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    real = os.fsync

    def spy(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        real(handle)

    monkeypatch.setattr(os, "fsync", spy)
    write_atomically(tmp_path / "a.dcm", b"x", durable=True)
    assert len(synced) == 2
    assert synced[0].endswith(".part.dcm")
    assert synced[1] == tmp_path.name
    synced.clear()
    write_atomically(tmp_path / "a.dcm", b"x")
    assert not synced


def test_a_checksum_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"abc")
    assert sha256_of(path) == sha256_of(b"abc") == hashlib.sha256(b"abc").hexdigest()
