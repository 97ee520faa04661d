"""C-ECHO and C-STORE service class provider."""

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from socket import socket as Socket  # noqa: N812
from socketserver import BaseServer
from threading import Thread
from typing import Any, cast

from pydicom import Dataset
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSNearLossless,
)
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.association import Association
from pynetdicom.dimse_messages import DIMSEMessage
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import create_file_meta, encode_file_meta
from pynetdicom.events import Event
from pynetdicom.pdu import P_DATA_TF
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]
from pynetdicom.transport import AssociationSocket, RequestHandler, ThreadedAssociationServer

from pneumoscope.core import CapacityError, ConfigError, InputError
from pneumoscope.intake import RADIOGRAPH_CLASSES, TRANSFER_SYNTAXES
from pneumoscope.service.config import Kept, NodeConfig
from pneumoscope.service.connection import PolledSocket, prepare_connection, wait_for_events
from pneumoscope.service.content import Content
from pneumoscope.service.inbox import SUCCESS, Inbox, status_of
from pneumoscope.service.log import hashed, logger

MAX_PDU_BYTES = 128 * 1024
"""What we ask peers to send at most in one PDU; a longer one ends the association."""

GRACE_S = 5.0

_LONGEST_COMMENT = 64  # LO


@dataclass(slots=True)
class _Progress:
    """What one association brought so far."""

    content: Content | None = None
    aborted: bool = False
    study_uids: set[str] = field(default_factory=set)


