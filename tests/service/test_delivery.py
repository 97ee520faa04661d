"""DeliveryWorkers against peers that are down, hang, refuse or come back; senders against real ones."""

import hashlib
import json
import socket
import struct
import subprocess
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pynetdicom import AE, evt
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from tests.results.conftest import build_header, build_refused
from tests.service.conftest import build_arrival, build_object, encode, free_port, wait_for

from pneumoscope.core import RemoteError
from pneumoscope.results import not_analysed_report
from pneumoscope.service.config import Destination
from pneumoscope.service.delivery import DeliveryWorker, PeerDownError, RejectedError, backoff_s, open_sender
from pneumoscope.service.delivery.dicom import SENT_CLASSES
from pneumoscope.service.store import Delivery, DeliveryState, Parcel, Result, Route, What, deliveries, images, results

NEVER = threading.Event()


class Peer:
    """A sender that does what a test tells it."""

    def __init__(self, *answers):
        self.answers, self.sent = list(answers), []

    def send(self, delivery, _file):
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        self.sent.append(delivery.object)

    def close(self):
        pass


class Stop:
    """A stop signal that does not make a test wait."""

    def __init__(self):
        self.waited = []

    def is_set(self):
        return False

    def wait(self, seconds):
        self.waited.append(seconds)


@pytest.fixture
def queue(store, spool):
    """Queues objects for a destination and returns a worker of it."""

    def fill(keys, sender, **options):
        destination = Destination(name="pacs", ae_title="PACS", **options)
        images.add(store, build_arrival("1.1"))
        (image,) = images.claim(store, worker="w", limit=1, lease_s=60)
        values = dict.fromkeys(Result.__slots__)
        values |= {"image_id": image.id, "study_uid": "1", "status": "analysed", "model_sha256": "", "line": "{}"}
        parcels = [
            Parcel(destination="pacs", object=key, what=What.SR, image_id=image.id, study_uid="1", file="results/x")
            for key in keys
        ]
        results.record(store, Result(**(values | {"read_at": store.now()})), parcels=parcels)
        return DeliveryWorker(destination, name="c", store=store, spool=spool, sender=sender)

    return fill


def count(store, destination="pacs"):
    return {state: number for state, number in deliveries.count_by_destination(store)[destination].items() if number}


def test_delays_double_up_to_a_limit():
    assert [backoff_s(n, longest_s=60) for n in (1, 2, 3, 4, 5, 1000)] == [5, 10, 20, 40, 60, 60]


@pytest.mark.req("REQ-SV-02")
def test_a_peer_that_is_down_is_tried_again_ever_more_slowly_and_then_gets_everything(queue, store, clock):
    down, stop = PeerDownError("down"), Stop()
    peer = Peer(down, down, None)
    worker = queue(["a", "b", "c"], peer)
    worker.work(stop=stop)
    assert (stop.waited, count(store)) == ([5.0], {DeliveryState.WAITING: 3})
    clock.now += 5
    worker.work(stop=stop)
    assert stop.waited == [5.0, 10.0]
    clock.now += 9
    assert worker.work(stop=stop) == 0, "not yet due"
    clock.now += 1
    worker.work(stop=stop)
    assert peer.sent == ["a", "b", "c"]
    assert images.find(store, "1.1").state == "done"


@pytest.mark.req("REQ-SV-02")
def test_an_object_that_is_refused_for_good_becomes_a_dead_letter_and_holds_up_no_other(queue, store):
    peer = Peer(None, RejectedError("status C000"), None)
    queue(["a", "b", "c"], peer).work(stop=Stop())
    assert peer.sent == ["a", "c"]
    assert [letter.error for letter in deliveries.dead_letters(store)] == ["status C000"]
    assert images.find(store, "1.1").state == "delivering"


def test_an_object_that_is_refused_for_now_is_tried_again_while_others_go_on(queue, store, clock):
    peer = Peer(RemoteError("busy"))
    worker = queue(["a", "b"], peer)
    worker.work(stop=Stop())
    assert peer.sent == ["b"]
    clock.now += 5
    worker.work(stop=Stop())
    assert peer.sent == ["b", "a"]


