"""What couriers send with: one seam, four ways to cross it."""

from pathlib import Path
from typing import Protocol

from pneumoscope.core import RemoteError
from pneumoscope.service.config import Destination, Kind
from pneumoscope.service.store import Delivery


class PeerDownError(RemoteError):
    """The peer cannot be reached, or takes nothing now: everything waits."""


class RejectedError(RemoteError):
    """The peer will not take this object, however often it is sent: a person must look."""


class Sender(Protocol):
    """Sends to one destination; used by one thread."""

    def send(self, delivery: Delivery, file: Path) -> None:
        """Returns once the peer has the object.

        Raises:
            PeerDownError: The peer is not there; try later.
            RejectedError: It will never take this object.
            RemoteError: It did not take this object now; others may do better.
        """
        ...

    def close(self) -> None:
        """Ends what is kept open between objects."""
        ...


def open_sender(destination: Destination, *, calling: str) -> Sender:
    """The sender for a destination; `calling` is our AE title. Nothing is connected yet.

    Raises:
        ConfigError: Certificates cannot be loaded.
    """
    if destination.kind is Kind.DICOM:
        from pneumoscope.service.delivery.dicom import DicomSender

        return DicomSender(destination, calling=calling)
    from pneumoscope.service.delivery.web import WebSender

    return WebSender(destination)
