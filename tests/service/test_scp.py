"""The DICOM port against DCMTK's programs, and against peers that do not behave."""

import os
import resource
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import (
    HTJ2K,
    CTImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
)
from pynetdicom import AE, build_context
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import encode as encode_data_set
from tests.service.conftest import build_object, encode

from pneumoscope.core import CapacityError, ConfigError
from pneumoscope.intake import RADIOGRAPH_CLASSES, TRANSFER_SYNTAXES
from pneumoscope.phantom import studies_folder
from pneumoscope.service.config import Kept, NodeConfig
from pneumoscope.service.inbox import Inbox
from pneumoscope.service.scp import StorageScp
from pneumoscope.service.store import State, images

OPEN_FILES = Path("/proc/self/fd")


@pytest.fixture
def listen(inbox):
    """Starts DICOM ports."""
    opened = []

    def start(released=lambda _caller, _studies: None, **options):
        port = StorageScp(NodeConfig(port=0, **options), inbox=inbox, released=released)
        port.start()
        opened.append(port)
        return port

    yield start
    for port in opened:
        port.stop()


def associate(port, *, called="PNEUMOSCOPE", calling="CR1", classes=None, syntaxes=(ExplicitVRLittleEndian,)):
    ae = AE(ae_title=calling)
    for sop_class in classes or RADIOGRAPH_CLASSES:
        ae.add_requested_context(sop_class, list(syntaxes))
    ae.dimse_timeout = ae.acse_timeout = ae.network_timeout = 20
    return ae.associate("127.0.0.1", port.port, ae_title=called)


def send(port, ds):
    assoc = associate(port)
    answer = assoc.send_c_store(ds)
    assoc.release()
    return answer


def test_echoscu_gets_an_answer(listen, dcmtk):
    assert dcmtk("echoscu", "-aec", "PNEUMOSCOPE", "127.0.0.1", listen().port).returncode == 0


@pytest.mark.req("REQ-SV-01")
def test_storescu_sends_what_ends_in_the_spool_byte_for_byte(listen, dcmtk, store, spool):
    file = studies_folder() / "1-chest-pa.dcm"
    done = dcmtk("storescu", "-aet", "CR1", "-aec", "PNEUMOSCOPE", "-xt", "127.0.0.1", listen().port, file)
    assert done.returncode == 0, done.stderr
    (image,) = images.newest(store, limit=9)
    assert (image.caller, image.route, image.state) == ("CR1", "c-store", State.RECEIVED)
    kept, sent = spool.path(image.file).read_bytes(), file.read_bytes()
    assert kept.endswith(sent[-100_000:])


def test_dcmsend_sends_a_folder_of_mixed_encodings_in_one_association(listen, dcmtk, store):
    seen = []
    port = listen(released=lambda caller, uids: seen.append((caller, len(uids))))
    files = [file for file in sorted(studies_folder().glob("*.dcm")) if "truncated" not in file.name]
    done = dcmtk("dcmsend", "-aec", "PNEUMOSCOPE", "-aet", "ROUTER", "127.0.0.1", port.port, *files)
    assert done.returncode == 0, done.stderr
    assert images.count_by_state(store)[State.RECEIVED] >= 6
    assert seen == [("ROUTER", images.count_by_state(store)[State.RECEIVED])]


def test_every_transfer_syntax_that_intake_reads_is_accepted(listen):
    port = listen()
    for syntax in TRANSFER_SYNTAXES:
        assoc = associate(port, syntaxes=[syntax])
        assert len(assoc.accepted_contexts) == len(RADIOGRAPH_CLASSES), syntax.name
        assoc.release()


def test_a_port_for_radiographs_refuses_other_objects_politely(listen):
    assoc = associate(listen(accept=Kept.RADIOGRAPHS), classes=[*RADIOGRAPH_CLASSES, CTImageStorage])
    assert [context.abstract_syntax for context in assoc.rejected_contexts] == [CTImageStorage]
    assoc.release()


@pytest.mark.parametrize("names", [{"called": "OTHER"}, {"calling": "STRANGER"}])
@pytest.mark.req("REQ-SV-05")
def test_an_association_with_another_ae_title_is_rejected(listen, names):
    assert associate(listen(allowed_callers=("CR1",)), **names).is_rejected


@pytest.mark.req("REQ-SV-05")
def test_a_peer_from_another_address_is_turned_away_before_a_byte_is_read(listen):
    with socket.create_connection(("127.0.0.1", listen(allowed_addresses=("192.0.2.1",)).port)) as peer:
        peer.settimeout(5)
        assert peer.recv(1) == b""


@pytest.mark.req("REQ-SV-06")
def test_sending_again_is_a_success_that_changes_nothing(listen, store):
    port = listen()
    assert send(port, build_object()).Status == 0x0000
    assert send(port, build_object()).Status == 0x0000
    assert images.count_by_state(store)[State.RECEIVED] == 1