def test_what_was_tried_in_vain_for_too_long_becomes_a_dead_letter_that_can_be_replayed(queue, store, clock):
    peer = Peer(*[PeerDownError("down")] * 2)
    worker = queue(["a"], peer, give_up_after_h=1.0)
    worker.work(stop=Stop())
    clock.now += 3601
    worker.work(stop=Stop())
    (letter,) = deliveries.dead_letters(store)
    assert deliveries.replay(store, letter.id)
    worker.work(stop=Stop())
    assert peer.sent == ["a"]


@pytest.mark.req("REQ-SV-02")
def test_an_unexpected_fault_with_one_object_is_that_objects_and_it_is_tried_again(queue, store, clock):
    peer = Peer(UnicodeEncodeError("ascii", "x", 0, 1, "odd"))
    worker = queue(["a", "b"], peer)
    worker.work(stop=Stop())
    assert peer.sent == ["b"]
    assert [one.error for one in deliveries.of_study(store, "1")] == ["sending ended with UnicodeEncodeError", ""]
    clock.now += 5
    worker.work(stop=Stop())
    assert peer.sent == ["b", "a"]


def test_what_was_sent_while_the_database_failed_is_written_down_later_and_not_sent_again(queue, store, monkeypatch):
    peer = Peer()
    worker = queue(["a", "b"], peer)
    with monkeypatch.context() as patch:
        patch.setattr(deliveries, "succeed", _fails)
        with pytest.raises(OperationalError):
            worker.work(stop=Stop())
    worker.work(stop=Stop())
    assert peer.sent == ["a", "b"]
    assert count(store) == {DeliveryState.DONE: 2}


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_result_file_that_is_not_as_it_was_written_is_a_dead_letter(queue, store, spool, damage):
    peer = Peer()
    worker = queue(["a", "b"], peer)
    (spool.root / "results" / "x").write_bytes(b"as written")
    digest = hashlib.sha256(b"as written").hexdigest()
    with store.writing() as connection:
        connection.execute(text("UPDATE deliveries SET sha256 = :sha WHERE object = 'a'"), {"sha": digest})
    if damage == "changed":
        (spool.root / "results" / "x").write_bytes(b"as wriTten")
    else:
        (spool.root / "results" / "x").unlink()
    worker.work(stop=Stop())
    assert peer.sent == ["b"]
    (letter,) = deliveries.dead_letters(store)
    assert letter.object == "a"
    assert "result file: expected it" in letter.error


def _fails(*_arguments):
    raise OperationalError("", {}, Exception("disk full"))


@pytest.fixture
def pacs():
    """A C-STORE SCP that answers with statuses from a list, then success."""
    servers = []

    def start(*statuses, classes=SENT_CLASSES, most=10):
        left, got = list(statuses), []

        def store(event):
            got.append((str(event.request.AffectedSOPInstanceUID), event.assoc))
            return left.pop(0) if left else 0x0000

        ae = AE(ae_title="PACS")
        ae.maximum_associations = most
        for sop_class in classes:
            ae.add_supported_context(sop_class)
        port = free_port()
        servers.append(ae.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, store)]))
        return port, got

    yield start
    for server in servers:
        server.shutdown()


@pytest.fixture
def notice(tmp_path):
    """A file with an object of ours, and a delivery of it."""
    path = tmp_path / "not-analysed.dcm"
    path.write_bytes(encode(not_analysed_report(build_refused(), build_header())))
    return None, path


def dicom(port, **options):
    return open_sender(Destination(name="pacs", ae_title="PACS", port=port, timeout_s=2.0, **options), calling="US")


def test_many_objects_share_one_association(pacs, notice):
    port, got = pacs()
    sender = dicom(port)
    for _ in range(3):
        sender.send(*notice)
    sender.close()
    assert len(got) == 3
    assert len({assoc for _, assoc in got}) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [(0xA700, PeerDownError), (0xC000, RejectedError), (0xA900, RejectedError), (0x0110, RemoteError)],
)
def test_a_status_says_whether_to_wait_to_try_again_or_to_give_up(pacs, notice, status, error):
    sender = dicom(pacs(status)[0])
    with pytest.raises(RemoteError) as caught:
        sender.send(*notice)
    assert type(caught.value) is error
    sender.send(*notice)
    sender.close()


