"""The fault campaign: `kill -9` at random moments under load; what was acknowledged must never be lost.

    make faults                                     200 kills of one node on SQLite, then 40 of two on one PostgreSQL
    python -m benchmarks.faults --kills 20 --kills-of-two 0

A client sends radiographs, some for each kill, and sends again only what was not acknowledged: with two nodes, to the
other one. A node is killed and started again, over and over; one time in five without waiting until it listens. The
PACS refuses one object in twenty for now, and takes one in fifty without an answer. At the end every acknowledged
object must be done, refused or failed in the queue, and every object that a node made of it must be in the PACS, under
one UID and with one content. The figures go to `benchmarks/results`, and from there into `docs/explanation/faults.md`.
"""

import argparse
import itertools
import json
import os
import platform
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchmarks.node_client import Pacs, Sender, mixed
from sqlalchemy import select
from tests.service.postgresql import postgresql, what_is_missing

from benchmarks import node_page
from pneumoscope.service.store import State, Store, images, open_store
from pneumoscope.service.store.tables import deliveries
from pneumoscope.service.store.tables import images as image_table

DRAIN_S = 900.0


def main() -> None:
    """Runs the campaigns, writes their figures, and fails if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="of one node on SQLite")
    parser.add_argument("--kills-of-two", type=int, default=40, help="of two nodes on one PostgreSQL")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--objects", type=int, default=5, help="objects that the clients send for each kill")
    parser.add_argument("--minutes", type=float, default=60.0, help="stop killing after so long, and say how often")
    parser.add_argument("--longest-life-s", type=float, default=3.0)
    options = parser.parse_args()
    campaigns = [campaign(options, kills=options.kills, n_nodes=1, database=None)]
    if options.kills_of_two and (reason := what_is_missing()):
        print(f"two nodes: not run: {reason}", file=sys.stderr)
    elif options.kills_of_two:
        with postgresql() as url:
            campaigns.append(campaign(options, kills=options.kills_of_two, n_nodes=2, database=url))
    write({"campaigns": campaigns}, name="faults")
    sound = all(not one["lost"] and not one["unfinished"] and one["acknowledged"] for one in campaigns)
    sys.exit(0 if sound else 1)


def campaign(options: argparse.Namespace, *, kills: int, n_nodes: int, database: str | None) -> dict[str, object]:
    """Kills, drains, counts."""
    chance = random.Random(options.seed)
    folder = Path(tempfile.mkdtemp(prefix="pneumoscope-faults-"))
    pacs = Pacs(port=free_port(), chance=random.Random(options.seed))
    pacs.start()
    ports = [free_port() for _ in range(n_nodes)]
    configs = [configure(folder, port, pacs_port=pacs.port, database=database) for port in ports]
    nodes = [start(config) for config in configs]
    started = time.monotonic()
    try:
        with sending(ports) as (senders, due):
            done = 0
            while done < kills and time.monotonic() - started < 60 * options.minutes:
                due.release(options.objects)
                victim = chance.randrange(n_nodes)
                if chance.random() >= 0.2:
                    await_port(ports[victim], of=nodes[victim])
                time.sleep(chance.uniform(0.0, options.longest_life_s))
                nodes[victim].kill()
                nodes[victim].wait()
                nodes[victim] = start(configs[victim])
                done += 1
        store = open_store(database or f"sqlite:///{folder / 'spool' / 'queue.db'}")
        drained = drain(store)
        minutes = round((time.monotonic() - started) / 60, 1)
        about = {"nodes": n_nodes, "database": store.engine.dialect.name, "kills": done, "minutes": minutes}
        found = about | {"drained": drained} | count(store, senders, pacs)
        if drained and not found["lost"]:
            shutil.rmtree(folder)
        else:
            print(f"nodes' logs and queue: {folder}", file=sys.stderr)
        return found
    finally:
        for node in nodes:
            node.terminate()
            node.wait()
        pacs.stop()


@contextmanager
def sending(ports: list[int]) -> Iterator[tuple[list[Sender], threading.Semaphore]]:
    """A client for each node, which turns to the next one where its own does not answer; stopped after the block."""
    stop, due, numbers = threading.Event(), threading.Semaphore(0), itertools.count()
    senders = [Sender(*ports[first:], *ports[:first]) for first in range(len(ports))]
    work = partial(feed, numbers=numbers, due=due, stop=stop)
    clients = [threading.Thread(target=work, args=(sender,), daemon=True) for sender in senders]
    for client in clients:
        client.start()
    try:
        yield senders, due
    finally:
        stop.set()
        for client in clients:
            client.join()


def configure(folder: Path, port: int, *, pacs_port: int, database: str | None) -> Path:
    """A node's configuration file."""
    lines = [
        f"[node]\nport = {port}\n[web]\nport = 0\n[store]\npath = '{folder / 'spool'}'\nmin_free_mb = 100",
        f"database = '{database}'" if database else "",
        "[reading]\nbatch = 4\nattempts = 50\n[study]\ncomplete_after_s = 5.0",
        f"[[destination]]\nname = 'pacs'\nae_title = 'PACS'\nport = {pacs_port}\nlongest_delay_s = 5.0",
    ]
    file = folder / f"node-{port}.toml"
    file.write_text("\n".join(lines))
    return file


