"""Delivery of results: one courier a destination, so that one that is down holds up no other."""

from pneumoscope.service.delivery.courier import Courier, backoff_s
from pneumoscope.service.delivery.sender import PeerDownError, RejectedError, Sender, open_sender

__all__ = ["Courier", "PeerDownError", "RejectedError", "Sender", "backoff_s", "open_sender"]