class StorageScp:
    """The node's DICOM port; answers success only for what is safely on disk and in the queue."""

    def __init__(
        self, config: NodeConfig, *, inbox: Inbox, released: Callable[[str, set[str]], None] = lambda _, __: None
    ) -> None:
        """`released` is called with calling AE title and study UIDs when an association ends in order."""
        self._config = config
        self._inbox = inbox
        self._released = released
        self._progress: dict[Association, _Progress] = {}
        self._server: ThreadedAssociationServer | None = None

    @property
    def port(self) -> int:
        """Return the port in use; another than configured where that was 0."""
        assert self._server is not None, "started"
        return int(self._server.socket.getsockname()[1]) if self._server.socket else self._config.port

    def start(self) -> None:
        """Listen, in threads of its own.

        Raises:
            ConfigError: The port cannot be had, or the certificates cannot be loaded.
        """
        config = self._config
        ae = AE(ae_title=config.ae_title)
        ae.require_called_aet = config.check_called
        ae.require_calling_aet = list(config.allowed_callers)
        ae.maximum_associations = config.max_associations
        ae.maximum_pdu_size = MAX_PDU_BYTES
        ae.network_timeout = ae.acse_timeout = ae.dimse_timeout = config.timeout_s
        try:
            self._server = ae.make_server(
                (config.host, config.port),
                contexts=_contexts(config.accept),
                ssl_context=_tls(config),
                evt_handlers=self._handlers(),
                server_class=_Server,
                request_handler=_Handler,
                allowed_addresses=config.allowed_addresses,
                timeout_s=config.timeout_s,
            )
        except OSError as error:
            where = f"{config.host}:{config.port}"
            raise ConfigError(f"node: expected a free address, found {where}: {error.strerror or error}") from error
        serve = partial(self._server.serve_forever, poll_interval=0.2)
        Thread(target=serve, name="dicom", daemon=True).start()

    def stop(self) -> None:
        """Stop listening; associations that are under way have `GRACE_S` to end, then they are aborted."""
        if self._server is None:
            return
        BaseServer.shutdown(self._server)
        until = time.monotonic() + GRACE_S
        while any(assoc.is_established for assoc in self._server.active_associations) and time.monotonic() < until:
            time.sleep(0.05)
        for assoc in self._server.active_associations:
            if assoc.is_established:
                assoc.abort()
        self._server.server_close()

    def _handlers(self) -> list[Any]:
        return [
            (evt.EVT_C_ECHO, lambda _event: SUCCESS),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_PDU_RECV, self._receive),
            (evt.EVT_REQUESTED, self._request),
            (evt.EVT_RELEASED, self._release),
            (evt.EVT_CONN_CLOSE, self._closed),
        ]

    def _closed(self, event: Event) -> None:
        """Forget the association; one that nobody asked for (a port check) makes room at once.

        pynetdicom would wait for its request as long as for a slow peer's, and count it among those that are allowed.
        """
        progress = self._progress.pop(event.assoc, None)
        if progress is not None and progress.content is not None:
            progress.content.discard()
        if event.assoc.requestor.primitive is None:
            event.assoc.dul.to_user_queue.put(None)  # type: ignore[arg-type]  # what it has waited for in vain

    def _store(self, event: Event) -> int | Dataset:
        request = cast("C_STORE", event.request)
        caller = str(event.assoc.requestor.ae_title).strip()
        content = cast("Content", request.DataSet)
        try:
            receipt = self._inbox.take_data_set(
                content,
                prefix=_prefix(request, syntax=event.context.transfer_syntax, caller=caller),
                sop_class=str(request.AffectedSOPClassUID),
                uid=str(request.AffectedSOPInstanceUID),
                syntax=str(event.context.transfer_syntax),
                caller=caller,
            )
        except (InputError, CapacityError) as error:
            status = status_of(error)
            logger.warning("refused", caller=caller, status=f"{status:04X}", reason=str(error))
            if isinstance(error, InputError):
                self._inbox.note_refusal(error, caller=caller)
            return _status(status, str(error))
        finally:
            content.discard()
        progress = self._progress.setdefault(event.assoc, _Progress())
        progress.study_uids.add(receipt.study_uid)
        logger.info("received", study=hashed(receipt.study_uid), caller=caller, new=receipt.new)
        return SUCCESS

    def _receive(self, event: Event) -> None:
        """Lead the next message's data set into the spool; end an association whose object grows beyond the limit."""
        if not isinstance(event.pdu, P_DATA_TF):
            return
        dimse = event.assoc.dimse
        progress = self._progress.setdefault(event.assoc, _Progress())
        if dimse.message is None:
            dimse.message = DIMSEMessage()
            progress.content = self._inbox.new_content()
            progress.content.prefix = partial(_prefix_of, dimse.message, event.assoc)
            dimse.message.data_set = progress.content
        too_large = progress.content is not None and progress.content.size > self._config.max_object_mb * 1024**2
        if too_large and not progress.aborted:
            self._abort(event.assoc, progress)

    def _abort(self, assoc: Association, progress: _Progress) -> None:
        reason = f"object: expected at most {self._config.max_object_mb} MB, found more"
        logger.warning("aborted", reason=reason)
        self._inbox.note_refusal(InputError(reason), caller=str(assoc.requestor.ae_title).strip())
        progress.aborted = True
        assoc.acse.send_abort(0x00)

    def _request(self, event: Event) -> None:
        """Leave each proposed context its first transfer syntax that is accepted: the requestor's order decides."""
        request = event.assoc.requestor.primitive
        for context in request.presentation_context_definition_list if request is not None else ():
            first = next((syntax for syntax in context.transfer_syntax if syntax in _ACCEPTED), None)
            if first is not None:
                context.transfer_syntax = [first]

    def _release(self, event: Event) -> None:
        progress = self._progress.get(event.assoc)
        if progress is not None and progress.study_uids:
            self._released(str(event.assoc.requestor.ae_title).strip(), progress.study_uids)


def _prefix_of(message: DIMSEMessage, assoc: Association) -> bytes:
    """Return what comes before the data set in a file, while the message is still arriving."""
    context = next(one for one in assoc.accepted_contexts if one.context_id == message.context_id)
    command, caller = message.command_set, str(assoc.requestor.ae_title).strip()
    return _prefix(command, syntax=context.transfer_syntax[0], caller=caller)


def _prefix(command: Any, *, syntax: UID, caller: str) -> bytes:
    """Return preamble and file meta information for the object that a C-STORE request names."""
    meta = create_file_meta(
        sop_class_uid=command.AffectedSOPClassUID,
        sop_instance_uid=command.AffectedSOPInstanceUID,
        transfer_syntax=syntax,
    )
    meta.SourceApplicationEntityTitle = caller  # so that the file says what the queue says of it
    return b"\0" * 128 + b"DICM" + encode_file_meta(meta)


