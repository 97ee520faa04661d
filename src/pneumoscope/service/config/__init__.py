"""The node's configuration: `node.toml` as frozen records that check themselves; every key has a default."""

from dataclasses import dataclass, field

from pneumoscope.service.config.destination import Destination, Kind, Send, When
from pneumoscope.service.config.dicom import Kept, NodeConfig
from pneumoscope.service.config.monitoring import MonitoringConfig
from pneumoscope.service.config.rules import masked, require
from pneumoscope.service.config.web import Column, OidcConfig, SignIn, WebConfig
from pneumoscope.service.config.work import ReadingConfig, StoreConfig, StudyConfig, WatchConfig

__all__ = [
    "Column",
    "Destination",
    "Kept",
    "Kind",
    "MonitoringConfig",
    "NodeConfig",
    "OidcConfig",
    "ReadingConfig",
    "Send",
    "ServiceConfig",
    "SignIn",
    "StoreConfig",
    "StudyConfig",
    "WatchConfig",
    "WebConfig",
    "When",
    "masked",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfig:
    """All of `node.toml`."""

    node: NodeConfig = field(default_factory=NodeConfig)
    web: WebConfig = field(default_factory=WebConfig)
    oidc: OidcConfig = field(default_factory=OidcConfig)
    store: StoreConfig = field(default_factory=StoreConfig)
    reading: ReadingConfig = field(default_factory=ReadingConfig)
    study: StudyConfig = field(default_factory=StudyConfig)
    watch: WatchConfig = field(default_factory=WatchConfig)
    monitoring: MonitoringConfig = field(default_factory=MonitoringConfig)
    destination: tuple[Destination, ...] = ()

    def __post_init__(self) -> None:
        names = [one.name for one in self.destination]
        twice = sorted({name for name in names if names.count(name) > 1})
        require(not twice, "destination.name", expected="each name once", found=f"{', '.join(twice)} twice")
