"""`[store]`, `[reading]`, `[study]`, `[watch]`: where images are, and what is done with them."""

from dataclasses import dataclass
from pathlib import Path

from pneumoscope.core import Claim, Population
from pneumoscope.service.config.rules import require


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
        cores: Processor cores of each reader; 0: all cores, in equal shares where there are several readers.
        population: Whose rule decides where the header gives no age, or none to rely on (`adults`, `children`). Not
            set: adults' where there is none, and a refusal where there is one that cannot be relied on.
        refuse_unknown_age: Refuse images without an age.
        silent: Compute and keep, deliver nothing: for acceptance before go-live.
    """

    operating_point: str = "balanced"
    claim: Claim = Claim.DETECTION
    model: Path | None = None
    engine: str = "auto"
    workers: int = 1
    batch: int = 8
    attempts: int = 8
    cores: int = 0
    population: Population | None = None
    refuse_unknown_age: bool = False
    silent: bool = False

    def __post_init__(self) -> None:
        require(self.cores >= 0, "reading.cores", expected="0 or more", found=self.cores)
        for name in ("workers", "batch", "attempts"):
            require(getattr(self, name) > 0, f"reading.{name}", expected="1 or more", found=getattr(self, name))


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
        require(found > 0, "study.complete_after_s", expected="a positive number", found=found)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchConfig:
    """A folder that other software drops files into; None: no folder. Taken files move to its `taken` folder."""

    path: Path | None = None
    settle_s: float = 2.0
