import hashlib
import io
import tarfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pneumoscope.core import ConfigError, InputError, RemoteError
from pneumoscope.datasets.archives import nih_archives, unpack
from pneumoscope.datasets.download import RemoteFile, download

CONTENT = bytes(range(256)) * 4000


class Server:
    """A local server that hangs up after `drop_after` bytes of an answer, as often as `drops` says."""

    def __init__(self) -> None:
        self.drops, self.drop_after, self.ranges, self.status = 0, 300_000, True, 200
        self.asked: list[str] = []
        self.at_once, self.most_at_once = 0, 0
        self.lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(CONTENT)))
                self.end_headers()

            def do_GET(self) -> None:
                with server.lock:
                    server.at_once += 1
                    server.most_at_once = max(server.most_at_once, server.at_once)
                    server.asked.append(self.headers.get("Range", "all"))
                    drop, server.drops = server.drops > 0, server.drops - 1
                server.answer(self, drop=drop)
                with server.lock:
                    server.at_once -= 1

            def log_message(self, *words: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler, *, drop: bool) -> None:
        asked = request.headers.get("Range")
        begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.ranges else 0
        status = self.status if self.status != 200 else 206 if begin else 200
        body = CONTENT[begin:]
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body[: self.drop_after] if drop else body)


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.http.shutdown()
    running.http.server_close()


def file(server: Server, name: str = "a.bin", **told: object) -> RemoteFile:
    return RemoteFile(url=f"{server.address}/{name}", name=name, md5=hashlib.md5(CONTENT).hexdigest(), **told)


def fetch(files: list[RemoteFile], folder: Path, **options: object) -> list[Path]:
    return [one.path for one in download(files, folder, pause_s=0.001, **options)]


def test_a_dropped_connection_is_taken_up_where_it_ended(server: Server, tmp_path: Path) -> None:
    server.drops = 3
    told: list[int] = []
    (path,) = fetch([file(server)], tmp_path, said=told.append)
    assert path.read_bytes() == CONTENT
    assert server.asked == ["all", "bytes=300000-", "bytes=600000-", "bytes=900000-"]
    assert sum(told) == len(CONTENT)
    assert [one.name for one in tmp_path.iterdir()] == ["a.bin"]


def test_a_broken_run_is_gone_on_with_and_a_whole_file_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.bin.part").write_bytes(CONTENT[:1000])
    fetch([file(server)], tmp_path)
    assert server.asked == ["bytes=1000-"]
    fetch([file(server)], tmp_path)
    assert server.asked == ["bytes=1000-"]


def test_a_server_without_ranges_sends_it_all_again(server: Server, tmp_path: Path) -> None:
    server.drops, server.ranges = 1, False
    (path,) = fetch([file(server)], tmp_path)
    assert path.read_bytes() == CONTENT


def test_several_files_come_at_once(server: Server, tmp_path: Path) -> None:
    held = threading.Barrier(2, timeout=10)
    answer = server.answer

    def together(request: BaseHTTPRequestHandler, *, drop: bool) -> None:
        held.wait()
        answer(request, drop=drop)

    server.answer = together
    assert len(fetch([file(server, "a.bin"), file(server, "b.bin")], tmp_path, at_once=2)) == 2
    assert server.most_at_once == 2


def test_a_file_of_another_checksum_is_removed_and_refused(server: Server, tmp_path: Path) -> None:
    wrong = RemoteFile(url=f"{server.address}/a.bin", name="a.bin", md5="0" * 32)
    with pytest.raises(RemoteError, match=f"MD5 {'0' * 32}; found {len(CONTENT)} bytes, MD5 {file(server).md5}"):
        fetch([wrong], tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_server_that_goes_on_dropping_is_given_up_and_what_came_is_kept(server: Server, tmp_path: Path) -> None:
    server.drops, server.drop_after = 1000, 0
    (tmp_path / "a.bin.part").write_bytes(CONTENT[:1000])
    with pytest.raises(RemoteError, match=r"found 1000 after 3 attempts without progress .*run again"):
        fetch([file(server)], tmp_path, attempts=3)
    assert (tmp_path / "a.bin.part").stat().st_size == 1000


@pytest.mark.parametrize(("status", "asked"), [(404, 1), (503, 3)])
def test_a_refusal_is_final_and_a_busy_server_is_asked_again(
    status: int, asked: int, server: Server, tmp_path: Path
) -> None:
    server.status = status
    with pytest.raises(RemoteError, match=f"HTTP {status}"):
        fetch([file(server)], tmp_path, attempts=3)
    assert len(server.asked) == asked


def test_nothing_is_fetched_where_the_disk_has_not_the_space(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"expected 9\d{8}\.\d GB free .* nothing fetched"):
        fetch([file(server, size_bytes=900_000_000 * 10**9)], tmp_path)
    assert not server.asked


def test_nobody_at_the_other_end_is_an_error_of_the_remote(tmp_path: Path) -> None:
    with pytest.raises(RemoteError, match=r"127\.0\.0\.1:9/a"):
        fetch([RemoteFile(url="http://127.0.0.1:9/a", name="a")], tmp_path)


def test_nihs_archives_are_twelve_of_42_gib() -> None:
    archives = nih_archives()
    assert [one.name for one in archives] == [f"images_{number:03}.tar.gz" for number in range(1, 13)]
    assert sum(one.size_bytes for one in archives) / 2**30 == pytest.approx(42, abs=0.1)
    assert len({one.md5 for one in archives}) == len({one.url for one in archives}) == 12
    assert nih_archives(mirror="http://here/")[0].url == "http://here/images_001.tar.gz"


def _archive(path: Path, name: str) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        member = tarfile.TarInfo(name)
        member.size = 3
        tar.addfile(member, io.BytesIO(b"abc"))
    return path


def test_an_archive_is_unpacked_into_the_layout_that_the_importer_looks_for(tmp_path: Path) -> None:
    folder = unpack(_archive(tmp_path / "images_001.tar.gz", "images/00000001_000.png"))
    assert folder == tmp_path / "images_001"
    assert (folder / "images" / "00000001_000.png").read_bytes() == b"abc"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images_001", "images_001.tar.gz"]


@pytest.mark.parametrize("make", [lambda path: _archive(path, "../../evil"), lambda path: path.write_bytes(b"no tar")])
def test_an_archive_that_leads_out_or_is_torn_is_refused_and_leaves_nothing(
    make: Callable[[Path], object], tmp_path: Path
) -> None:
    path = tmp_path / "deep" / "images_001.tar.gz"
    path.parent.mkdir()
    make(path)
    with pytest.raises(InputError, match=str(path)):
        unpack(path)
    assert [one.name for one in path.parent.iterdir()] == ["images_001.tar.gz"]
