"""Delivery of results: one worker per destination, so that a destination that is down delays no other."""

from pneumoscope.service.delivery.sender import PeerDownError, RejectedError, Sender
from pneumoscope.service.delivery.senders import open_sender
from pneumoscope.service.delivery.worker import DeliveryWorker, backoff_s

__all__ = ["DeliveryWorker", "PeerDownError", "RejectedError", "Sender", "backoff_s", "open_sender"]
