"""Which sender serves which kind of destination."""

from pneumoscope.service.config import Destination, Kind
from pneumoscope.service.delivery.dicom import DicomSender
from pneumoscope.service.delivery.http import HttpSender
from pneumoscope.service.delivery.mllp import MllpSender
from pneumoscope.service.delivery.sender import Sender


def open_sender(destination: Destination, *, calling: str) -> Sender:
    """Return the sender for a destination; `calling` is our AE title. Nothing is connected yet.

    Raises:
        ConfigError: Certificates cannot be loaded.
    """
    if destination.kind is Kind.DICOM:
        return DicomSender(destination, calling=calling)
    return MllpSender(destination) if destination.kind is Kind.HL7 else HttpSender(destination)
