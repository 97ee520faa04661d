"""Load on the node: acceptance beside DCMTK's storescp and Orthanc, reading with 1 and 2 workers, memory over time.

    make load                                           a quarter of an hour at most
    python -m benchmarks.node_load --minutes 60         memory over all 20,000 objects, however long they take

All three archives take the same files from the same `dcmsend`, by turns, on loopback; numbers to trust are ratios of
one run. Ours alone forces every object to the disk (fsync) before it answers. The figures go to `benchmarks/results`,
and from there into `docs/explanation/faults.md`.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from benchmarks.faults import await_port, free_port, write
from benchmarks.node_client import Sender, chest, small
from pydicom import Dataset, dcmwrite

from pneumoscope.service.store import State, images, open_store, results
from pneumoscope.service.triage import latency

Archive = Callable[[Path, int], list[str]]

MARK = 500
"""Objects between two looks at the memory."""


def main() -> None:
    """Runs the three parts and prints their figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=200, help="objects a turn in the comparison")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--read", type=int, default=60, help="images to read with each number of workers")
    parser.add_argument("--memory", type=int, default=20_000, help="small objects over which memory is watched")
    parser.add_argument("--minutes", type=float, default=8.0, help="no new object for the memory after so long")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pneumoscope-load-"))
    try:
        figures = {
            "acceptance": acceptance(folder, n=options.objects, turns=options.turns),
            "reading": [reading(folder / f"read{n}", n_workers=n, n=options.read) for n in (1, 2)],
            "memory": memory(folder / "memory", n=options.memory, seconds=60 * options.minutes),
        }
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    write(figures, name="node_load")


def acceptance(folder: Path, *, n: int, turns: int) -> dict[str, object]:
    """Objects a second that each archive acknowledges to one association; medians of the turns."""
    files = folder / "files"
    files.mkdir()
    for number in range(n):
        dcmwrite(files / f"{number}.dcm", chest(number), enforce_file_format=True)
    rates: dict[str, list[float]] = {}
    for turn in range(turns):
        for name, start in {"pneumoscope": ours, "storescp": storescp, "orthanc": orthanc}.items():
            if name != "pneumoscope" and shutil.which({"orthanc": "Orthanc"}.get(name, name)) is None:
                continue
            place = folder / f"{name}{turn}"
            place.mkdir()
            rates.setdefault(name, []).append(n / timed(start, place, files))
    middle = {name: round(median(values), 1) for name, values in rates.items()}
    fastest = max((rate for name, rate in middle.items() if name != "pneumoscope"), default=float("nan"))
    return {"objects": n, "per_second": middle, "ours_over_fastest_other": round(middle["pneumoscope"] / fastest, 2)}