class _Server(ThreadedAssociationServer):
    """Checks peers by address before a byte is read; a peer that is slow to connect holds up no other."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *args: Any, allowed_addresses: tuple[str, ...], timeout_s: float, **options: Any) -> None:
        self._allowed_addresses = frozenset(allowed_addresses)
        self._timeout_s = timeout_s
        super().__init__(*args, **options)

    def get_request(self) -> tuple[Any, Any]:
        """Return the next connection; its TLS handshake is left to the association's own thread."""
        connection, address = cast("Socket", self.socket).accept()
        connection.settimeout(self._timeout_s)
        if self.ssl_context is not None:
            connection = self.ssl_context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002
        """Return whether the peer's address may connect."""
        allowed = not self._allowed_addresses or client_address[0] in self._allowed_addresses
        if not allowed:
            logger.warning("refused", reason="peer address is not in node.allowed_addresses")
        return allowed

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Log that a connection ended before an association began is the peer's affair."""
        logger.warning("connection lost", reason="ended before the association began")


class _Handler(RequestHandler):
    """An association that waits for what comes, reads more than 4 KiB at a time, and never more than a PDU may have."""

    def _create_association(self) -> Association:
        assoc = super()._create_association()
        socket = cast("AssociationSocket", assoc.dul.socket)
        socket.__class__ = PolledSocket
        socket.recv = partial(_receive, socket)  # type: ignore[method-assign]
        prepare_connection(socket)
        wait_for_events(assoc)
        return assoc


def _receive(socket: AssociationSocket, n_bytes: int) -> bytearray:
    """Return the next bytes, fewer where the peer closed.

    Raises:
        OSError: The peer announced a PDU above the maximum, or was silent too long.
    """
    if n_bytes > 2 * MAX_PDU_BYTES:
        raise OSError(f"PDU: expected at most {MAX_PDU_BYTES} bytes, found {n_bytes}")
    buffer = bytearray(n_bytes)
    view, filled = memoryview(buffer), 0
    while filled < n_bytes:
        count = socket.socket.recv_into(view[filled:]) if socket.socket else 0
        if not count:
            break
        filled += count
    view.release()
    del buffer[filled:]
    return buffer


class _Contexts(list[Any]):
    """Presentation contexts that associations share: pynetdicom would copy all of them for each, which takes 0.1 s."""

    def __deepcopy__(self, _memo: dict[int, Any]) -> "_Contexts":
        return self


def _contexts(accept: Kept) -> _Contexts:
    ae = AE()
    ae.add_supported_context(Verification)
    for uid in storage_classes(accept):
        ae.add_supported_context(uid, list(SYNTAXES))
    return _Contexts(ae.supported_contexts)


_AFTER_LOSSLESS = (
    *(ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian),
    *(HTJ2K, JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless, JPEG2000),  # with loss, or perhaps
    ExplicitVRBigEndian,
)
SYNTAXES = (*sorted(TRANSFER_SYNTAXES.difference(_AFTER_LOSSLESS)), *_AFTER_LOSSLESS)
"""Transfer syntaxes that are accepted; of several in one context the requestor's first, which it holds or prefers."""

_ACCEPTED = frozenset(SYNTAXES)


def storage_classes(accept: Kept) -> list[UID]:
    """Return the storage SOP classes that are offered."""
    if accept is Kept.RADIOGRAPHS:
        return list(RADIOGRAPH_CLASSES)
    return [UID(str(context.abstract_syntax)) for context in AllStoragePresentationContexts]


def _tls(config: NodeConfig) -> ssl.SSLContext | None:
    """Return a context for TLS 1.2 or later (PS3.15 B.12, BCP 195).

    Client certificates are asked for where their CA is configured.
    """
    if config.tls_certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(config.tls_certificate, config.tls_key, password="")
        if config.tls_client_ca is not None:
            context.load_verify_locations(config.tls_client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as error:
        raise ConfigError(f"node: expected certificate files that load, found {error.strerror or error}") from error
    return context


def _status(code: int, comment: str) -> Dataset:
    ds = Dataset()
    ds.Status = code
    ds.ErrorComment = comment.encode("ascii", "replace").decode()[:_LONGEST_COMMENT].replace("\\", "/")
    return ds
