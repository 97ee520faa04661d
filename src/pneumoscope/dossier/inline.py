"""The small markup inside a paragraph or a table cell, parsed once for both renderings.

**strong**   *emphasis*   `code`   [words](https://...)   [@key] a reference   [@key:page] with its page
[!words] what a person must still provide; a backslash takes the next character as it is
[=REQ-RD-01] or [=reading.claim] the requirement or configuration key that a statement about behaviour rests on
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """Words as they are; `style` is "", "strong", "emphasis" or "code"."""

    words: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """Words that lead outside the document."""

    words: str
    url: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A section, table, figure or evidence of this document, by its key."""

    key: str
    with_page: bool = False


@dataclass(frozen=True, slots=True)
class Blank:
    """What the manufacturer must provide."""

    words: str


@dataclass(frozen=True, slots=True)
class Target:
    """Where references to evidence lead."""

    key: str


@dataclass(frozen=True, slots=True)
class Basis:
    """The requirement or configuration key that a statement about the software's behaviour rests on."""

    words: str


Span = Basis | Text | Link | Reference | Blank | Target

_SPAN = re.compile(
    r"(?P<escaped>\\.)"
    r"|\*\*(?P<strong>(?:\\.|[^*\\])+)\*\*"
    r"|\*(?P<emphasis>(?:\\.|[^*\\])+)\*"
    r"|`(?P<code>[^`]+)`"
    r"|\[@(?P<key>[^\]:\s]+)(?P<page>:page)?\]"
    r"|\[#(?P<target>[^\]\s]+)\]"
    r"|\[=(?P<basis>[A-Za-z0-9_.-]+)\]"
    r"|\[!(?P<blank>(?:\\.|[^\]\\])+)\]"
    r"|\[(?P<words>(?:\\.|[^\]\\])+)\]\((?P<url>https?://[^)\s]+)\)"
)
_MARKUP = re.compile(r"([\\*`\[\]])")


class Marked(str):
    """A text whose markup is meant; anything else that comes into a template is escaped."""

    __slots__ = ()


def escape(words: object) -> Marked:
    """Words that stand for themselves, whatever characters they hold; already marked text as it is."""
    if isinstance(words, Marked):
        return words
    return Marked(_MARKUP.sub(r"\\\1", " ".join(str(words).split())))


def parse(text: str) -> tuple[Span, ...]:
    """Return the spans of a text, in order; neighbouring plain words are one span."""
    spans: list[Span] = []
    for span in _spans(text):
        last = spans[-1] if spans else None
        if isinstance(span, Text) and isinstance(last, Text) and span.style == last.style == "":
            spans[-1] = Text(last.words + span.words)
        else:
            spans.append(span)
    return tuple(spans)


def plain(text: str) -> str:
    """Return the words alone, as a bookmark or an alternative text needs them."""
    return "".join(span.key if isinstance(span, Reference | Target) else span.words for span in parse(text))


def references(text: str) -> Iterator[str]:
    """Keys that a text refers to."""
    return (span.key for span in parse(text) if isinstance(span, Reference))


def _spans(text: str) -> Iterator[Span]:
    end = 0
    for match in _SPAN.finditer(text):
        if match.start() > end:
            yield Text(text[end : match.start()])
        yield _span(match)
        end = match.end()
    if end < len(text):
        yield Text(text[end:])


def _span(match: re.Match[str]) -> Span:
    found = match.groupdict()
    if found["escaped"]:
        return Text(found["escaped"][1:])
    if found["key"]:
        return Reference(found["key"], with_page=bool(found["page"]))
    if found["target"]:
        return Target(found["target"])
    if found["basis"]:
        return Basis(found["basis"])
    if found["blank"]:
        return Blank(_unescaped(found["blank"]))
    if found["url"]:
        return Link(_unescaped(found["words"]), found["url"])
    if found["code"]:
        return Text(found["code"], "code")
    style = "strong" if found["strong"] else "emphasis"
    return Text(_unescaped(found[style]), style)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