def test_another_object_under_a_known_uid_is_refused_and_the_first_one_stays(listen, store):
    port = listen()
    send(port, build_object())
    answer = send(port, build_object(StudyDate="20260909", PixelData=b"\1" * 4096))
    assert answer.Status == 0xC001
    assert "another object, kept here" in answer.ErrorComment
    assert images.find(store, "1.2.3.4").study_date == "20260102"
    assert images.find(store, "1.2.3.4").resent == 1


def test_identifiers_behind_a_long_private_element_are_found(listen, store):
    ds = build_object()
    ds.add_new(0x00190010, "LO", "SITE")
    ds.add_new(0x00191001, "OB", b"\0" * 3 * 1024 * 1024)
    assert send(listen(), ds).Status == 0x0000
    assert images.find(store, "1.2.3.4").study_uid == "1.2.3"


@pytest.mark.req("REQ-SV-01")
def test_a_full_disk_is_answered_with_a700_and_nothing_is_queued(listen, store, spool, monkeypatch):
    monkeypatch.setattr(spool, "_min_free_mb", 10**9)
    answer = send(listen(), build_object())
    assert answer.Status == 0xA700
    assert "MB free" in answer.ErrorComment
    assert images.count_by_state(store)[State.RECEIVED] == 0


@pytest.mark.req("REQ-SV-01")
def test_a_disk_that_fails_while_writing_is_answered_with_a700(listen, store, spool, monkeypatch):
    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert send(listen(), build_object()).Status == 0xA700
    assert list((spool.root / "incoming").iterdir()) == []
    assert list(spool.objects()) == []


def test_a_data_set_without_study_is_answered_with_c000_and_a_comment(listen):
    answer = send(listen(), build_object(StudyInstanceUID=""))
    assert answer.Status == 0xC000
    assert "StudyInstanceUID" in answer.ErrorComment


def test_a_data_set_that_is_another_object_than_the_command_says_is_answered_with_a900(listen):
    ds, assoc = build_object(), associate(listen())
    request = C_STORE()
    request.MessageID, request.Priority = 1, 2
    request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = ds.SOPClassUID, "9.9.9"
    request.DataSet = BytesIO(encode_data_set(ds, False, True))
    contexts = {context.abstract_syntax: context.context_id for context in assoc.accepted_contexts}
    assoc._reactor_checkpoint.clear()  # or the association's own thread takes the answer
    assoc.dimse.send_msg(request, contexts[ds.SOPClassUID])
    _, answer = assoc.dimse.get_msg(block=True)
    assert answer.Status == 0xA900
    assoc._reactor_checkpoint.set()
    assoc.release()


def test_an_object_beyond_the_limit_ends_the_association_before_memory_fills(listen, store):
    port = listen(max_object_mb=1)
    assoc = associate(port)
    answer = assoc.send_c_store(build_object(size=2048))
    assert "Status" not in answer
    assert images.count_by_state(store)[State.RECEIVED] == 0
    assert send(port, build_object()).Status == 0x0000, "others go on"


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\x01\x00\xff\xff\xff\xff" + b"x" * 64, b"\x04", b""])
def test_garbage_on_the_port_disturbs_nobody(listen, garbage):
    port = listen()
    with socket.create_connection(("127.0.0.1", port.port)) as peer:
        peer.sendall(garbage)
    assert send(port, build_object()).Status == 0x0000


def test_a_peer_that_falls_silent_within_a_pdu_is_let_go(listen):
    port = listen(timeout_s=0.5)
    with socket.create_connection(("127.0.0.1", port.port)) as peer:
        peer.sendall(b"\x01\x00\x00\x00\x01\x00partial")
        peer.settimeout(10)
        assert send(port, build_object()).Status == 0x0000, "others go on meanwhile"
        assert peer.recv(1024) is not None


def test_fifty_associations_at_once_are_all_served(listen, store):
    port, answers = listen(), []

    def one(number):
        answers.append(send(port, build_object(f"1.2.3.{number}")).Status)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [0x0000] * 50
    assert images.count_by_state(store)[State.RECEIVED] == 50


def test_more_associations_than_allowed_are_rejected_for_now(listen):
    port = listen(max_associations=1)
    first = associate(port)
    second = associate(port)
    assert second.is_rejected
    first.release()


