"""The one content model that feeds both the PDF and the Markdown: sections as data.

Texts hold the markup of `inline`. A key names a section, table, figure or evidence and is unique in the document.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pneumoscope.core import ConfigError
from pneumoscope.dossier.inline import references


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of short statements, numbered where their order matters."""

    items: tuple[str, ...]
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """A boxed remark; `kind` is "draft", "caution" or "manufacturer"."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """Lines of a command, as they are typed."""

    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column: title, share of the width (0: as wide as its content), and side that its cells keep to."""

    title: str
    width: float = 1.0
    right: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption, and a note that belongs to it; a row of empty cells but for the first is a heading."""

    key: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def __post_init__(self) -> None:
        if wrong := [row for row in self.rows if len(row) != len(self.columns)]:
            raise ValueError(f"table {self.key}: expected {len(self.columns)} cells a row, found {len(wrong[0])}")

    @property
    def legend(self) -> str:
        """Caption and note, which stand above the table."""
        return f"{self.caption} {self.note}".strip()


@dataclass(frozen=True, slots=True)
class Panel:
    """A vector picture (SVG), and what it shows in words for who cannot see it."""

    path: Path
    alternative: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One panel, or several two by two, under one caption; `width` is the share of the text's width."""

    key: str
    caption: str
    panels: tuple[Panel, ...]
    width: float = 1.0


Block = Paragraph | Bullets | Note | Code | Table | Figure


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands below it, in order; `level` 1 is a chapter. Appendices are lettered."""

    key: str
    title: str
    level: int
    blocks: tuple[Block, ...]
    appendix: bool = False


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a reference to a key shows: "section 3.2", "table 4", "E2"."""

    kind: str
    number: str
    title: str = ""

    @property
    def shown(self) -> str:
        """The words of a reference."""
        return f"{self.kind} {self.number}".strip()


@dataclass(frozen=True, slots=True)
class Document:
    """The submission: title page, running header, sections, and what each key stands for."""

    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    notice: str
    header: str
    sections: tuple[Section, ...]
    evidence: tuple[str, ...]
    anchors: dict[str, Anchor] = field(init=False)

    def __post_init__(self) -> None:
        anchors = {f"ev-{name}": Anchor("", f"E{place}") for place, name in enumerate(self.evidence, start=1)}
        problems = []
        for key, anchor in _numbered(self.sections):
            if key in anchors:
                problems.append(f"key {key!r} is used twice")
            anchors[key] = anchor
        wanted = {(section.title, key) for section in self.sections for key in _referred(section)}
        problems += [
            f"{title!r} refers to {key!r}, which is not there" for title, key in sorted(wanted) if key not in anchors
        ]
        if problems:
            raise ConfigError("document: " + "; ".join(problems))
        object.__setattr__(self, "anchors", anchors)


def _numbered(sections: tuple[Section, ...]) -> Iterator[tuple[str, Anchor]]:
    counters = [0, 0, 0]
    tables = figures = 0
    in_appendix = False
    for section in sections:
        if section.appendix and not in_appendix:
            counters, in_appendix = [0, 0, 0], True
        counters[section.level - 1] += 1
        counters[section.level :] = [0] * (3 - section.level)
        first = chr(ord("A") + counters[0] - 1) if in_appendix else str(counters[0])
        number = ".".join([first, *map(str, counters[1 : section.level])])
        yield section.key, Anchor("appendix" if in_appendix else "section", number, section.title)
        for block in section.blocks:
            if isinstance(block, Table):
                tables += 1
                yield block.key, Anchor("table", str(tables), block.caption)
            elif isinstance(block, Figure):
                figures += 1
                yield block.key, Anchor("figure", str(figures), block.caption)


def texts(block: Block) -> Iterator[str]:
    """Every text of a block that may hold markup."""
    if isinstance(block, Paragraph | Note):
        yield block.text
    elif isinstance(block, Bullets):
        yield from block.items
    elif isinstance(block, Table):
        yield from (block.caption, block.note, *(column.title for column in block.columns))
        for row in block.rows:
            yield from row
    elif isinstance(block, Figure):
        yield block.caption


def _referred(section: Section) -> Iterator[str]:
    for block in section.blocks:
        for text in texts(block):
            yield from references(text)
