"""A PostgreSQL server of our own, from Debian's programs: for the tests and for the fault campaign."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path


def what_is_missing() -> str | None:
    """Why there can be no server here; None where there can."""
    if not _programs():
        return "PostgreSQL not found: apt-get install postgresql"
    if find_spec("psycopg") is None:
        return "psycopg not found: pip install 'pneumoscope[postgresql]'"
    if os.geteuid() == 0 and (shutil.which("runuser") is None or "postgres" not in {u.pw_name for u in pwd.getpwall()}):
        return "as root, expected runuser and the user postgres"
    return None


@contextmanager
def postgresql() -> Iterator[str]:
    """URL of a server with an empty database; both are gone after the block."""
    programs, as_owner = _programs()[-1], []
    folder = Path(tempfile.mkdtemp(prefix="pneumoscope-pg-"))
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(folder, "postgres")
        as_owner = ["runuser", "-u", "postgres", "--"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(*command: object) -> None:
        subprocess.run([*as_owner, *map(str, command)], check=True, capture_output=True, cwd="/", timeout=60)

    try:
        run(programs / "initdb", "-D", folder / "db", "-A", "trust", "-U", "tester", "--no-sync", "-E", "UTF8")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        run(programs / "pg_ctl", "-D", folder / "db", "-l", folder / "log", "-w", "-o", options, "start")
        try:
            yield f"postgresql+psycopg://tester@127.0.0.1:{port}/postgres"
        finally:
            run(programs / "pg_ctl", "-D", folder / "db", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> list[Path]:
    return sorted(initdb.parent for initdb in Path("/usr/lib/postgresql").glob("*/bin/initdb"))
