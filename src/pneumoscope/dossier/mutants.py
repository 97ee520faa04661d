"""Broken versions of a source file, one change each, for the campaign that asks whether marked tests notice."""

import ast
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pneumoscope.dossier.requirements import TestCase

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Lt: ast.GtE, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: its line, what was done, and the whole file with it."""

    line: int
    change: str
    source: str


def mutants(source: str, *, ran: set[int] | None = None) -> Iterator[Mutant]:
    """Yield the file with one comparison, condition, sum or returned value changed, in the order of the lines.

    Args:
        source: The file.
        ran: Lines to change alone; None for all.
    """
    tree = ast.parse(source)
    inside = _in_functions(tree)
    places = [
        (place, node)
        for place, node in enumerate(ast.walk(tree))
        if id(node) in inside
        and (ran is None or getattr(node, "lineno", 0) in ran)
        and _change(deepcopy(node)) is not None
    ]
    for place, node in sorted(places, key=lambda one: (one[1].lineno, one[1].col_offset)):  # type: ignore[attr-defined]
        again = ast.parse(source)
        twin = next(one for at, one in enumerate(ast.walk(again)) if at == place)
        said = _change(twin)
        assert said is not None
        yield Mutant(node.lineno, said, ast.unparse(ast.fix_missing_locations(again)))  # type: ignore[attr-defined]


def spread(found: Iterable[Mutant]) -> list[Mutant]:
    """Return the mutants in an order in which those that follow each other lie far apart."""
    chosen = list(found)
    return [chosen[place] for place in sorted(range(len(chosen)), key=lambda n: (n * 7919) % max(len(chosen), 1))]


def interleaved(found: Mapping[Path, list[Mutant]]) -> list[tuple[Path, Mutant]]:
    """Return one mutant of each file in turn."""
    longest = max(map(len, found.values()), default=0)
    return [(path, rows[place]) for place in range(longest) for path, rows in found.items() if place < len(rows)]


def stamp(root: Path, code: Iterable[str], tests: Iterable[TestCase]) -> str:
    """Return a hash of a requirement's code and of the files of its tests; with another one a result is stale."""
    files = {root / "src" / "pneumoscope" / one for one in code if one.endswith(".py")}
    files |= {root / case.file for case in tests}
    digest = hashlib.sha256("".join(sorted(case.name for case in tests)).encode())
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def results_page(done: Mapping[str, Mapping[str, Any]], *, of: int) -> str:
    """Return the campaign's results as a page in Markdown."""
    noticed = sum(one["verdict"] == "noticed" for one in done.values())
    lines = [
        "# Broken requirements",
        "",
        "`make requirements` changes the code that a requirement names, one comparison, condition, sum or returned "
        "value at a time, on lines that its marked tests run. It stops at the first change that a marked test notices, "
        "and after six that none does. A requirement whose tests notice nothing is not verified by them.",
        "",
        f"Done: {len(done)} of {of} requirements. Noticed: {noticed}. A result holds for the code and tests that it "
        "was made with; others are made again.",
        "",
        "| Requirement | The software shall … | Verdict | Changes tried | The change that was noticed |",
        "|---|---|---|---|---|",
    ]
    for name, one in sorted(done.items()):
        change = str(one.get("change", "")).replace("|", "\\|").replace("`", "'")
        shown = f"`{change}`" if change else ""
        lines.append(f"| {name} | {one['text']} | {one['verdict']} | {one.get('tried', 0)} | {shown} |")
    return "\n".join(lines) + "\n"


def _change(node: ast.AST) -> str | None:
    """Change a node in place and say how; None where there is nothing to change."""
    before = ast.unparse(node) if isinstance(node, ast.expr | ast.stmt) else ""
    match node:
        case ast.Compare(ops=[op]) if type(op) in _COMPARISONS:
            node.ops = [_COMPARISONS[type(op)]()]
        case ast.BinOp(op=op) if type(op) in _ARITHMETIC and not isinstance(node.left, ast.Constant | ast.JoinedStr):
            node.op = _ARITHMETIC[type(op)]()
        case ast.If(test=test):
            node.test = ast.UnaryOp(ast.Not(), test)
            return f"if {ast.unparse(test)} negated"
        case ast.Return(value=ast.expr()):
            node.value = ast.Constant(None)
            return f"{before[:60]} returns None"
        case _:
            return None
    return f"{before[:60]} became {ast.unparse(node)[:60]}"


def _in_functions(tree: ast.Module) -> set[int]:
    """Return the identities of the nodes within functions."""
    functions = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)]
    return {id(one) for function in functions for one in ast.walk(function) if one is not function}
