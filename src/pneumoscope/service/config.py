"""The node's configuration: `node.toml` as frozen records that check themselves; every key has a default."""

import os
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pneumoscope.core import Claim, ConfigError

_LONGEST_AE_TITLE = 16  # PS3.5 Table 6.2-1, AE


class Kept(StrEnum):
    """Which objects the DICOM node takes; the others are refused when the association is negotiated."""

    ALL = "all"
    RADIOGRAPHS = "radiographs"


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
    timeout_s: float = 30.0
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None

    def __post_init__(self) -> None:
        for title in (self.ae_title, *self.allowed_callers):
            _require_ae_title(title, where="node")
        _require(0 <= self.port <= 65535, "node.port", expected="0 to 65535", found=self.port)
        _require(self.max_object_mb > 0, "node.max_object_mb", expected="a positive number", found=self.max_object_mb)
        _require(self.max_associations > 0, "node.max_associations", expected="1 or more", found=self.max_associations)
        _require(
            (self.tls_certificate is None) == (self.tls_key is None),
            "node.tls_certificate, node.tls_key",
            expected="both or neither",
            found="one of them",
        )


class Column(StrEnum):
    """What of an image's header the worklist may show; patient attributes only where a site asks for them."""

    CALLER = "caller"
    MODALITY = "modality"
    STUDY_DATE = "study_date"
    ACCESSION = "accession"
    PATIENT_ID = "patient_id"
    PATIENT_NAME = "patient_name"