@pytest.mark.parametrize(
    ("offered", "accepted"),
    [
        ((ExplicitVRLittleEndian, *sorted(TRANSFER_SYNTAXES)), ExplicitVRLittleEndian),
        ((JPEGLSLossless, ImplicitVRLittleEndian), JPEGLSLossless),
        ((ImplicitVRLittleEndian, ExplicitVRLittleEndian, HTJ2K), ImplicitVRLittleEndian),
        (("1.2.840.10008.1.2.4.100", ImplicitVRLittleEndian), ImplicitVRLittleEndian),  # MPEG-2 is not accepted
    ],
)
def test_of_several_syntaxes_in_one_context_the_requestors_first_is_accepted(listen, offered, accepted):
    assoc = associate(listen(), syntaxes=offered)
    assert {context.transfer_syntax[0] for context in assoc.accepted_contexts} == {accepted}
    assoc.release()


def test_answers_are_not_held_back_until_the_peer_has_acknowledged(listen):
    scp = listen()
    assoc = associate(scp)
    (accepted,) = scp._server.active_associations
    assert accepted.dul.socket.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assoc.release()


def test_an_idle_association_sleeps_and_then_answers(listen, monkeypatch):
    scp = listen()
    assoc = associate(scp)
    (accepted,) = scp._server.active_associations
    looks = Counter()
    for thread, name in ((accepted.dul, "_process_recv_primitive"), (accepted.acse, "is_aborted")):
        monkeypatch.setattr(thread, name, _counted(getattr(thread, name), looks))
    time.sleep(1)
    assert len(looks) == 2
    assert max(looks.values()) < 100, looks  # else each looks a thousand times a second
    assert assoc.send_c_store(build_object("1.2.3")).Status == 0x0000
    assoc.release()


def _counted(function, counts):
    def counted(*arguments):
        counts[function.__name__] += 1
        return function(*arguments)

    return counted


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="needs a list of the process's open files")
def test_associations_leave_no_open_files(listen):
    port = listen()
    send(port, build_object("1.2.3"))  # the database keeps a few
    before = len(list(OPEN_FILES.iterdir()))
    for _ in range(10):
        associate(port).release()
        associate(port).abort()
    until = time.monotonic() + 5
    while (left := len(list(OPEN_FILES.iterdir()))) > before + 2 and time.monotonic() < until:
        time.sleep(0.05)
    assert left <= before + 2


def test_connections_that_ask_for_nothing_leave_room_for_those_that_do(listen):
    port = listen(max_associations=2)
    for _ in range(6):  # as load balancers and monitors look whether a port is open
        socket.create_connection(("127.0.0.1", port.port)).close()
    until = time.monotonic() + 5
    while not (found := associate(port)).is_established and time.monotonic() < until:
        time.sleep(0.1)
    assert found.is_established
    found.release()


@pytest.mark.req("REQ-SV-05")
def test_tls_is_spoken_with_dcmtk_and_plain_text_is_not(listen, dcmtk, certificates):
    cert, key = certificates / "cert.pem", certificates / "key.pem"
    port = listen(tls_certificate=cert, tls_key=key, tls_client_ca=cert)
    known = ("+tls", key, cert, "+cf", cert)
    done = dcmtk("echoscu", *known, "-aec", "PNEUMOSCOPE", "127.0.0.1", port.port)
    assert done.returncode == 0, done.stderr
    assert dcmtk("echoscu", "+tla", "+cf", cert, "-aec", "PNEUMOSCOPE", "127.0.0.1", port.port).returncode != 0
    assert dcmtk("echoscu", "-ta", "2", "-aec", "PNEUMOSCOPE", "127.0.0.1", port.port).returncode != 0


def test_a_peer_that_never_finishes_its_tls_handshake_holds_up_nobody(listen, certificates):
    port = listen(tls_certificate=certificates / "cert.pem", tls_key=certificates / "key.pem")
    context = ssl.create_default_context(cafile=certificates / "cert.pem")
    with socket.create_connection(("127.0.0.1", port.port)):
        ae = AE(ae_title="CR1")
        ae.add_requested_context("1.2.840.10008.1.1")
        assoc = ae.associate("127.0.0.1", port.port, ae_title="PNEUMOSCOPE", tls_args=(context, "127.0.0.1"))
        assert assoc.send_c_echo().Status == 0x0000
        assoc.release()


def test_a_port_in_use_is_a_configuration_error(listen, inbox):
    port = listen()
    with pytest.raises(ConfigError, match="expected a free address"):
        StorageScp(NodeConfig(port=port.port), inbox=inbox).start()


