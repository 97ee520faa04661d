"""Broken versions of a source file, one change each, for the campaign that asks whether marked tests notice."""

import ast
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

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


def mutants(source: str) -> Iterator[Mutant]:
    """Yield the file with one comparison, condition, sum or returned value changed, in the order of the lines."""
    tree = ast.parse(source)
    places = [node for node in ast.walk(tree) if _change(deepcopy(node)) is not None and _in_function(tree, node)]
    for node in sorted(places, key=lambda one: (one.lineno, one.col_offset)):  # type: ignore[attr-defined]
        again = ast.parse(source)
        twin = next(
            one
            for one in ast.walk(again)
            if type(one) is type(node) and (one.lineno, one.col_offset) == (node.lineno, node.col_offset)  # type: ignore[attr-defined]
        )
        said = _change(twin)
        assert said is not None
        yield Mutant(node.lineno, said, ast.unparse(ast.fix_missing_locations(again)))  # type: ignore[attr-defined]


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


def _in_function(tree: ast.Module, node: ast.AST) -> bool:
    functions = (one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef))
    return any(one is not function and one is node for function in functions for one in ast.walk(function))