def start(config: Path) -> subprocess.Popen[bytes]:
    """A node as a process of its own."""
    command = [sys.executable, "-m", "pneumoscope", "serve", "--config", str(config)]
    with (config.parent / f"{config.stem}.log").open("ab") as log:
        # Byte code is kept, as where the package is installed: else most of a node's life would be spent compiling.
        return subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"PYTHONDONTWRITEBYTECODE": ""})


def await_port(port: int, *, of: subprocess.Popen[bytes], seconds: float = 300.0) -> None:
    """Returns once the process listens.

    Raises:
        SystemExit: It ended by itself, or takes too long.
    """
    until = time.monotonic() + seconds
    while of.poll() is None and time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(
        f"expected port {port} to listen, found it {'silent' if of.returncode is None else 'ended'}: {of.args}"
    )


def feed(sender: Sender, *, numbers: Iterator[int], due: threading.Semaphore, stop: threading.Event) -> None:
    """Sends as many objects as are due, each until it is acknowledged."""
    while not stop.is_set():
        if due.acquire(timeout=0.2):
            sender.send(mixed(next(numbers)), stop=stop)
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


def count(store: Store, senders: list[Sender], pacs: Pacs) -> dict[str, object]:
    """What became of every acknowledged object, and of every object made of it."""
    with store.reading() as connection:
        states = dict(connection.execute(select(image_table.c.uid, image_table.c.state)).all())
        made = set(connection.execute(select(deliveries.c.object)).scalars())
    final = {State.DONE, State.REFUSED, State.FAILED}
    acknowledged = {uid for sender in senders for uid in sender.acknowledged}
    lost = [uid for uid in acknowledged if uid not in states]
    unfinished = [uid for uid in acknowledged if uid in states and states[uid] not in final]
    undelivered = made - set(pacs.received)
    return {
        "acknowledged": len(acknowledged),
        "not_answered_and_sent_again": sum(sender.unanswered for sender in senders),
        **{state.value: sum(states.get(uid) == state for uid in acknowledged) for state in sorted(final)},
        "objects_made": len(made),
        "objects_in_pacs": len(pacs.received),
        "refused_by_pacs_for_now": pacs.refused,
        "taken_by_pacs_without_answer": pacs.unanswered,
        "delivered_more_than_once": sum(number > 1 for number in pacs.received.values()),
        "uid_with_other_content": len(pacs.changed),
        "unfinished": len(unfinished),
        "lost": len(lost) + len(undelivered),
        "lost_uids": sorted([*lost, *undelivered])[:20],
    }


def write(figures: dict[str, object], *, name: str) -> None:
    """Writes figures to `benchmarks/results` in place of older ones, prints them, and draws their page."""
    now = datetime.now(UTC)
    machine = {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}
    text = json.dumps({"at": now.isoformat(timespec="seconds"), "machine": machine} | figures, indent=2)
    for old in node_page.RESULTS.glob(f"{name}-*.json"):
        old.unlink()
    (node_page.RESULTS / f"{name}-{now:%Y%m%dT%H%M%SZ}.json").write_text(text + "\n")
    print(text)
    node_page.draw()


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
