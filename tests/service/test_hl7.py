"""HL7 v2 ORU^R01 over MLLP, to a small interface engine."""

import threading
from contextlib import suppress
from socketserver import StreamRequestHandler, ThreadingTCPServer

import hl7
import pytest
from tests.service.conftest import build_object, encode, free_port, wait_for

from pneumoscope.core import RemoteError
from pneumoscope.results import oru_message
from pneumoscope.service.config import Destination
from pneumoscope.service.delivery import PeerDownError, RejectedError, open_sender
from pneumoscope.service.store import DeliveryState, Route, deliveries

LINE = {
    "status": "analysed",
    "probability": 0.83,
    "positive": True,
    "uncertain": False,
    "sop_instance_uid": "1.2.3",
    "reasons": [],
}
REFUSED = LINE | {
    "status": "refused",
    "probability": None,
    "positive": None,
    "uncertain": None,
    "reasons": [{"check": "modality", "expected": "CR or DX", "found": "C|T^x"}],
}


def build_message(key="study:1.2:1", **changes):
    study = {
        "study_instance_uid": "1.2",
        "finding": "suspicious",
        "probability": 0.83,
        "summary": "Suspicious for pneumonia & more.",
        "completed_by": "count",
        "images": [LINE, REFUSED],
    }
    about = {"patient_id": "P|1", "patient_name": "Doe^Jane^M^Dr^Jr", "accession": "A1", "study_date": "20260101"}
    return oru_message(study, **(about | {"completed_at": 0.0, "receiver": ("RIS", "H")} | changes), key=key)


def test_the_message_says_what_the_result_says_and_escapes_what_would_cut_it():
    message = hl7.parse(build_message())
    assert [str(segment[0]) for segment in message] == ["MSH", "PID", "OBR", "OBX", "OBX", "OBX"]
    msh, pid, obr, _study, analysed, refused = message
    assert (str(msh[9]), str(msh[12]), str(msh[5]), str(msh[6])) == ("ORU^R01^ORU_R01", "2.5.1", "RIS", "H")
    assert message.unescape(str(pid[3])) == "P|1"
    assert str(pid[5]) == "Doe^Jane^M^Jr^Dr", "XPN has the suffix before the prefix"
    assert (str(obr[3]), str(obr[7]), str(obr[25])) == ("A1", "20260101", "P")
    assert [str(analysed[number]) for number in (2, 4, 5, 8, 11)] == ["NM", "1.2.3", "0.8300", "A", "P"]
    assert (str(refused[2]), str(refused[11])) == ("ST", "X"), "what was not analysed is never a number"
    assert "found C|T^x" in message.unescape(str(refused[5]))
    assert "not a negative" in str(refused[5])


def test_a_message_that_is_sent_twice_has_one_control_id_and_another_message_another():
    first, again, other = (str(hl7.parse(build_message(key)).segment("MSH")[10]) for key in ("a", "a", "b"))
    assert first == again != other
    assert len(first) <= 20


@pytest.fixture
def engine():
    """An interface engine that answers as a test tells it; what it got, parsed by the library."""
    codes, got = [], []

    class Take(StreamRequestHandler):
        def handle(self):
            with suppress(ConnectionError):
                while frame := self._frame():
                    message = hl7.parse(frame.decode())
                    got.append(message)
                    code = codes.pop(0) if codes else "AA"
                    if code == "silence":
                        return
                    answer = f"MSH|^~\\&|||||||ACK|1|P|2.5.1\rMSA|{code}|{message.segment('MSH')[10]}\r"
                    if code == "other":
                        answer = "MSH|^~\\&|||||||ACK|1|P|2.5.1\rMSA|AA|another\r"
                    self.wfile.write(b"\x0b" + answer.encode() + b"\x1c\r")

        def _frame(self):
            content = b""
            while not content.endswith(b"\x1c\r"):
                byte = self.rfile.read(1)
                if not byte:
                    return b""
                content += byte
            return content[1:-2]

    server = ThreadingTCPServer(("127.0.0.1", 0), Take)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"mllp://127.0.0.1:{server.server_address[1]}", codes, got
    server.shutdown()
    server.server_close()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "study.hl7"
    path.write_bytes(build_message().encode())
    return path


def sender(address):
    return open_sender(Destination(name="engine", hl7=address, timeout_s=2.0), calling="US")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("AE", RemoteError),
        ("AR", RejectedError),
        ("CR", RejectedError),
        ("other", PeerDownError),
        ("silence", PeerDownError),
    ],
)
def test_an_acknowledgement_says_whether_to_wait_to_try_again_or_to_give_up(engine, file, code, error):
    address, codes, got = engine
    codes.append(code)
    one = sender(address)
    with pytest.raises(RemoteError) as caught:
        one.send(None, file)
    assert type(caught.value) is error
    one.send(None, file)
    one.send(None, file)
    one.close()
    assert len(got) == 3


def test_an_engine_that_is_not_there_is_a_peer_that_is_down_and_a_damaged_file_a_dead_letter(engine, file):
    with pytest.raises(PeerDownError, match="refused"):
        sender(f"mllp://127.0.0.1:{free_port()}").send(None, file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(RejectedError, match="expected an HL7 message, found damage"):
        sender(engine[0]).send(None, file)


@pytest.mark.req("REQ-SV-02")
def test_a_study_goes_to_the_engine_once_it_is_complete(start_node, engine):
    address, _codes, got = engine
    node = start_node(destination=[{"name": "engine", "hl7": address, "hl7_application": "RIS"}])
    node.inbox.take(encode(build_object()), caller="CR1", route=Route.UPLOAD)
    wait_for(lambda: got)
    (message,) = got
    assert str(message.segment("MSH")[5]) == "RIS"
    assert str(message.segment("PID")[3]) == "ID-Zzyzx"
    assert str(message.segments("OBX")[1][11]) == "X", "too small to be analysed"
    wait_for(lambda: deliveries.count_by_destination(node.store)["engine"][DeliveryState.DONE] == 1)
