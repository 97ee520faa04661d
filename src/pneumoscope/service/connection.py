"""Connections of pynetdicom's that are closed whoever ends them."""

from contextlib import suppress
from functools import partial
from socket import SHUT_RDWR

from pynetdicom.transport import AssociationSocket


def close_for_certain(socket: AssociationSocket) -> None:
    """Has the connection closed also where the peer did so first, which pynetdicom leaves to the garbage collector."""
    socket._shutdown_socket = partial(_close, socket)  # type: ignore[method-assign]


def _close(socket: AssociationSocket) -> None:
    if socket.socket is not None:
        with suppress(OSError):
            socket.socket.shutdown(SHUT_RDWR)
        socket.socket.close()
