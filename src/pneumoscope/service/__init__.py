"""The DICOM node, the queue, the readers, the deliveries and the page: all sockets, threads and clocks are here.

    C-STORE, STOW-RS, watched folder, upload -> Inbox.take -> spool + queue -> Worker -> results + deliveries -> peers

| module | does |
| --- | --- |
| `config` | `node.toml` as frozen records |
| `store` | the queue and what was found, in SQLite or PostgreSQL |
| `spool` | objects and result files on disk |
| `inbox` | the one way in: safe on disk and queued, or refused with a reason |
| `scp`, `stow`, `watch` | the ways to the inbox |
| `worker` | reads what waits, makes the objects, queues their delivery |
| `delivery` | one queue a destination: DICOM, STOW-RS, webhook, FHIR |
| `completion` | when a study counts as complete, and its result |
| `housekeeping`, `purge` | retention; deletion on request |
| `triage` | who is read first |
| `released` | what of the configuration differs from the released device |
| `acceptance` | a silent node against the site's reports, before go-live |
| `conformance` | the DICOM Conformance Statement |
| `node` | starts and stops all of it |
| `web` | page and REST: `create_app(config, *, store, spool, inbox, artifact) -> FastAPI` |
| `monitoring` | whether it still works |

The node runs `web`'s application, with `stow`'s routes at /dicom-web, in a thread of its own.
"""

from pneumoscope.service.acceptance import Acceptance, compare
from pneumoscope.service.config import ServiceConfig
from pneumoscope.service.config_file import load_config, parse_config
from pneumoscope.service.conformance import statement
from pneumoscope.service.log import set_up_logging
from pneumoscope.service.node import Node
from pneumoscope.service.purge import purge_older, purge_patient, purge_study
from pneumoscope.service.released import warn_of_differences
from pneumoscope.service.spool import Spool
from pneumoscope.service.store import Route, open_store
from pneumoscope.service.web import Accounts, Role

__all__ = [
    "Acceptance",
    "Accounts",
    "Node",
    "Role",
    "Route",
    "ServiceConfig",
    "Spool",
    "compare",
    "load_config",
    "open_store",
    "parse_config",
    "purge_older",
    "purge_patient",
    "purge_study",
    "set_up_logging",
    "statement",
    "warn_of_differences",
]
