"""Destinations and the numbers of their deliveries."""

from dataclasses import dataclass

from pneumoscope.service.config import ServiceConfig, masked
from pneumoscope.service.store import DeliveryState, Store, deliveries


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationRow:
    """A destination with the numbers of what is waiting, delivered, given up or discarded."""

    name: str
    address: str
    waiting: int
    done: int
    dead: int
    discarded: int


def destinations(store: Store, config: ServiceConfig) -> list[DestinationRow]:
    """Return every configured destination, then those that have deliveries but are configured no more."""
    counts = deliveries.count_by_destination(store)
    configured = {
        one.name: f"{one.ae_title} at {one.host}:{one.port}" if one.ae_title else masked(one.address)
        for one in config.destination
    }
    addresses = configured | {name: "not in the configuration" for name in counts if name not in configured}
    empty = dict.fromkeys(DeliveryState, 0)
    rows = []
    for name, address in addresses.items():
        found = counts.get(name, empty)
        rows.append(
            DestinationRow(
                name=name,
                address=address or "",
                waiting=found[DeliveryState.WAITING] + found[DeliveryState.SENDING],
                done=found[DeliveryState.DONE],
                dead=found[DeliveryState.DEAD],
                discarded=found[DeliveryState.DISCARDED],
            )
        )
    return rows
