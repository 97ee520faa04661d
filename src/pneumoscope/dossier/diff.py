"""What changed between two submissions, numbers first."""

import difflib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pneumoscope.core import ArtifactError
from pneumoscope.dossier.verify import read_record

_HEADING = re.compile(r"#{2,4} (?:Appendix )?[\dA-Z.]+ (.+)")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs; None where it is only in one of the two."""

    what: str
    old: str | None
    new: str | None

    def __str__(self) -> str:
        return f"{self.what}: {self.old or 'nothing'} → {self.new or 'nothing'}"


@dataclass(frozen=True, slots=True)
class Difference:
    """Changes by kind.

    Attributes:
        numbers: By address.
        facts: Device, claim, model, operating point.
        files: Inputs whose content differs, by name.
        sections: Sections of the text, with the count of lines taken out and put in.
    """

    numbers: tuple[Change, ...]
    facts: tuple[Change, ...]
    files: tuple[Change, ...]
    sections: tuple[Change, ...]


def diff(old: Path, new: Path) -> Difference:
    """Return what differs between the submissions in two folders.

    Raises:
        ArtifactError: One of them has no record, or its Markdown is missing.
    """
    first, second = read_record(old), read_record(new)
    return Difference(
        numbers=_changes(_numbers(first), _numbers(second)),
        facts=_changes(_facts(first), _facts(second)),
        files=_changes(_files(first), _files(second)),
        sections=_changes(_sections(old, first), _sections(new, second), said=_lines),
    )


def _changes(old: dict[str, str], new: dict[str, str], *, said: Any = None) -> tuple[Change, ...]:
    differing = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    if said is None:
        return tuple(Change(key, old.get(key), new.get(key)) for key in differing)
    return tuple(Change(key, *said(old.get(key), new.get(key))) for key in differing)


def _numbers(record: dict[str, Any]) -> dict[str, str]:
    """Return what is shown at each address, in its longest form."""
    shown: dict[str, str] = {}
    for use in record["numbers"]:
        shown[use["address"]] = max(shown.get(use["address"], ""), use["shown"], key=len)
    return shown


def _facts(record: dict[str, Any]) -> dict[str, str]:
    facts = {f"device {name}": str(record["device"][name]) for name in ("name", "version", "claim")}
    facts |= {f"model {name}": str(record["model"][name]) for name in ("name", "version", "sha256")}
    return facts | {"operating point": record["operating_point"]}


def _files(record: dict[str, Any]) -> dict[str, str]:
    return {Path(name).name if "/" not in name else name: sha[:12] for name, sha in record["inputs"].items()}


def _sections(folder: Path, record: dict[str, Any]) -> dict[str, str]:
    path = folder / next(name for name in record["documents"] if name.endswith(".md"))
    if not path.is_file():
        raise ArtifactError(f"expected the submission's text at {path}, found none")
    sections: dict[str, str] = {}
    title = "Title page"
    for line in path.read_text(encoding="utf-8").splitlines():
        if heading := _HEADING.fullmatch(line):
            title = heading[1]
        sections[title] = f"{sections.get(title, '')}{line}\n"
    return sections


def _lines(old: str | None, new: str | None) -> tuple[str | None, str | None]:
    """How many lines went and how many came."""
    if old is None or new is None:
        return ("a section" if old else None), ("a section" if new else None)
    lines = list(difflib.ndiff(old.splitlines(), new.splitlines()))
    gone, came = (sum(line.startswith(sign) for line in lines) for sign in ("- ", "+ "))
    return f"{gone} lines", f"{came} lines"