@pytest.mark.parametrize("content", [b"", b"no DICOM at all", b"\0" * 128 + b"DICM" + b"\xff" * 40])
def test_a_damaged_result_file_is_a_dead_letter_and_the_next_object_is_sent(pacs, notice, tmp_path, content):
    port, got = pacs()
    sender = dicom(port)
    damaged = tmp_path / "damaged.dcm"
    damaged.write_bytes(content)
    with pytest.raises(RejectedError, match="expected a whole DICOM object, found damage"):
        sender.send(None, damaged)
    damaged.write_bytes(notice[1].read_bytes()[:-60])
    with pytest.raises(RejectedError, match="found damage"):
        sender.send(None, damaged)
    sender.send(*notice)
    sender.close()
    assert len(got) == 1


def test_a_warning_means_that_the_peer_has_the_object(pacs, notice):
    sender = dicom(pacs(0xB000)[0])
    sender.send(*notice)
    sender.close()


def test_a_peer_without_our_sop_class_gives_a_dead_letter(pacs, notice):
    sender = dicom(pacs(classes=SENT_CLASSES[:1])[0])
    with pytest.raises(RejectedError, match="Basic Text SR"):
        sender.send(*notice)
    sender.close()


def test_nobody_on_the_port_is_a_peer_that_is_down(notice):
    with pytest.raises(PeerDownError, match="Connection refused"):
        dicom(free_port()).send(*notice)


@contextmanager
def peer(*, resets):
    """Port of a peer that takes connections and never answers, or resets each."""
    server, held, stop = socket.create_server(("127.0.0.1", 0)), [], threading.Event()
    server.settimeout(0.05)

    def accept():
        while not stop.is_set():
            with suppress(TimeoutError):
                held.append(server.accept()[0])
                if resets:
                    held[-1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    held.pop().close()

    thread = threading.Thread(target=accept)
    thread.start()
    yield server.getsockname()[1]
    stop.set()
    thread.join()
    for one in (*held, server):
        one.close()


@pytest.mark.parametrize("resets", [False, True])
def test_a_dicom_peer_that_hangs_or_resets_is_a_peer_that_is_down(notice, resets):
    with peer(resets=resets) as port:
        sender = open_sender(Destination(name="pacs", ae_title="PACS", port=port, timeout_s=0.5), calling="US")
        with pytest.raises(PeerDownError, match="expected an association"):
            sender.send(*notice)
        sender.close()


def test_a_peer_without_room_is_asked_again_and_takes_the_object_once_there_is_room(notice, pacs):
    port, got = pacs(most=1)
    other = AE(ae_title="OTHER")
    other.add_requested_context(SENT_CLASSES[0])
    first = other.associate("127.0.0.1", port)
    assert first.is_established
    sender = dicom(port)
    for _ in range(3):  # a connection that asks for nothing would fill the peer until it gives up waiting
        with pytest.raises(PeerDownError, match="it rejected us: local limit exceeded"):
            sender.send(*notice)
    first.release()
    wait_for(lambda: not first.is_alive())
    sender.send(*notice)
    assert len(got) == 1
    sender.close()


@pytest.mark.req("REQ-SV-02")
def test_a_destination_that_hangs_holds_up_no_other(start_node, pacs):
    port, got = pacs()
    with peer(resets=False) as hanging:
        names = {"ae_title": "PACS", "timeout_s": 0.5}
        node = start_node(
            destination=[{"name": "hangs", "port": hanging, **names}, {"name": "good", "port": port, **names}]
        )
        node.inbox.take(encode(build_object()), caller="CR1", route=Route.UPLOAD)
        wait_for(lambda: len(got) == 2)
        wait_for(
            lambda: all(one.error for one in deliveries.of_study(node.store, "1.2.3") if one.destination == "hangs")
        )
        assert count(node.store, "good") == {DeliveryState.DONE: 2}
        assert count(node.store, "hangs") == {DeliveryState.WAITING: 2}


@pytest.fixture
def tls_pacs(dcmtk, certificates, tmp_path):
    """DCMTK's storescp, which wants a certificate that it knows; its port, and the folder that it writes to."""
    port, folder = free_port(), tmp_path / "pacs"
    folder.mkdir()
    cert, key = certificates / "cert.pem", certificates / "key.pem"
    command = ["storescp", "+tls", key, cert, "+cf", cert, "-od", folder, port]
    server = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: _listens(port))
    yield port, folder
    server.terminate()
    server.wait()


