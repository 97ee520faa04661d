"""C-STORE service class user: one association for many objects, opened again when it is lost."""

import ssl
import threading
from io import BytesIO
from pathlib import Path
from socket import create_connection

from pydicom import Dataset, dcmread
from pydicom.uid import (
    BasicTextSRStorage,
    Comprehensive3DSRStorage,
    ExplicitVRLittleEndian,
    GrayscaleSoftcopyPresentationStateStorage,
    ImplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
)
from pynetdicom import AE, evt
from pynetdicom.association import Association

from pneumoscope.core import ConfigError, RemoteError
from pneumoscope.intake import missing_from_file
from pneumoscope.service.config import Destination
from pneumoscope.service.connection import prepare_connection
from pneumoscope.service.delivery.sender import PeerDownError, RejectedError
from pneumoscope.service.store import Delivery

SENT_CLASSES = (
    Comprehensive3DSRStorage,
    SecondaryCaptureImageStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    BasicTextSRStorage,
)
"""SOP classes of the objects that we make."""

SENT_SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)

_WARNINGS = range(0xB000, 0xC000)
_NO_RESOURCES = range(0xA700, 0xA800)


class DicomSender:
    """Sends to one AE."""

    def __init__(self, destination: Destination, *, calling: str) -> None:
        """Prepare the application entity; nothing is connected yet.

        Raises:
            ConfigError: Certificates cannot be loaded.
        """
        self._destination = destination
        self._tls = _tls(destination)
        self._association: Association | None = None
        self._ae = AE(ae_title=calling)
        for sop_class in SENT_CLASSES:
            self._ae.add_requested_context(sop_class, list(SENT_SYNTAXES))
        seconds = destination.timeout_s
        self._ae.connection_timeout = self._ae.acse_timeout = self._ae.dimse_timeout = seconds
        self._ae.network_timeout = 2 * seconds

    def send(self, delivery: Delivery, file: Path) -> None:
        """Return once the peer answered success, or a warning with which it keeps the object (PS3.4 B.2.3).

        Raises:
            PeerDownError: No association, or the peer ended it, or it has no resources.
            RejectedError: It refuses this SOP class or this object for good.
            RemoteError: It refuses this object now.
        """
        ds = _object_in(file)
        association = self._open()
        if not any(context.abstract_syntax == ds.SOPClassUID for context in association.accepted_contexts):
            raise RejectedError(f"peer: expected to accept {ds.SOPClassUID.name}, found it refused")
        try:
            answer = association.send_c_store(ds)
        except (RuntimeError, ValueError) as error:  # the association ended in between; no context for its encoding
            if association.is_established:
                raise RejectedError(f"peer: expected to take {delivery.what}, found: {error}") from error
            raise self._lost("an association that ended") from error
        status = answer.get("Status")
        if status is None:
            raise self._lost("no answer to C-STORE")
        if status == 0x0000 or status in _WARNINGS:
            return
        reason = f"peer: expected success, found status {status:04X}"
        if status in _NO_RESOURCES:
            raise PeerDownError(f"{reason}, out of resources")
        if status >> 12 == 0xC or status >> 8 == 0xA9 or status == 0x0122:
            raise RejectedError(reason)
        raise RemoteError(reason)

    def close(self) -> None:
        """Release the association."""
        association, self._association = self._association, None
        if association is not None and association.is_established:
            association.release()

    def _open(self) -> Association:
        if self._association is not None and self._association.is_established:
            return self._association
        where, connected = self._destination, threading.Event()

        def opened(event: evt.Event) -> None:
            connected.set()
            if (socket := event.assoc.dul.socket) is not None:
                prepare_connection(socket)

        association = self._ae.associate(
            where.host,
            where.port,
            ae_title=where.ae_title or "",
            max_pdu=0,
            tls_args=self._tls,
            evt_handlers=[(evt.EVT_CONN_OPEN, opened)],
        )
        if association.is_rejected:
            answer = association.acceptor.primitive
            reason = "" if answer is None else f": {answer.reason_str.lower()}"
            raise PeerDownError(f"peer: expected an association, found it rejected us{reason}")
        if not association.is_established:
            found = "no answer, or an abort" if connected.is_set() else self._why_no_connection()
            raise PeerDownError(f"peer: expected an association, found {found}")
        self._association = association
        return association

    def _why_no_connection(self) -> str:
        """Connect once more and return the reason why that fails, since pynetdicom does not say why it could not.

        Never before an association: a peer may count a connection without a request among those that it allows.
        """
        where = self._destination
        try:
            with create_connection((where.host, where.port), timeout=where.timeout_s) as connection:
                if self._tls is not None:
                    context, name = self._tls
                    context.wrap_socket(connection, server_hostname=name).close()
        except OSError as error:
            return f"no connection: {error.strerror or error}"
        return "no connection"

    def _lost(self, found: str) -> PeerDownError:
        if self._association is not None:
            self._association.abort()
        self._association = None
        return PeerDownError(f"peer: expected an answer, found {found}")


def _object_in(file: Path) -> Dataset:
    """Return the object in a result file.

    Raises:
        RejectedError: The file is damaged: it will not get better by sending it again.
        OSError: It cannot be read now.
    """
    try:
        content = file.read_bytes()
        if missing := missing_from_file(content):
            raise ValueError(missing)
        ds = dcmread(BytesIO(content))
        if not (ds.SOPClassUID and ds.SOPInstanceUID and len(list(ds.iterall()))):
            raise ValueError("no UIDs")
    except OSError:
        raise
    except Exception as error:
        found = type(error).__name__
        raise RejectedError(f"result file: expected a whole DICOM object, found damage ({found})") from error
    return ds


def _tls(destination: Destination) -> tuple[ssl.SSLContext, str] | None:
    if destination.tls_ca is None:
        return None
    try:
        context = ssl.create_default_context(cafile=destination.tls_ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if destination.tls_certificate is not None:
            context.load_cert_chain(destination.tls_certificate, destination.tls_key)
    except OSError as error:
        found = error.strerror or error
        raise ConfigError(
            f"destination {destination.name!r}: expected certificates that load, found {found}"
        ) from error
    return context, destination.host