class SignIn(StrEnum):
    """Who must sign in: `auto` spares who sits at this machine, where `web.host` is loopback."""

    AUTO = "auto"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """The page, REST, and DICOMweb STOW at /dicom-web.

    Attributes:
        sign_in: Beyond loopback everyone must sign in, whatever this says.
        columns: What of the header the worklist shows.
        requests_per_minute: Limit for one client address; DICOMweb is not counted.
        tls_certificate: PEM file; with `tls_key` the page is served by HTTPS.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    max_upload_mb: int = 512
    sign_in: SignIn = SignIn.AUTO
    columns: tuple[Column, ...] = (Column.CALLER, Column.STUDY_DATE)
    requests_per_minute: int = 1200
    tls_certificate: Path | None = None
    tls_key: Path | None = None

    def __post_init__(self) -> None:
        _require(0 <= self.port <= 65535, "web.port", expected="0 to 65535", found=self.port)
        for name in ("max_upload_mb", "requests_per_minute"):
            _require(getattr(self, name) > 0, f"web.{name}", expected="1 or more", found=getattr(self, name))
        _require(
            (self.tls_certificate is None) == (self.tls_key is None),
            "web.tls_certificate, web.tls_key",
            expected="both or neither",
            found="one of them",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfig:
    """Where objects, results and the queue are.

    Attributes:
        path: Folder of the spool.
        database: SQLAlchemy URL; `sqlite:///...` for one node, `postgresql+psycopg://...` for several. None: a
            SQLite file in the spool. A password is better left to libpq's PGPASSFILE or PGPASSWORD.
        keep_days: Days after which a settled image's pixels and result files are deleted; 0 keeps them.
        min_free_mb: Free space below which the node refuses new objects (A700), before the disk is full.
    """

    path: Path = Path("spool")
    database: str | None = None
    keep_days: float = 30.0
    min_free_mb: int = 1024

    @property
    def url(self) -> str:
        """The database's URL."""
        return self.database or f"sqlite:///{self.path / 'queue.db'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingConfig:
    """How images are read, and what may come of it.

    Attributes:
        claim: Turns locations (heat maps, outlines) and worklist order on and off.
        model: Artefact; None: the one that ships.
        workers: Readers in this process, each with its own copy of the network.
        batch: Images that a worker claims at a time.
        attempts: Times that reading may be begun before an image that ends the process each time counts as failed.
        silent: Compute and keep, deliver nothing: for acceptance before go-live.
    """

    operating_point: str = "balanced"
    claim: Claim = Claim.DETECTION
    model: Path | None = None
    engine: str = "auto"
    workers: int = 1
    batch: int = 8
    attempts: int = 8
    silent: bool = False

    def __post_init__(self) -> None:
        for name in ("workers", "batch", "attempts"):
            _require(getattr(self, name) > 0, f"reading.{name}", expected="1 or more", found=getattr(self, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyConfig:
    """When a study counts as complete, and so gets a result of its own; whichever comes first.

    Attributes:
        complete_after_s: Seconds since the study's last image.
        expected_images: Images after which it is complete at once; 0: unknown.
        triggers: Calling AE titles whose association's end completes the studies that it brought.
    """

    complete_after_s: float = 60.0
    expected_images: int = 0
    triggers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        found = self.complete_after_s
        _require(found > 0, "study.complete_after_s", expected="a positive number", found=found)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchConfig:
    """A folder that other software drops files into; None: no folder. Taken files move to its `taken` folder."""

    path: Path | None = None
    settle_s: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringConfig:
    """What is watched, and when someone is told.

    Attributes:
        days: Days that the charts reach back over.
        reference: First analysed images here that later ones are compared with; the comparison starts after them.
        batch: Images of one point in a control chart.
        least_agreement: Share of agreeing feedback below which someone is told, once its interval lies below.
        webhook: Address that gets an alert as JSON by POST; None: alerts are shown on the page only.
        token_env: Environment variable with a bearer token for it.
        self_test_hour: Hour of the day, in the server's time, of the known-image self-test.
    """

    days: float = 90.0
    reference: int = 200
    batch: int = 25
    least_agreement: float = 0.8
    webhook: str | None = None
    token_env: str | None = None
    self_test_hour: int = 5

    def __post_init__(self) -> None:
        _require(self.days > 0, "monitoring.days", expected="a positive number", found=self.days)
        _require(self.batch >= 5, "monitoring.batch", expected="5 or more", found=self.batch)
        expected = "at least four batches"
        _require(self.reference >= 4 * self.batch, "monitoring.reference", expected=expected, found=self.reference)
        hour = self.self_test_hour
        _require(0 <= hour <= 23, "monitoring.self_test_hour", expected="0 to 23", found=hour)
        address = self.webhook or "http://"
        _require(
            address.startswith(("http://", "https://")),
            "monitoring.webhook",
            expected="an http or https URL",
            found=address,
        )
        if self.token_env and self.token_env not in os.environ:
            raise ConfigError(f"monitoring.token_env: expected the environment variable {self.token_env}, found none")

    @property
    def token(self) -> str | None:
        """The bearer token, from the environment."""
        return os.environ.get(self.token_env) if self.token_env else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where results go: DICOM (`ae_title`, `host`, `port`), or one of the addresses.

    Attributes:
        url: DICOMweb root for STOW-RS, such as `http://pacs:8042/dicom-web`.
        webhook: Address that gets JSON by POST: one result per image, one per study.
        fhir: Base address of a FHIR R4 server.
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
        ways = [way for way in ("ae_title", "url", "webhook", "fhir") if getattr(self, way)]
        where = f"destination {self.name!r}"
        expected = "exactly one of ae_title, url, webhook, fhir"
        _require(len(ways) == 1, where, expected=expected, found=", ".join(ways) or "none")
        _require(
            Send.SC in self.objects or not {Send.SR, Send.GSPS} & set(self.objects),
            f"{where} objects",
            expected="sc beside sr or gsps, since many viewers show neither",
            found=", ".join(self.objects),
        )
        if self.ae_title:
            _require_ae_title(self.ae_title, where=where)
        for address in (self.url, self.webhook, self.fhir):
            found = address or "http://"
            _require(found.startswith(("http://", "https://")), where, expected="an http or https URL", found=found)
        if self.token_env and self.token_env not in os.environ:
            raise ConfigError(f"{where}: expected the environment variable {self.token_env}, found none")

    @property
    def kind(self) -> Kind:
        """How it is reached."""
        if self.ae_title:
            return Kind.DICOM
        if self.url:
            return Kind.STOW
        return Kind.WEBHOOK if self.webhook else Kind.FHIR

    @property
    def token(self) -> str | None:
        """The bearer token, from the environment."""
        return os.environ.get(self.token_env) if self.token_env else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfig:
    """All of `node.toml`."""

    node: NodeConfig = field(default_factory=NodeConfig)
    web: WebConfig = field(default_factory=WebConfig)
    store: StoreConfig = field(default_factory=StoreConfig)
    reading: ReadingConfig = field(default_factory=ReadingConfig)
    study: StudyConfig = field(default_factory=StudyConfig)
    watch: WatchConfig = field(default_factory=WatchConfig)
    monitoring: MonitoringConfig = field(default_factory=MonitoringConfig)
    destination: tuple[Destination, ...] = ()

    def __post_init__(self) -> None:
        names = [one.name for one in self.destination]
        twice = sorted({name for name in names if names.count(name) > 1})
        _require(not twice, "destination.name", expected="each name once", found=f"{', '.join(twice)} twice")


def _require(holds: bool, where: str, *, expected: str, found: object) -> None:
    if not holds:
        raise ConfigError(f"{where}: expected {expected}, found {found}")


def _require_ae_title(title: str, *, where: str) -> None:
    fits = title.strip() != "" and len(title) <= _LONGEST_AE_TITLE and title.isascii() and title.isprintable()
    _require(
        fits and "\\" not in title,
        f"{where}: AE title",
        expected=f"1 to {_LONGEST_AE_TITLE} printable ASCII characters",
        found=repr(title),
    )
