"""`[[destination]]`: where results go."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pneumoscope.service.config.rules import require, require_address, require_ae_title, require_secret, secret


class Send(StrEnum):
    """What a destination may be sent."""

    SR = "sr"
    SC = "sc"
    GSPS = "gsps"
    NOT_ANALYSED = "not-analysed"


class When(StrEnum):
    """Results that a destination may be limited to; an uncertain one is only `uncertain`, whatever its side."""

    SUSPICIOUS = "suspicious"
    CLEAR = "clear"
    UNCERTAIN = "uncertain"
    REFUSED = "refused"
    FAILED = "failed"


class Kind(StrEnum):
    """How a destination is reached."""

    DICOM = "dicom"
    STOW = "stow"
    WEBHOOK = "webhook"
    FHIR = "fhir"
    HL7 = "hl7"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where results go: DICOM (`ae_title`, `host`, `port`), or one of the addresses.

    Attributes:
        url: DICOMweb root for STOW-RS, such as `http://pacs:8042/dicom-web`.
        webhook: Address that gets JSON by POST: one result per image, one per study.
        fhir: Base address of a FHIR R4 server.
        hl7: Address of an HL7 v2 interface engine, such as `mllp://engine:2575`: one ORU^R01 per study; `tls_ca` turns
            TLS on.
        hl7_application: Receiving application (MSH-5).
        hl7_facility: Receiving facility (MSH-6).
        callers: Only images that these AE titles sent; empty: any.
        results: Only these results; empty: all.
        objects: The DICOM objects to send.
        token_env: Environment variable with a bearer token for the address.
        tls_ca: PEM file of who signed the peer's certificate; with `ae_title` it turns TLS on.
        longest_delay_s: Upper limit of the delay between attempts, which doubles from 5 s.
        give_up_after_h: Hours of failing after which a delivery becomes a dead letter, for a person to replay.
    """

    name: str
    ae_title: str | None = None
    host: str = "127.0.0.1"
    port: int = 104
    url: str | None = None
    webhook: str | None = None
    fhir: str | None = None
    hl7: str | None = None
    hl7_application: str = ""
    hl7_facility: str = ""
    callers: tuple[str, ...] = ()
    results: tuple[When, ...] = ()
    objects: tuple[Send, ...] = tuple(Send)
    token_env: str | None = None
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    timeout_s: float = 30.0
    longest_delay_s: float = 300.0
    give_up_after_h: float = 72.0

    def __post_init__(self) -> None:
        ways = [way for way in ("ae_title", "url", "webhook", "fhir", "hl7") if getattr(self, way)]
        where = f"destination {self.name!r}"
        expected = "exactly one of ae_title, url, webhook, fhir, hl7"
        require(len(ways) == 1, where, expected=expected, found=", ".join(ways) or "none")
        require(
            Send.SC in self.objects or not {Send.SR, Send.GSPS} & set(self.objects),
            f"{where} objects",
            expected="sc beside sr or gsps, since many viewers show neither",
            found=", ".join(self.objects),
        )
        if self.ae_title:
            require_ae_title(self.ae_title, where=where)
        for name in ("url", "webhook", "fhir"):
            require_address(getattr(self, name), where=f"{where} {name}")
        require_address(self.hl7, where=f"{where} hl7", schemes=("mllp",))
        require(0 < self.port <= 65535, f"{where} port", expected="1 to 65535", found=self.port)
        for name in ("timeout_s", "longest_delay_s", "give_up_after_h"):
            require(getattr(self, name) > 0, f"{where} {name}", expected="a positive number", found=getattr(self, name))
        require_secret(self.token_env, where=where)

    @property
    def address(self) -> str:
        """Return the address of a destination that is reached by URL; empty for DICOM."""
        return self.url or self.webhook or self.fhir or self.hl7 or ""

    @property
    def kind(self) -> Kind:
        """Return how it is reached."""
        if self.ae_title:
            return Kind.DICOM
        if self.url:
            return Kind.STOW
        if self.hl7:
            return Kind.HL7
        return Kind.WEBHOOK if self.webhook else Kind.FHIR

    @property
    def token(self) -> str | None:
        """Return the bearer token, from the environment."""
        return secret(self.token_env)
