"""The document as Typst source, and that as a tagged PDF (PDF/UA-1 and PDF/A-2a)."""

import datetime as dt
import math
import os
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from pneumoscope.core import ArtifactError
from pneumoscope.dossier.content import Block, Bullets, Code, Document, Figure, Note, Paragraph, Section, Table
from pneumoscope.dossier.inline import Basis, Blank, Link, Reference, Span, Target, parse, plain

_PREVIEW_PPI = 72.0

# Tables of up to about a quarter of a page stay on one; of characters in a line of a table as wide as the text.
_WHOLE_LINES, _LINE_CHARACTERS = 12, 115

_SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\#$*_`@<>[]~=-+/\"'"})


def to_pdf(document: Document, path: Path, *, created: dt.datetime) -> None:
    """Write the PDF; the same document gives the same bytes.

    Raises:
        ArtifactError: Typst refuses the source, or the document cannot be made accessible.
    """
    path.write_bytes(_set(document, path.parent, created=created, pdf_standards=["ua-1", "a-2a"]))


def to_first_page(document: Document, path: Path, *, created: dt.datetime) -> None:
    """Write the title page as a PNG, for a README.

    Raises:
        ArtifactError: Typst refuses the source.
    """
    pages = _set(replace(document, sections=()), path.parent, created=created, format="png", ppi=_PREVIEW_PPI)
    path.write_bytes(pages[0])


def _set(document: Document, folder: Path, *, created: dt.datetime, **options: Any) -> Any:
    """Return what Typst makes of the document; figures are found relative to `folder`."""
    import matplotlib as mpl
    import typst

    source = folder / "submission.typ"
    source.write_text(to_typst(document, folder), encoding="utf-8")
    fonts = [str(Path(mpl.get_data_path()) / "fonts" / "ttf")]
    try:
        return typst.compile(
            str(source), root="/", font_paths=fonts, ignore_system_fonts=True, timestamp=created, **options
        )
    except typst.TypstError as error:
        raise ArtifactError(f"{folder}: Typst could not set the document: {error}") from error
    finally:
        source.unlink()


def to_typst(document: Document, folder: Path) -> str:
    """Typst source, which expects to lie in `folder`."""
    style = resources.files("pneumoscope.dossier") / "style.typ"
    facts = ", ".join(f"({_string(name)}, [{_inline(value, document)}])" for name, value in document.facts)
    lines = [
        style.read_text(encoding="utf-8"),
        f"#show: submission.with(title: {_string(document.title)}, subtitle: {_string(document.subtitle)}, "
        f"header: {_string(document.header)}, facts: ({facts},), notice: [{_inline(document.notice, document)}])",
    ]
    for section in document.sections:
        lines += _section(section, document, folder)
    return "\n".join(lines) + "\n"


def _section(section: Section, document: Document, folder: Path) -> Iterator[str]:
    anchor = document.anchors[section.key]
    prefix = "Appendix " if anchor.kind == "appendix" and section.level == 1 else ""
    yield f"#heading(level: {section.level})[{prefix}{anchor.number}#h(0.7em){_words(section.title)}] <{section.key}>"
    for place, block in enumerate(section.blocks, start=1):
        after = next(iter(section.blocks[place:]), None)
        if isinstance(block, Paragraph) and isinstance(after, Table | Figure):  # stays with what it introduces
            yield f"#block(sticky: true)[{_inline(block.text, document)}]"
        else:
            yield from _block(block, document, folder)
        yield ""


def _block(block: Block, document: Document, folder: Path) -> Iterator[str]:
    match block:
        case Paragraph(text):
            yield _inline(text, document)
        case Bullets(items, numbered):
            cells = ", ".join(f"[{_inline(item, document)}]" for item in items)
            yield f"#{'enum' if numbered else 'list'}({cells})"
        case Note(kind, text):
            yield f"#note({_string(kind)})[{_inline(text, document)}]"
        case Code(text):
            yield f"#raw(block: true, {_string(text)})"
        case Table():
            yield from _table(block, document)
        case Figure():
            panels = ", ".join(
                f"({_string(Path(os.path.relpath(one.path, folder)).as_posix())}, {_string(plain(one.alternative))})"
                for one in block.panels
            )
            yield f"#picture({_string(document.anchors[block.key].number)}, ({panels},), "
            yield f"width: {block.width * 100:.0f}%)[{_inline(block.caption, document)}] <{block.key}>"


def _table(table: Table, document: Document) -> Iterator[str]:
    widths = ", ".join(f"{column.width:g}fr" if column.width else "auto" for column in table.columns)
    sides = ", ".join("right" if column.right else "left" for column in table.columns)
    whole = "true" if _lines(table) <= _WHOLE_LINES else "false"
    yield f"#grid-table({_string(document.anchors[table.key].number)}, whole: {whole}, "
    yield f"caption: [{_inline(table.legend, document)}], "
    yield f"columns: ({widths},), sides: ({sides},), "
    yield f"titles: ({_cells([column.title for column in table.columns], document)},), cells: ("
    for row in table.rows:
        yield f"  {_cells(list(row), document)},"
    yield f")) <{table.key}>"


def _lines(table: Table) -> float:
    """About how many lines the table takes: of each row, those of its fullest cell."""
    total = sum(column.width for column in table.columns) or 1.0
    room = [_LINE_CHARACTERS * max(column.width / total, 0.05) for column in table.columns]
    return sum(
        max(math.ceil(len(plain(cell)) / space) for cell, space in zip(row, room, strict=True)) for row in table.rows
    )


def _cells(cells: list[str], document: Document) -> str:
    return ", ".join(f"[{_inline(cell, document)}]" for cell in cells)


def _string(words: str) -> str:
    escaped = words.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _words(text: str) -> str:
    return plain(text).translate(_SPECIAL)


def _inline(text: str, document: Document) -> str:
    return "".join(_span(span, document) for span in parse(text))


def _span(span: Span, document: Document) -> str:
    match span:
        case Reference(key, with_page):
            anchor = document.anchors[key]
            kind = "evidence" if key.startswith("ev-") else "see"
            page = "-page" if with_page else ""
            return f"#{kind}{page}(<{key}>)[{anchor.shown}];"
        case Link(words, url):
            return f"#link({_string(url)})[{words.translate(_SPECIAL)}];"
        case Target(key):
            return f"#metadata(none) <{key}> "
        case Basis(words):
            return f"#basis[{words.translate(_SPECIAL)}];"
        case Blank(words):
            return f"#blank[{words.translate(_SPECIAL)}];"
        case _:
            words = span.words.translate(_SPECIAL)
            if span.style == "code":
                return f"#raw({_string(span.words)});"
            return {"": words, "strong": f"#strong[{words}];", "emphasis": f"#emph[{words}];"}[span.style]
