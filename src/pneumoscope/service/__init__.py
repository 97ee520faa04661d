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
| `studies` | study completion and the study's result |
| `triage` | who is read first |
| `node` | starts and stops all of it |
| `web` | page and REST: `create_app(config, *, store, spool, inbox, artifact) -> FastAPI` |
| `monitoring` | whether it still works |

`web.create_app` gets a `config.ServiceConfig`, a `store.Store`, a `spool.Spool`, an `inbox.Inbox` and the
`model.Artifact` in use; it mounts `stow.router(inbox)` at /dicom-web. The node runs the app in a thread of its own.
"""
