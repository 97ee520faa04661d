"""What a statement about the software's behaviour rests on: a requirement, or a key of its configuration."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path

from pneumoscope.core import ReleasedDevice, released_device
from pneumoscope.dossier.requirements import Requirement

# Sections that say what the software does. A sentence in them that has one of these words must name its basis.
SECTIONS = (
    "intended-use", "dicom-checks", "preprocessing", "architecture", "claim-chosen", "description", "worklist-order",
    "threat-model", "security-views", "instructions",
)  # fmt: skip
_BEHAVIOUR = re.compile(
    r"\b(refuse[sd]?|moves? \w+ \w+ up|moved up|keeps? its (own )?(place|arrival)|by default|is (shown|listed|marked|"
    r"flagged|written|compared|verified|recorded)|are (shown|listed|marked|flagged|written|verified|recorded)|shows no|"
    r"alerts?|alarms?|orders the worklist|counts as)\b"
)
_BASIS = re.compile(r"\[=([A-Za-z0-9_.-]+)\]")
_HEADING = re.compile(r"^#{1,3} .+?\{#([a-z0-9-]+)")


def known_bases(requirements: Iterable[Requirement], source: Path) -> frozenset[str]:
    """Return the ids of requirements, the keys of `node.toml` and those of the released device."""
    return frozenset((*(one.id for one in requirements), *_node_keys(source), *_released_keys()))


def problems(template: str, *, where: str, known: frozenset[str]) -> Iterator[str]:
    """Yield each statement about behaviour without a basis, and each basis that is not known."""
    for basis in _BASIS.findall(template):
        if basis not in known:
            yield f"{where}: [={basis}] is no requirement and no configuration key"
    section = ""
    for line in template.splitlines():
        if heading := _HEADING.match(line):
            section = heading[1]
        elif section in SECTIONS:
            yield from (
                f"{where}, {section}: {sentence[:80]!r} says what the software does and names no basis"
                for sentence in _sentences(line)
                if _BEHAVIOUR.search(sentence) and not _BASIS.search(sentence)
            )


def _sentences(line: str) -> list[str]:
    """Sentences of a line without its template's statements; a basis stands before the full stop."""
    text = re.sub(r"\{%.*?%\}", ". ", line)
    return [one for one in re.split(r"(?<=[.:;?!])\s+", text) if one.strip()]


def _node_keys(source: Path) -> Iterator[str]:
    """Keys of `node.toml`, read from the records' source: this room does not import the node."""
    classes: dict[str, list[tuple[str, str]]] = {}
    for path in sorted((source / "pneumoscope" / "service" / "config").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                classes[node.name] = [
                    (one.target.id, ast.unparse(one.annotation))
                    for one in node.body
                    if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
                ]
    for table, kind in classes.get("ServiceConfig", []):
        name = re.sub(r"tuple\[(\w+), \.\.\.\]", r"\1", kind)
        yield from (f"{table}.{key}" for key, _ in classes.get(name, []))


def _released_keys() -> Iterator[str]:
    device = released_device()
    for one in fields(ReleasedDevice):
        inner = getattr(device, one.name)
        names = getattr(inner, "__slots__", ()) if not isinstance(inner, str) else ()
        yield from (f"{one.name}.{name}" for name in names) if names else (one.name,)