def timed(start: Archive, place: Path, files: Path) -> float:
    """Seconds that `dcmsend` takes for the files.

    DCMTK, and Orthanc with it, would hold small answers back until the last one was acknowledged (Nagle's algorithm),
    some 40 ms an object on loopback: it is told not to. What others have left to be written is written first.
    """
    os.sync()
    port, environment = free_port(), os.environ | {"TCP_NODELAY": "1"}
    server = subprocess.Popen(
        start(place, port), cwd=place, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        await_port(port, of=server)
        begun = time.perf_counter()
        command = ["dcmsend", "-aec", "ARCHIVE", "+sd", "127.0.0.1", str(port), str(files)]
        subprocess.run(command, check=True, capture_output=True, env=environment)
        return time.perf_counter() - begun
    finally:
        server.terminate()
        server.wait()


def ours(place: Path, port: int) -> list[str]:
    """The node's DICOM port, spool and queue, without readers."""
    code = (
        "import sys, time; from pathlib import Path; from pneumoscope.service.config import NodeConfig; "
        "from pneumoscope.service.inbox import Inbox; from pneumoscope.service.scp import StorageScp; "
        "from pneumoscope.service.spool import Spool; from pneumoscope.service.store import open_store; "
        "place = Path(sys.argv[1]); "
        "inbox = Inbox(open_store(f'sqlite:///{place}/queue.db'), Spool(place / 'spool')); "
        "StorageScp(NodeConfig(ae_title='ARCHIVE', port=int(sys.argv[2])), inbox=inbox).start(); time.sleep(9999)"
    )
    return [sys.executable, "-c", code, str(place), str(port)]


def storescp(place: Path, port: int) -> list[str]:
    """DCMTK's, which takes every transfer syntax and writes to a folder."""
    return ["storescp", "+xa", "-aet", "ARCHIVE", "-od", str(place), str(port)]


def orthanc(place: Path, port: int) -> list[str]:
    """Orthanc with its SQLite index."""
    web = free_port()
    config = {"DicomAet": "ARCHIVE", "DicomPort": port, "HttpPort": web, "StorageDirectory": "db"}
    config |= {"IndexDirectory": "db", "RemoteAccessAllowed": False, "AuthenticationEnabled": False}
    (place / "orthanc.json").write_text(json.dumps(config))
    return ["Orthanc", str(place / "orthanc.json")]


def start_node(folder: Path, *, n_workers: int) -> tuple[subprocess.Popen[bytes], int]:
    """A whole node without destinations."""
    folder.mkdir()
    port = free_port()
    config = folder / "node.toml"
    config.write_text(
        f"[node]\nport = {port}\n[web]\nport = 0\n[store]\npath = '{folder / 'spool'}'\nmin_free_mb = 100\n"
        f"[reading]\nworkers = {n_workers}\n"
    )
    command = [sys.executable, "-m", "pneumoscope", "serve", "--config", str(config), "--json"]
    node = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    await_port(port, of=node)
    return node, port


def reading(folder: Path, *, n_workers: int, n: int) -> dict[str, object]:
    """Images a second from the first one sent to the last result, and the time from receipt to result."""
    node, port = start_node(folder, n_workers=n_workers)
    try:
        begun = time.perf_counter()
        send_all(port, (chest(number) for number in range(n)))
        store = open_store(f"sqlite:///{folder / 'spool' / 'queue.db'}")
        while images.count_by_state(store)[State.DONE] < n:
            time.sleep(0.1)
        seconds = time.perf_counter() - begun
        found = latency(results.times_to_result(store, since=0.0))
        assert found is not None, "images were read"
        return {
            "workers": n_workers,
            "images": n,
            "per_second": round(n / seconds, 2),
            "median_s": round(found.median_s, 2),
            "p95_s": round(found.p95_s, 2),
            "p99_s": round(found.p99_s, 2),
        }
    finally:
        node.terminate()
        node.wait()


def memory(folder: Path, *, n: int, seconds: float) -> dict[str, object]:
    """Resident memory, MB, as objects come; fewer objects than `n` where time runs out."""
    node, port = start_node(folder, n_workers=1)
    try:
        store = open_store(f"sqlite:///{folder / 'spool' / 'queue.db'}")
        marks: dict[int, int] = {}
        until = time.monotonic() + seconds
        for last in range(MARK, n + 1, MARK):
            send_all(port, (small(number) for number in range(last - MARK, last)))
            while images.count_by_state(store)[State.REFUSED] < last:
                time.sleep(0.2)
            marks[last] = resident_mb(node.pid)
            if time.monotonic() > until:
                break
        return {"objects": last, "mb_after": marks}
    finally:
        node.terminate()
        node.wait()


def send_all(port: int, objects: Iterator[Dataset]) -> None:
    """Sends objects over one association."""
    sender, never = Sender(port), threading.Event()
    for ds in objects:
        sender.send(ds, stop=never)
    sender.close()


def resident_mb(pid: int) -> int:
    """Resident set of a process."""
    words = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in words.splitlines() if line.startswith("VmRSS"))) // 1024


if __name__ == "__main__":
    main()
