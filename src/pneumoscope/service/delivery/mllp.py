"""HL7 v2 over MLLP: one message at a time over a connection that is kept, each with its acknowledgement."""

import socket
import ssl
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import hl7

from pneumoscope.core import ConfigError, RemoteError
from pneumoscope.results import control_id_of
from pneumoscope.service.config import Destination
from pneumoscope.service.delivery.sender import PeerDownError, RejectedError
from pneumoscope.service.store import Delivery

_START, _END = b"\x0b", b"\x1c\r"
_DEFAULT_PORT = 2575
_LONGEST_ANSWER = 64 * 1024
_ACCEPTED, _REJECTED = ("AA", "CA"), ("AR", "CR")


class MllpSender:
    """Sends to one interface engine.

    Source:
        HL7 Transport Specification: MLLP, Release 1 (framing); HL7 v2.5.1, 2.9.2 and 2.14.8 (acknowledgement).
    """

    def __init__(self, destination: Destination) -> None:
        """Prepare the address; nothing is connected yet.

        Raises:
            ConfigError: Certificates cannot be loaded.
        """
        parts = urlsplit(destination.hl7 or "")
        self._address = (parts.hostname or "", parts.port or _DEFAULT_PORT)
        self._timeout_s = destination.timeout_s
        self._tls = _tls(destination)
        self._connection: socket.socket | None = None

    def send(self, delivery: Delivery, file: Path) -> None:  # noqa: ARG002
        """Return once the engine has acknowledged the message.

        Raises:
            PeerDownError: No connection, or no acknowledgement of this message.
            RejectedError: The engine rejects the message (AR), or the file is damaged.
            RemoteError: It could not process the message now (AE).
        """
        content = file.read_bytes()
        try:
            expected = control_id_of(content.decode())
        except ValueError as error:
            raise RejectedError("result file: expected an HL7 message, found damage") from error
        try:
            answer = self._exchange(content)
        except OSError as error:
            self.close()
            found = error.strerror or type(error).__name__
            raise PeerDownError(f"peer: expected an acknowledgement, found: {found}") from error
        self._judge(answer, expected)

    def close(self) -> None:
        """Close the connection; the next message opens one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError):
                connection.close()

    def _exchange(self, content: bytes) -> bytes:
        """Send a message and return its answer.

        Raises:
            OSError: No connection, or no whole answer in time.
        """
        if self._connection is None:
            plain = socket.create_connection(self._address, timeout=self._timeout_s)
            self._connection = plain if self._tls is None else self._secured(plain)
        self._connection.sendall(_START + content + _END)
        answer = b""
        while not answer.endswith(_END):
            piece = self._connection.recv(4096)
            if not piece or len(answer) > _LONGEST_ANSWER:
                raise OSError(f"expected an answer in an MLLP frame, found {len(answer)} bytes")
            answer += piece
        return answer[answer.find(_START) + 1 : -len(_END)]

    def _secured(self, plain: socket.socket) -> socket.socket:
        assert self._tls is not None, "asked for"
        try:
            return self._tls.wrap_socket(plain, server_hostname=self._address[0])
        except OSError:
            plain.close()
            raise

    def _judge(self, answer: bytes, expected: str) -> None:
        """Raise unless the answer accepts this very message; its text is not quoted: it may name a patient."""
        try:
            segment = hl7.parse(answer.decode("utf-8", "replace")).segment("MSA")
            code, control_id = str(segment[1]), str(segment[2])
        except (hl7.HL7Exception, LookupError) as error:
            self.close()
            raise PeerDownError("peer: expected an acknowledgement (MSA), found another answer") from error
        if control_id != expected:
            self.close()
            raise PeerDownError("peer: expected an acknowledgement of this message, found one of another")
        if code in _ACCEPTED:
            return
        reason = f"peer: expected AA, found {code[:2]}"
        raise RejectedError(reason) if code in _REJECTED else RemoteError(reason)


def _tls(destination: Destination) -> ssl.SSLContext | None:
    if destination.tls_ca is None:
        return None
    try:
        context = ssl.create_default_context(cafile=destination.tls_ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if destination.tls_certificate is not None:
            context.load_cert_chain(destination.tls_certificate, destination.tls_key, password="")
    except OSError as error:
        raise ConfigError(f"destination {destination.name!r}: expected certificates, found {error}") from error
    return context
