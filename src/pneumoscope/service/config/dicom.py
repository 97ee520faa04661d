"""`[node]`: the DICOM side."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pneumoscope.service.config.rules import require, require_ae_title, require_pair


class Kept(StrEnum):
    """Which objects the DICOM node takes; the others are refused when the association is negotiated."""

    ALL = "all"
    RADIOGRAPHS = "radiographs"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeConfig:
    """The DICOM side: C-ECHO and C-STORE.

    Attributes:
        allowed_callers: Calling AE titles that may associate; empty: any.
        allowed_addresses: Peer IP addresses that may associate; empty: any.
        check_called: Whether an association must name our AE title.
        accept: Which SOP classes are offered.
        tls_certificate: PEM file; with `tls_key` it turns TLS on.
        tls_client_ca: PEM file; a client must then show a certificate that it signed.
        max_in_flight_mb: Objects on their way in, by all routes together; more are refused for now (A700, 503).
        timeout_s: How long a peer may be silent within an association.
    """

    ae_title: str = "PNEUMOSCOPE"
    host: str = "127.0.0.1"
    port: int = 11112
    allowed_callers: tuple[str, ...] = ()
    allowed_addresses: tuple[str, ...] = ()
    check_called: bool = True
    accept: Kept = Kept.ALL
    max_associations: int = 64
    max_object_mb: int = 512
    max_in_flight_mb: int = 16_384
    timeout_s: float = 30.0
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None

    def __post_init__(self) -> None:
        for title in (self.ae_title, *self.allowed_callers):
            require_ae_title(title, where="node")
        require(0 <= self.port <= 65535, "node.port", expected="0 to 65535", found=self.port)
        require(self.max_object_mb > 0, "node.max_object_mb", expected="a positive number", found=self.max_object_mb)
        require(
            self.max_in_flight_mb >= self.max_object_mb,
            "node.max_in_flight_mb",
            expected="at least max_object_mb",
            found=self.max_in_flight_mb,
        )
        require(self.max_associations > 0, "node.max_associations", expected="1 or more", found=self.max_associations)
        require_pair(self.tls_certificate, self.tls_key, where="node")
