"""The document as Markdown that reads well in a repository."""

import os
from collections.abc import Iterator
from pathlib import Path

from pneumoscope.dossier.content import Anchor, Block, Bullets, Code, Document, Figure, Note, Paragraph, Section, Table
from pneumoscope.dossier.inline import Basis, Blank, Link, Reference, Span, Target, parse, plain

_NOTE_TITLES = {"draft": "Draft", "caution": "Caution", "manufacturer": "To be provided by the manufacturer"}
_SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\`*_[]<>|"})


def to_markdown(document: Document, folder: Path) -> str:
    """Return the whole text; figures are linked relative to `folder`, where it will be written."""
    lines = [f"# {_words(document.title)}", "", f"**{_words(document.subtitle)}**", ""]
    lines += [f"> {_inline(document.notice, document)}", ""]
    lines += ["| | |", "|---|---|", *(f"| {name} | {_inline(value, document)} |" for name, value in document.facts), ""]
    lines += ["## Contents", "", *_contents(document), ""]
    for section in document.sections:
        lines += _section(section, document, folder)
    return "\n".join(lines).rstrip() + "\n"


def _contents(document: Document) -> Iterator[str]:
    for section in document.sections:
        if section.level <= 2:
            title = f"{document.anchors[section.key].number} {_words(section.title)}"
            yield f"{'  ' * (section.level - 1)}- [{title}](#{section.key})"


def _section(section: Section, document: Document, folder: Path) -> Iterator[str]:
    anchor = document.anchors[section.key]
    prefix = "Appendix " if anchor.kind == "appendix" and section.level == 1 else ""
    yield f'<a id="{section.key}"></a>'
    yield ""
    yield f"{'#' * (section.level + 1)} {prefix}{anchor.number} {_words(section.title)}"
    yield ""
    for block in section.blocks:
        yield from _block(block, document, folder)
        yield ""


def _block(block: Block, document: Document, folder: Path) -> Iterator[str]:
    match block:
        case Paragraph(text):
            yield _inline(text, document)
        case Bullets(items, numbered):
            for place, item in enumerate(items, start=1):
                yield f"{f'{place}.' if numbered else '-'} {_inline(item, document)}"
        case Note(kind, text):
            yield f"> **{_NOTE_TITLES[kind]}.** {_inline(text, document)}"
        case Code(text):
            yield f"```sh\n{text}\n```"
        case Table():
            yield from _table(block, document)
        case Figure():
            anchor = document.anchors[block.key]
            yield f'<a id="{block.key}"></a>'
            yield ""
            for panel in block.panels:
                link = Path(os.path.relpath(panel.path, folder)).as_posix()
                yield f"![{_words(panel.alternative)}]({link})"
            yield ""
            yield f"*{_capital(anchor)}. {_inline(block.caption, document)}*"


def _table(table: Table, document: Document) -> Iterator[str]:
    yield f'<a id="{table.key}"></a>'
    yield ""
    yield f"**{_capital(document.anchors[table.key])}.** {_inline(table.legend, document)}"
    yield ""
    yield _row([_inline(column.title, document) for column in table.columns])
    yield _row(["---:" if column.right else "---" for column in table.columns])
    for row in table.rows:
        yield _row([_inline(cell, document) for cell in row])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _capital(anchor: Anchor) -> str:
    return anchor.shown[:1].upper() + anchor.shown[1:]


def _words(text: str) -> str:
    return plain(text).translate(_SPECIAL)


def _inline(text: str, document: Document) -> str:
    return "".join(_span(span, document) for span in parse(text))


def _span(span: Span, document: Document) -> str:
    match span:
        case Reference(key, _):
            link = f"[{document.anchors[key].shown}](#{key})"
            return f"<sup>{link}</sup>" if key.startswith("ev-") else link
        case Link(words, url):
            return f"[{words.translate(_SPECIAL)}]({url})"
        case Target(key):
            return f'<a id="{key}"></a>'
        case Basis(words):
            return f"<sub>{words.translate(_SPECIAL)}</sub>"
        case Blank(words):
            return f"**⟦to be provided by the manufacturer: {words.translate(_SPECIAL)}⟧**"
        case _:
            marks = {"": "", "strong": "**", "emphasis": "*", "code": "`"}[span.style]
            words = span.words if span.style == "code" else span.words.translate(_SPECIAL)
            return f"{marks}{words}{marks}"
