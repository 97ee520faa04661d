"""The node's memory: queue of images, results, studies, deliveries, feedback, audit log.

Each module is a set of functions on one `Store`, such as `images.claim(store, worker="w1", limit=8, lease_s=60)`.
"""

from pneumoscope.service.store import deliveries, images, people, results, studies, worklist
from pneumoscope.service.store.database import Store, open_store
from pneumoscope.service.store.records import (
    Arrival,
    AuditEntry,
    Delivery,
    DeliveryState,
    Feedback,
    Image,
    Parcel,
    Result,
    Route,
    State,
    Study,
    What,
)

__all__ = [
    "Arrival",
    "AuditEntry",
    "Delivery",
    "DeliveryState",
    "Feedback",
    "Image",
    "Parcel",
    "Result",
    "Route",
    "State",
    "Store",
    "Study",
    "What",
    "deliveries",
    "images",
    "open_store",
    "people",
    "results",
    "studies",
    "worklist",
]
