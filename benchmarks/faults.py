"""The fault campaign: `kill -9` at random moments under load; what was acknowledged must never be lost.

    make faults                                       200 kills of one node on SQLite
    python benchmarks/faults.py --kills 60 -o FILE    fewer, and the figures in a file
    python benchmarks/faults.py --nodes 2 --database postgresql+psycopg://USER@HOST/NAME

A client sends radiographs, some for each kill, and sends again only what was not acknowledged. The node is killed and
started again, over and over; one time in five before it listens. At the end every acknowledged object must be done,
refused or failed in the queue, and every object that the node made of it must be in the PACS, under one UID and with
one content.
"""

import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from node_client import Pacs, Sender, mixed
from sqlalchemy import select

from pneumoscope.service.store import State, Store, images, open_store
from pneumoscope.service.store.tables import deliveries
from pneumoscope.service.store.tables import images as image_table

DRAIN_S = 900.0


def main() -> None:
    """Runs one campaign and prints its figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--nodes", type=int, default=1, help="nodes on one queue; more than one need --database")
    parser.add_argument("--database", default=None, help="SQLAlchemy URL; default: SQLite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--objects", type=int, default=5, help="objects that the client sends for each kill")
    parser.add_argument("--minutes", type=float, default=120.0, help="stop killing after so long, and say how often")
    parser.add_argument("--longest-life-s", type=float, default=3.0)
    parser.add_argument("-o", "--output", type=Path, default=None, help="file for the figures, besides the terminal")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pneumoscope-faults-"))
    try:
        figures = campaign(options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    write(figures, options.output)
    sys.exit(1 if figures["lost"] or figures["unfinished"] or not figures["acknowledged"] else 0)


def campaign(options: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Kills, drains, counts."""
    chance = random.Random(options.seed)
    pacs = Pacs(port=free_port())
    pacs.start()
    ports = [free_port() for _ in range(options.nodes)]
    configs = [configure(folder, port, pacs_port=pacs.port, database=options.database) for port in ports]
    stop, due = threading.Event(), threading.Semaphore(0)
    sender = Sender(ports[0])
    client = threading.Thread(target=feed, args=(sender,), kwargs={"due": due, "stop": stop}, daemon=True)
    started = time.monotonic()
    client.start()
    nodes = [start(config) for config in configs]
    kills = 0
    while kills < options.kills and time.monotonic() - started < 60 * options.minutes:
        due.release(options.objects)
        victim = chance.randrange(options.nodes)
        if chance.random() >= 0.2:
            await_port(ports[victim])
        time.sleep(chance.uniform(0.0, options.longest_life_s))
        os.kill(nodes[victim].pid, signal.SIGKILL)
        nodes[victim].wait()
        nodes[victim] = start(configs[victim])
        kills += 1
    stop.set()
    client.join()
    store = open_store(options.database or f"sqlite:///{folder / 'spool' / 'queue.db'}")
    drained = drain(store)
    figures = count(store, sender, pacs) | {
        "kills": kills,
        "nodes": options.nodes,
        "minutes": round((time.monotonic() - started) / 60, 1),
        "drained": drained,
    }
    for node in nodes:
        node.terminate()
        node.wait()
    pacs.stop()
    return figures


def configure(folder: Path, port: int, *, pacs_port: int, database: str | None) -> Path:
    """A node's configuration file."""
    lines = [
        f"[node]\nport = {port}\n[web]\nport = 0\n[store]\npath = '{folder / 'spool'}'\nmin_free_mb = 100",
        f"database = '{database}'" if database else "",
        "[reading]\nbatch = 4\nattempts = 50\n[study]\ncomplete_after_s = 5.0",
        f"[[destination]]\nname = 'pacs'\nae_title = 'PACS'\nport = {pacs_port}",
    ]
    file = folder / f"node-{port}.toml"
    file.write_text("\n".join(lines))
    return file


def start(config: Path) -> subprocess.Popen[bytes]:
    """A node as a process of its own."""
    command = [sys.executable, "-m", "pneumoscope", "serve", "--config", str(config)]
    with (config.parent / f"{config.stem}.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def await_port(port: int, *, seconds: float = 300.0) -> None:
    """Returns once something listens."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"the node did not listen on port {port} within {seconds:.0f} s")


def feed(sender: Sender, *, due: threading.Semaphore, stop: threading.Event) -> None:
    """Sends as many objects as are due, each until it is acknowledged."""
    number = 0
    while not stop.is_set():
        if due.acquire(timeout=0.2):
            sender.send(mixed(number), stop=stop)
            number += 1
    sender.close()


def drain(store: Store) -> bool:
    """Waits until nothing is left to do; False if that takes too long."""
    until = time.monotonic() + DRAIN_S
    while time.monotonic() < until:
        counts = images.count_by_state(store)
        if not any(counts[state] for state in (State.RECEIVED, State.READING, State.DELIVERING)):
            return True
        time.sleep(1)
    return False


def count(store: Store, sender: Sender, pacs: Pacs) -> dict[str, object]:
    """What became of every acknowledged object, and of every object made of it."""
    with store.reading() as connection:
        states = dict(connection.execute(select(image_table.c.uid, image_table.c.state)).all())
        made = set(connection.execute(select(deliveries.c.object)).scalars())
    final = {State.DONE, State.REFUSED, State.FAILED}
    acknowledged = set(sender.acknowledged)
    lost = [uid for uid in acknowledged if uid not in states]
    unfinished = [uid for uid in acknowledged if uid in states and states[uid] not in final]
    undelivered = made - set(pacs.received)
    return {
        "acknowledged": len(acknowledged),
        "not_answered_and_sent_again": sender.unanswered,
        **{state.value: sum(states.get(uid) == state for uid in acknowledged) for state in sorted(final)},
        "objects_made": len(made),
        "objects_in_pacs": len(pacs.received),
        "delivered_more_than_once": sum(number > 1 for number in pacs.received.values()),
        "uid_with_other_content": len(pacs.changed),
        "unfinished": len(unfinished),
        "lost": len(lost) + len(undelivered),
        "lost_uids": sorted([*lost, *undelivered])[:20],
    }


def write(figures: dict[str, object], file: Path | None) -> None:
    """Prints figures as JSON, and writes them where that is asked for."""
    text = json.dumps(figures, indent=2)
    if file is not None:
        file.write_text(text + "\n")
    print(text)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
