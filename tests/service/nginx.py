"""The real nginx as a reverse proxy, from a folder of its own and on loopback."""

import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.service.conftest import wait_for

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

_SETTINGS = """daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
{servers} }}
"""


def start_nginx(folder: Path, servers: str, *, changes: Mapping[str, str], port: int) -> subprocess.Popen[bytes]:
    """Starts nginx with these server blocks, each text in `changes` replaced; returns when the port answers."""
    for old, new in changes.items():
        assert old in servers, old
        servers = servers.replace(old, new)
    (folder / "nginx.conf").write_text(_SETTINGS.format(folder=folder, servers=servers))
    command = [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    wait_for(lambda: process.poll() is not None or _listens(port), seconds=60)
    assert process.poll() is None, (folder / "error.log").read_text()
    return process


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