def test_an_object_left_without_a_row_is_queued_with_its_sender(listen, store, spool, inbox, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(images, "add", _locked)
        assert send(listen(), build_object()).Status == 0xA700
    ((relative, _),) = spool.objects()
    assert inbox.recover(relative)
    assert images.find(store, "1.2.3.4").caller == "CR1"
    assert send(listen(), build_object()).Status == 0x0000


def _locked(*_arguments):
    from sqlalchemy.exc import OperationalError

    raise OperationalError("statement", {}, Exception("database is locked"))


@pytest.mark.req("REQ-SV-01")
def test_an_error_of_the_disk_is_never_taken_for_success(inbox, spool, monkeypatch):
    def full(*_arguments):
        raise CapacityError("full")

    monkeypatch.setattr(spool, "add_object", full)
    with pytest.raises(CapacityError):
        inbox.take(encode(build_object()), caller="x", route="upload")


def test_each_context_is_negotiated_by_itself_and_a_native_image_can_be_sent(listen, store):
    ae = AE(ae_title="CR1")
    sop_class = min(RADIOGRAPH_CLASSES)
    proposed = ([JPEGLSLossless, ExplicitVRLittleEndian], [ExplicitVRLittleEndian, HTJ2K])
    ae.requested_contexts = [build_context(sop_class, syntaxes) for syntaxes in proposed]
    assoc = ae.associate("127.0.0.1", listen().port, ae_title="PNEUMOSCOPE")
    assert [context.transfer_syntax[0] for context in assoc.accepted_contexts] == [
        JPEGLSLossless,
        ExplicitVRLittleEndian,
    ]
    assert assoc.send_c_store(build_object("1.1", SOPClassUID=sop_class)).Status == 0x0000
    assoc.release()


@pytest.mark.req("REQ-SV-06")
def test_a_cut_off_data_set_is_refused_and_its_whole_is_accepted(listen, store):
    port, ds = listen(), build_object("1.1")
    whole = encode_data_set(ds, False, True)
    assert store_bytes(port, ds, whole[:-100]).Status == 0xC000
    assert images.find(store, "1.1") is None
    assert store_bytes(port, ds, whole).Status == 0x0000


def test_a_large_object_is_spooled_while_it_arrives_and_filed_with_its_sender(listen, store, spool, inbox):
    ds = build_object("1.1", Rows=2500, Columns=2000, PixelData=bytes(range(250)) * 20_000)
    assert send(listen(), ds).Status == 0x0000
    image = images.find(store, "1.1")
    kept = dcmread(spool.path(image.file))
    assert kept.PixelData == ds.PixelData
    assert kept.file_meta.SourceApplicationEntityTitle == image.caller == "CR1"
    assert list((spool.root / "incoming").iterdir()) == []
    assert inbox.in_flight.used == 0


@pytest.mark.req("REQ-SV-01")
def test_more_bytes_than_may_be_on_their_way_are_answered_with_a700(store, spool):
    port = StorageScp(NodeConfig(port=0), inbox=Inbox(store, spool, max_in_flight_mb=1))
    port.start()
    assert send(port, build_object("1.1", size=2048)).Status == 0xA700
    assert send(port, build_object("1.2")).Status == 0x0000
    port.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_association_that_breaks_within_an_object_leaves_nothing_behind(listen, inbox, spool):
    port = listen()
    assoc = associate(port)
    sender = threading.Thread(target=assoc.send_c_store, args=(build_object("1.1", size=6000),), daemon=True)
    sender.start()
    deadline = time.monotonic() + 30
    while inbox.in_flight.used == 0 and time.monotonic() < deadline:
        time.sleep(0.001)
    assoc.abort()
    while (inbox.in_flight.used or list((spool.root / "incoming").iterdir())) and time.monotonic() < deadline:
        time.sleep(0.01)
    sender.join(10)
    assert inbox.in_flight.used == 0
    assert list((spool.root / "incoming").iterdir()) == []


def store_bytes(port, ds, data_set):
    """Sends bytes as the data set of an object, and returns the answer."""
    assoc = associate(port)
    request = C_STORE()
    request.MessageID, request.Priority = 1, 2
    request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    request.DataSet = BytesIO(data_set)
    contexts = {context.abstract_syntax: context.context_id for context in assoc.accepted_contexts}
    assoc._reactor_checkpoint.clear()
    assoc.dimse.send_msg(request, contexts[ds.SOPClassUID])
    _, answer = assoc.dimse.get_msg(block=True)
    assoc._reactor_checkpoint.set()
    assoc.release()
    return answer


def test_a_connection_above_descriptor_1023_is_served(listen):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 1200:
        pytest.skip(f"open files: expected a limit of 1200, found {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1200), hard))
    port, held = listen(), [os.open("/dev/null", os.O_RDONLY) for _ in range(1030)]
    try:
        peer = subprocess.run(
            [sys.executable, "-c", ECHO, str(port.port)], capture_output=True, text=True, timeout=120, check=False
        )
    finally:
        for one in held:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert peer.stdout == "0000\n", peer.stderr


ECHO = """
import sys
from pynetdicom import AE
ae = AE(ae_title="CR1")
ae.add_requested_context("1.2.840.10008.1.1")
assoc = ae.associate("127.0.0.1", int(sys.argv[1]), ae_title="PNEUMOSCOPE")
print(f"{assoc.send_c_echo().Status:04X}")
assoc.release()
"""
