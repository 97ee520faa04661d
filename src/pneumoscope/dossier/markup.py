"""Section templates, once their numbers are filled in, to sections of the content model.

# Title {#key}                 a chapter; ## and ### below it; `{#key appendix}` starts the appendices
words                          a paragraph, until an empty line
- words   1. words             a list, a line an item
> [!caution] words             a boxed remark (draft, caution, manufacturer)
$ command                      a command line
::name                         the table or figure of that name
:: key | caption               a table written here: a row of titles (`{2}` or `{0r}` after one gives its width,
| title {2} | title |          r keeps to the right), then rows
"""

import re
from collections.abc import Callable, Iterable, Iterator

from pneumoscope.core import ConfigError
from pneumoscope.dossier.content import Block, Bullets, Code, Column, Note, Paragraph, Section, Table

Maker = Callable[[], Iterable[Block]]

_HEADING = re.compile(r"(#{1,3}) (.+?) \{#([a-z0-9-]+)( appendix)?\}")
_NOTE = re.compile(r"> \[!(draft|caution|manufacturer)\] (.+)", re.DOTALL)
_TITLE = re.compile(r"(.*?)\s*(?:\{([\d.]+)(r?)\})?")
_CELLS = re.compile(r"(?<!\\)\|")
_NUMBERED = re.compile(r"\d+\. ")


def parse_sections(text: str, makers: dict[str, Maker], *, where: str) -> tuple[Section, ...]:
    """Return the sections of one template; `makers` give the tables and figures that it names.

    Raises:
        ConfigError: Text stands before the first heading, or a table or figure is unknown.
    """
    parts = re.split(r"^(?=#{1,3} )", text, flags=re.MULTILINE)
    if parts[0].strip():
        raise ConfigError(f"{where}: expected a heading first, found {parts[0].strip()[:60]!r}")
    return tuple(_section(part, makers, where=where) for part in parts[1:])


def _section(text: str, makers: dict[str, Maker], *, where: str) -> Section:
    first, _, rest = text.partition("\n")
    heading = _HEADING.fullmatch(first.strip())
    if heading is None:
        raise ConfigError(f"{where}: expected '# Title {{#key}}', found {first!r}")
    marks, title, key, appendix = heading.groups()
    chunks = (chunk.strip("\n") for chunk in re.split(r"\n\s*\n", rest))
    blocks = tuple(block for chunk in chunks if chunk.strip() for block in _blocks(chunk, makers, where=where))
    return Section(key, title, len(marks), blocks, appendix=bool(appendix))


def _blocks(chunk: str, makers: dict[str, Maker], *, where: str) -> Iterator[Block]:
    if chunk.startswith(":: "):
        yield _table(chunk, where=where)
    elif chunk.startswith("::"):
        name = chunk[2:].strip()
        if name not in makers:
            raise ConfigError(f"{where}: there is no table or figure {name!r}; known: {', '.join(sorted(makers))}")
        yield from makers[name]()
    elif note := _NOTE.fullmatch(chunk):
        yield Note(note[1], _line(note[2].replace("\n> ", "\n")))
    elif chunk.startswith("$ "):
        yield Code(chunk[2:])
    elif chunk.startswith("- "):
        yield Bullets(tuple(map(_line, re.split(r"^- ", chunk, flags=re.MULTILINE)[1:])))
    elif _NUMBERED.match(chunk):
        yield Bullets(tuple(map(_line, re.split(r"^\d+\. ", chunk, flags=re.MULTILINE)[1:])), numbered=True)
    else:
        yield Paragraph(_line(chunk))


def _table(chunk: str, *, where: str) -> Table:
    first, *lines = chunk.split("\n")
    key, bar, caption = first.removeprefix(":: ").partition(" | ")
    rows = [tuple(cell.strip() for cell in _CELLS.split(line.strip().strip("|"))) for line in lines if line.strip()]
    if not (bar and len(rows) > 1 and all(len(row) == len(rows[0]) for row in rows)):
        raise ConfigError(
            f"{where}: expected ':: key | caption', titles and rows of as many cells, found {chunk[:80]!r}"
        )
    return Table(key, caption, tuple(map(_column, rows[0])), tuple(rows[1:]))


def _column(title: str) -> Column:
    found = _TITLE.fullmatch(title)
    assert found is not None
    return Column(found[1], float(found[2] or 1), right=bool(found[3]))


def _line(text: str) -> str:
    return " ".join(text.split())
