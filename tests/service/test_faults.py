"""Faults of the machine, as real as a test can have them."""

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pynetdicom import AE
from tests.service.conftest import build_object, encode, free_port, wait_for

from pneumoscope.core import CapacityError
from pneumoscope.service.inbox import Inbox
from pneumoscope.service.spool import Spool
from pneumoscope.service.store import Route, State, database, images, open_store

MIB = 2**20


def take(inbox, ds):
    return inbox.take(encode(ds), caller="CR1", route=Route.UPLOAD)


def fill(inbox, numbers):
    for number in numbers:
        take(inbox, build_object(f"1.2.{number}", size=1024))


@pytest.fixture
def small_disk():
    """A file system of 8 MB."""
    place = Path("/mnt") / f"pneumoscope-{os.getpid()}"
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a file system of its own needs root and mount")
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        place.rmdir()
        pytest.skip(f"mount: {mounted.stderr.decode()}")
    yield place
    subprocess.run(["umount", place], check=True)
    place.rmdir()


@pytest.mark.req("REQ-SV-01")
def test_a_disk_that_is_really_full_takes_nothing_half_and_takes_again_once_there_is_room(small_disk, store):
    spool = Spool(small_disk, min_free_mb=-100)  # the disk itself says no, not the high-water mark before it
    inbox, numbers = Inbox(store, spool), iter(range(100))
    with pytest.raises(CapacityError, match="No space left"):
        fill(inbox, numbers)
    (first, *_) = taken = list(spool.objects())
    assert images.count_by_state(store)[State.RECEIVED] == len(taken) == next(numbers) - 1
    assert list((small_disk / "incoming").iterdir()) == []
    spool.delete(first[0])
    assert take(inbox, build_object("1.3", size=1024)).new


@pytest.mark.req("REQ-SV-01")
def test_while_another_process_holds_the_database_nothing_is_acknowledged_and_nothing_is_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "_BUSY_MS", 100)
    store, file = open_store(f"sqlite:///{tmp_path / 'queue.db'}"), encode(build_object())
    inbox = Inbox(store, Spool(tmp_path / "spool"))
    other = sqlite3.connect(tmp_path / "queue.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(CapacityError, match="expected a database that answers"):
        inbox.take(file, caller="CR1", route=Route.UPLOAD)
    other.execute("ROLLBACK")
    other.close()
    assert inbox.take(file, caller="CR1", route=Route.UPLOAD).new, "what was written is queued when it is sent again"
    assert images.count_by_state(store)[State.RECEIVED] == 1
    store.close()


def test_an_object_of_200_mb_is_taken_and_its_memory_given_back(tmp_path):
    if not Path("/proc/self/status").exists():
        pytest.skip("memory is read from /proc")
    port, pixels = free_port(), np.zeros((10_000, 10_000), np.uint16)
    ds = build_object("1.2.200", Rows=10_000, Columns=10_000, BitsAllocated=16, BitsStored=16, HighBit=15)
    ds.PixelData = pixels.tobytes()
    program = (
        "import sys, time; from pathlib import Path; from pneumoscope.service.config import NodeConfig; "
        "from pneumoscope.service.inbox import Inbox; from pneumoscope.service.scp import StorageScp; "
        "from pneumoscope.service.spool import Spool; from pneumoscope.service.store import open_store; "
        "inbox = Inbox(open_store('sqlite:///queue.db'), Spool(Path('spool'))); "
        "StorageScp(NodeConfig(port=int(sys.argv[1])), inbox=inbox).start(); time.sleep(999)"
    )
    node = subprocess.Popen([sys.executable, "-c", program, str(port)], cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        with wait_for(lambda: _connected(port)):
            before = _memory_mb(node.pid, "VmRSS")
        ae = AE(ae_title="CR1")
        ae.add_requested_context(ds.SOPClassUID, ds.file_meta.TransferSyntaxUID)
        assoc = ae.associate("127.0.0.1", port, ae_title="PNEUMOSCOPE")
        assert assoc.send_c_store(ds).Status == 0x0000
        assoc.release()
        assert _memory_mb(node.pid, "VmHWM") - before < 2.5 * 200
        wait_for(lambda: _memory_mb(node.pid, "VmRSS") - before < 50, seconds=20)
    finally:
        node.kill()
        node.wait()


def _connected(port):
    try:
        return socket.create_connection(("127.0.0.1", port))
    except ConnectionRefusedError:
        return None


def _memory_mb(pid, name):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(name))) // 1024


def test_the_page_of_faults_says_what_the_figures_say():
    program = "from benchmarks.node_page import PAGE, text; assert PAGE.read_text() == text(), 'make faults'"
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=True)
