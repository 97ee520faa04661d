"""Connections of pynetdicom's that answer at once, and are closed whoever ends them."""

from contextlib import suppress
from functools import partial
from socket import IPPROTO_TCP, SHUT_RDWR, TCP_NODELAY

from pynetdicom.transport import AssociationSocket


def prepare_connection(socket: AssociationSocket) -> None:
    """Sends answers at once, and closes the connection also where the peer did so first.

    The kernel would hold a small answer back until the peer has acknowledged what was sent before (Nagle's algorithm,
    RFC 896), which it may do 40 ms later; pynetdicom leaves closing to the garbage collector.
    """
    if socket.socket is not None:
        socket.socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    socket._shutdown_socket = partial(_close, socket)  # type: ignore[method-assign]


def _close(socket: AssociationSocket) -> None:
    if socket.socket is not None:
        with suppress(OSError):
            socket.socket.shutdown(SHUT_RDWR)
        socket.socket.close()
