"""The second file from the same evidence: other frameworks' clauses, each answered by a section or "not done"."""

import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from pneumoscope.core import ConfigError
from pneumoscope.dossier.content import Column, Document, Paragraph, Section, Table
from pneumoscope.dossier.inline import escape
from pneumoscope.dossier.markdown import to_markdown

NOT_DONE = "**not done**"


def write_frameworks(submission: Document, path: Path) -> tuple[Path, ...]:
    """Write the Markdown file of `frameworks.toml` and return the paths written.

    Raises:
        ConfigError: A clause names a section that the submission does not have; all are named.
    """
    text = (resources.files("pneumoscope.dossier") / "frameworks.toml").read_text(encoding="utf-8")
    tables: dict[str, dict[str, Any]] = tomllib.loads(text)
    missing = sorted(
        f"{name} {item['item']}: {key}"
        for name, one in tables.items()
        for item in one["items"]
        for key in item.get("see", "").split()
        if key not in submission.anchors
    )
    if missing:
        raise ConfigError(f"frameworks.toml: expected sections of the submission, found none for {'; '.join(missing)}")
    document = Document(
        title=f"{submission.title}: other frameworks",
        subtitle="EU MDR, EU AI Act, FUTURE-AI, DECIDE-AI: where each point is answered",
        facts=tuple(fact for fact in submission.facts if fact[0] != "Claim"),
        notice=submission.notice,
        header=submission.header,
        sections=tuple(_section(name, one, submission) for name, one in tables.items()),
        evidence=(),
    )
    path.write_text(to_markdown(document, path.parent), encoding="utf-8")
    return (path,)


def _section(name: str, table: dict[str, Any], submission: Document) -> Section:
    rows = tuple((escape(item["item"]), escape(item["topic"]), _answer(item, submission)) for item in table["items"])
    columns = (Column("Point", 0.6), Column("What is asked, in our words", 2.4), Column("Answer", 2.4))
    done = sum("see" in item for item in table["items"])
    return Section(
        name.replace("_", "-"),
        table["title"],
        1,
        (
            Paragraph(escape(table["source"])),
            Paragraph(f"{done} of {len(rows)} points have an answer in the submission; the others are *not done*."),
            Table(f"table-{name.replace('_', '-')}", escape(table["title"]), columns, rows),
        ),
    )


def _answer(item: dict[str, str], submission: Document) -> str:
    return "; ".join(_parts(item, submission)) or NOT_DONE


def _parts(item: dict[str, str], submission: Document) -> Iterator[str]:
    for key in item.get("see", "").split():
        anchor = submission.anchors[key]
        yield escape(f"{anchor.shown}, {anchor.title}")
    if "see" not in item:
        yield NOT_DONE
    if note := item.get("note"):
        yield escape(note)
