"""The interface between a delivery worker and the protocols that it sends by."""

from pathlib import Path
from typing import Protocol

from pneumoscope.core import RemoteError
from pneumoscope.service.store import Delivery


class PeerDownError(RemoteError):
    """The peer cannot be reached, or accepts nothing now: all its deliveries wait."""


class RejectedError(RemoteError):
    """The peer will not accept this object, however often it is sent: a person must look."""


class Sender(Protocol):
    """Sends to one destination; used by one thread."""

    def send(self, delivery: Delivery, file: Path) -> None:
        """Return once the peer has the object.

        Raises:
            PeerDownError: The peer does not answer; try later.
            RejectedError: It will never accept this object, or the file is damaged.
            RemoteError: It did not accept this object now; others may succeed.
        """
        ...

    def close(self) -> None:
        """Close what is kept open between objects."""
        ...