def _listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.req("REQ-SV-05")
def test_a_tls_destination_gets_objects_from_who_shows_a_certificate_that_it_knows(tls_pacs, notice, certificates):
    port, folder = tls_pacs
    cert, key = certificates / "cert.pem", certificates / "key.pem"
    sender = dicom(port, tls_ca=cert, tls_certificate=cert, tls_key=key)
    sender.send(*notice)
    sender.close()
    assert len(list(folder.iterdir())) == 1


@pytest.mark.req("REQ-SV-05")
def test_without_a_certificate_or_in_plain_text_a_tls_destination_gets_nothing(tls_pacs, notice, certificates):
    port, folder = tls_pacs
    for sender in (dicom(port, tls_ca=certificates / "cert.pem"), dicom(port)):
        with pytest.raises(PeerDownError):
            sender.send(*notice)
        sender.close()
    assert list(folder.iterdir()) == []


@pytest.mark.req("REQ-SV-05")
def test_nothing_is_sent_to_a_tls_destination_that_we_do_not_know(tls_pacs, notice, certificates, tmp_path):
    port, folder = tls_pacs
    stranger = tmp_path / "stranger.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-subj", "/CN=localhost"]
    subprocess.run([*command, "-keyout", tmp_path / "k.pem", "-out", stranger], check=True, capture_output=True)
    cert, key = certificates / "cert.pem", certificates / "key.pem"
    sender = dicom(port, tls_ca=stranger, tls_certificate=cert, tls_key=key)
    with pytest.raises(PeerDownError, match="certificate verify failed"):
        sender.send(*notice)
    sender.close()
    assert list(folder.iterdir()) == []


@pytest.fixture
def web():
    """A web server that answers with statuses from a list and keeps what it got."""
    statuses, got = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(statuses.pop(0) if statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", statuses, got
    server.shutdown()
    server.server_close()


def delivery(key="1.2.3"):
    values = dict.fromkeys(("image_id", "first_tried_at", "settled_at"))

    return Delivery(
        id=1,
        destination="x",
        object=key,
        what=What.IMAGE_RESULT,
        study_uid="1",
        file="f",
        sha256="",
        attempts=1,
        error="",
        state=DeliveryState.SENDING,
        not_before=0.0,
        created_at=0.0,
        **values,
    )


@pytest.mark.req("REQ-NT-01")
def test_a_webhook_gets_the_json_and_a_key_to_tell_repeats_by(web, tmp_path, monkeypatch):
    address, _, got = web
    monkeypatch.setenv("HOOK", "t0ken")
    file = tmp_path / "image.json"
    file.write_text('{"positive": true}')
    sender = open_sender(Destination(name="x", webhook=f"{address}/hook", token_env="HOOK"), calling="US")
    sender.send(delivery("image:1"), file)
    sender.close()
    ((path, headers, body),) = got
    assert (path, json.loads(body)) == ("/hook", {"positive": True})
    assert (headers["Idempotency-Key"], headers["Authorization"]) == ("image:1", "Bearer t0ken")


def test_a_damaged_result_is_not_posted(web, tmp_path):
    address, _, got = web
    file = tmp_path / "image.json"
    file.write_text('{"positive": tr')
    sender = open_sender(Destination(name="x", webhook=address), calling="US")
    with pytest.raises(RejectedError, match="expected JSON, found damage"):
        sender.send(delivery(), file)
    sender.close()
    assert got == []


@pytest.mark.parametrize(
    ("code", "error"),
    [(503, PeerDownError), (429, PeerDownError), (401, PeerDownError), (409, RejectedError), (400, RejectedError)],
)
def test_an_http_status_says_whether_to_wait_or_to_give_up(web, notice, code, error):
    address, statuses, _ = web
    statuses.append(code)
    sender = open_sender(Destination(name="x", url=address), calling="US")
    with pytest.raises(error):
        sender.send(delivery(), notice[1])
    sender.close()


def test_a_web_peer_that_hangs_is_a_peer_that_is_down(notice):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        sender = open_sender(Destination(name="x", url=address, timeout_s=0.3), calling="US")
        with pytest.raises(PeerDownError, match="ReadTimeout"):
            sender.send(delivery(), notice[1])
        sender.close()
