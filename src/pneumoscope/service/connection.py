"""Make pynetdicom associations event-driven: no polling, no Nagle delay, always closed, any number of open files."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Queue
from select import POLLIN, poll
from socket import IPPROTO_TCP, SHUT_RDWR, TCP_NODELAY, socketpair
from ssl import SSLSocket
from threading import Event
from typing import Any, cast

from pynetdicom.association import Association
from pynetdicom.transport import AssociationSocket

LONGEST_WAIT_S = 0.05
"""After so long a waiting thread looks all the same: time-outs and flags wake nobody."""

_PAUSE_S = 1e-4


def prepare_connection(socket: AssociationSocket) -> None:
    """Send answers at once, and closes the connection also where the peer did so first.

    The kernel would hold a small answer back until the peer has acknowledged what was sent before (Nagle's algorithm,
    RFC 896), which it may do 40 ms later; pynetdicom leaves closing to the garbage collector.
    """
    if socket.socket is not None:
        socket.socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    socket._shutdown_socket = partial(_close, socket)  # type: ignore[method-assign]


def wait_for_events(assoc: Association) -> None:
    """Let both threads of an accepted association sleep until something comes.

    pynetdicom's would each look a thousand times a second. That takes a few per cent of a core for every association,
    also one that a modality keeps open all day, and makes each object wait some milliseconds.

    Args:
        assoc: An acceptor's, with its socket and before its threads start.
    """
    arrived, events = _Arrived(), _Events(cast("AssociationSocket", assoc.dul.socket))
    assoc._reactor_checkpoint = arrived
    assoc.dimse.msg_queue = _NotifyingQueue(arrived.set)
    assoc.dul.to_user_queue = _NotifyingQueue(arrived.set)
    while not assoc.dul.event_queue.empty():
        events.put(assoc.dul.event_queue.get())
    assoc.dul.event_queue = events
    assoc.dul.to_provider_queue = _NotifyingQueue(events.wake)
    assoc.dul._run_loop_delay = _PAUSE_S
    assoc.dul.run = partial(events.serve, assoc.dul.run)  # type: ignore[method-assign]


class _NotifyingQueue(Queue[Any]):
    """A queue that wakes somebody for each thing put into it."""

    def __init__(self, wake: Callable[[], None]) -> None:
        super().__init__()
        self._wake = wake

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        super().put(item, block, timeout)
        self._wake()


class _Arrived(Event):
    """What the association's thread waits for before each look at its queues."""

    def wait(self, timeout: float | None = LONGEST_WAIT_S) -> bool:
        try:
            return super().wait(timeout)
        finally:
            self.clear()


class _Events(Queue[Any]):
    """Events of the state machine; while there are none, the thread that asks sleeps until bytes or an order come."""

    def __init__(self, socket: AssociationSocket) -> None:
        super().__init__()
        self._socket = socket
        self._woken, self._waker = socketpair()
        self._waker.setblocking(False)

    def wake(self) -> None:
        """End the sleep that is, or the next one."""
        with suppress(OSError):  # woken often enough already, or closed
            self._waker.send(b"\0")

    def serve(self, run: Callable[[], None]) -> None:
        """Run the thread that asks, and close what wakes it in the end."""
        with self._woken, self._waker:
            run()

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        if self.empty():
            self._sleep()
        return super().get(block, timeout)

    def _sleep(self) -> None:
        connection = self._socket.socket
        if connection is None or (isinstance(connection, SSLSocket) and connection.pending()):
            return
        with suppress(OSError, ValueError):  # closed meanwhile
            waiting = poll()  # `select` refuses descriptors above 1023
            waiting.register(connection, POLLIN)
            waiting.register(self._woken, POLLIN)
            if self._woken.fileno() in {descriptor for descriptor, _ in waiting.poll(LONGEST_WAIT_S * 1000)}:
                self._woken.recv(4096)


class PolledSocket(AssociationSocket):
    """An accepted connection that asks the kernel by `poll`: pynetdicom's `select` refuses descriptors above 1023."""

    @property
    def ready(self) -> bool:
        """Return whether there are bytes to read; a connection that is gone is told to the state machine (Evt17)."""
        if self.socket is None or not self._is_connected:
            return False
        try:
            waiting = poll()
            waiting.register(self.socket, POLLIN)
            found = bool(waiting.poll(0))
            return found or (isinstance(self.socket, SSLSocket) and bool(self.socket.pending()))
        except (OSError, ValueError):
            self.event_queue.put("Evt17")
            return False


def _close(socket: AssociationSocket) -> None:
    if socket.socket is not None:
        with suppress(OSError):
            socket.socket.shutdown(SHUT_RDWR)
        socket.socket.close()
