"""The DICOM Conformance Statement, written from the tables that the code itself uses."""

from collections.abc import Iterable
from importlib import resources

from jinja2 import Environment, StrictUndefined
from pydicom.uid import UID

import pneumoscope
from pneumoscope.intake import RADIOGRAPH_CLASSES
from pneumoscope.service import inbox, scp
from pneumoscope.service.config import Destination, Kept, NodeConfig
from pneumoscope.service.delivery import backoff_s
from pneumoscope.service.delivery.dicom import SENT_CLASSES, SENT_SYNTAXES
from pneumoscope.service.delivery.worker import IDLE_S

_STATUSES = (
    (inbox.SUCCESS, "the object is on disk (fsync) and in the queue, or the same image was, in whatever syntax"),
    (inbox.OUT_OF_RESOURCES, "disk below its limit, disk or database failed; send again later"),
    (inbox.MISMATCH, "the data set names another SOP class or instance than the command"),
    (
        inbox.CANNOT_UNDERSTAND,
        "no data set in the negotiated syntax, a cut-off one, or one without valid UIDs",
    ),
    (inbox.CONFLICT, "an object with other pixels or identifiers is here under this UID and is kept; this one is not"),
)


def statement() -> str:
    """Return the statement as Markdown, in the order of PS3.2."""
    template = (resources.files("pneumoscope.service") / "conformance.md.j2").read_text(encoding="utf-8")
    page = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False).from_string(template)  # noqa: S701  Markdown from our own tables
    somewhere = Destination(name="x", ae_title="X")
    longest_s = somewhere.longest_delay_s
    return page.render(
        version=pneumoscope.__version__,
        node=NodeConfig(),
        max_pdu_bytes=scp.MAX_PDU_BYTES,
        idle_s=IDLE_S,
        n_classes=len(scp.storage_classes(Kept.ALL)),
        radiographs=_named(RADIOGRAPH_CLASSES),
        syntaxes=[(syntax.name, str(syntax)) for syntax in scp.SYNTAXES],
        statuses=[(f"{code:04X}", words) for code, words in _STATUSES],
        own_name=inbox.OWN_NAME,
        sent=_named(SENT_CLASSES),
        sent_syntaxes=", ".join(syntax.name for syntax in SENT_SYNTAXES),
        delays=", ".join(f"{backoff_s(n, longest_s=longest_s):.0f}" for n in (1, 2, 3)),
        longest_delay_s=longest_s,
        give_up_after_h=somewhere.give_up_after_h,
        table=_table,
    )


def _named(uids: Iterable[UID]) -> list[tuple[str, str]]:
    return sorted((uid.name, str(uid)) for uid in uids)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *rows))
