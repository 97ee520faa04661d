"""Software requirements, and the tests that carry their marks: requirement -> code -> test -> result.

A test says which requirements it verifies by `@pytest.mark.req("REQ-...")`. Marks are read from the source, so
that the trace can be checked without running a test; results come from pytest's JUnit file by `write_results`.
"""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar
from xml.etree import ElementTree  # noqa: ICN001

import yaml
from pydantic import ConfigDict

from pneumoscope.core import ConfigError
from pneumoscope.dossier.device import validated
from pneumoscope.dossier.trees import tree_sha256

NOT_RUN = "not run"
RAN_AGAINST = "ran against"

_MARK = "pytest.mark.req("

# Helpers of the tests whose name says that they assert.
_EXPECTS = re.compile(r"(\w+\.)*(assert|check|expect|require)_\w+|run_numerical\w*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One software requirement: what the software shall do, and the code (below `src/pneumoscope`) that does it."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    id: str
    text: str
    code: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TestCase:
    """A test function and the outcome of its last run: passed, failed, skipped or not run."""

    file: str
    name: str
    result: str = NOT_RUN

    # pytest must not take this class for a test.
    __test__: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Trace:
    """Each requirement with its tests."""

    requirements: tuple[Requirement, ...]
    tests: dict[str, tuple[TestCase, ...]] = field(default_factory=dict)


def read_requirements(path: Path) -> tuple[Requirement, ...]:
    """Return the requirements in a YAML list.

    Raises:
        ConfigError: The file is missing or no such list, or an id stands twice; all faults are named.
    """
    requirements = validated(tuple[Requirement, ...], read_yaml(path), where=str(path))
    ids = [requirement.id for requirement in requirements]
    if twice := sorted({one for one in ids if ids.count(one) > 1}):
        raise ConfigError(f"{path}: expected each id once, found twice: {', '.join(twice)}")
    return requirements


def read_yaml(path: Path) -> object:
    """Plain data of a YAML file.

    Raises:
        ConfigError: The file is missing or is no YAML.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: expected YAML, found {error}") from error


def trace(requirements: tuple[Requirement, ...], *, tests: Path, source: Path, results: Path | None) -> Trace:
    """Return the traceability matrix.

    Raises:
        ConfigError: A requirement has no test or names code that is not there, or a mark names no requirement; all
            of them are listed.
    """
    outcomes = read_results(results) if results else {}
    marked: dict[str, list[TestCase]] = {requirement.id: [] for requirement in requirements}
    problems = []
    for file, name, ids in marks(tests):
        for one in ids:
            if one in marked:
                marked[one].append(TestCase(file, name, outcomes.get((file, name), NOT_RUN)))
            else:
                problems.append(f"{file}::{name} is marked with {one}, which is no requirement")
    for requirement in requirements:
        if not marked[requirement.id]:
            problems.append(f"{requirement.id} has no test")
        missing = [code for code in requirement.code if not (source / "pneumoscope" / code).exists()]
        problems += [f"{requirement.id} names {code}, which is not there" for code in missing]
    if problems:
        raise ConfigError(f"requirements: {'; '.join(problems)}")
    return Trace(requirements, {key: tuple(cases) for key, cases in marked.items()})


def marks(tests: Path) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """File (below the tests' parent), function and requirement ids of each marked test."""
    for path in sorted(tests.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if _MARK in text else ():
            if isinstance(node, ast.FunctionDef):
                ids = tuple(one for decorator in node.decorator_list for one in _ids(decorator))
                if ids:
                    yield path.relative_to(tests.parent).as_posix(), node.name, ids


def without_assertion(tests: Path) -> Iterator[tuple[str, str]]:
    """Yield file and name of each marked test that can't fail: no assertion, no expected error, no helper with one."""
    for path in sorted(tests.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if _MARK not in text:
            continue
        module = ast.parse(text)
        functions = {node.name: node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)}
        for node in functions.values():
            if any(ids for decorator in node.decorator_list for ids in _ids(decorator)) and not _asserts(
                node, functions, seen=set()
            ):
                yield path.relative_to(tests.parent).as_posix(), node.name


def require_assertions(tests: Path) -> None:
    """Check that every marked test can fail.

    Raises:
        ConfigError: One asserts nothing; all are named.
    """
    if hollow := [f"{file}::{name}" for file, name in without_assertion(tests)]:
        raise ConfigError(f"requirements: {', '.join(hollow)}: marked with a requirement, and asserts nothing")


def _asserts(node: ast.FunctionDef, functions: dict[str, ast.FunctionDef], *, seen: set[str]) -> bool:
    """Whether a function asserts, expects an error or a warning, or calls a function that does."""
    seen.add(node.name)
    for one in ast.walk(node):
        if isinstance(one, ast.Assert):
            return True
        if isinstance(one, ast.Call):
            called = ast.unparse(one.func)
            if called in ("pytest.raises", "pytest.warns", "pytest.fail", "expect") or _EXPECTS.match(called):
                return True
            if called in functions and called not in seen and _asserts(functions[called], functions, seen=seen):
                return True
    return False


def read_results(path: Path) -> dict[tuple[str, str], str]:
    """Outcome by file and function, as `write_results` wrote it.

    Raises:
        ConfigError: The file is missing or is no such JSON.
    """
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        return {
            (file, name): str(result)
            for file, results in table.items()
            if file != RAN_AGAINST
            for name, result in results.items()
        }
    except (OSError, ValueError, AttributeError) as error:
        raise ConfigError(f"{path}: expected results of tests as JSON, found {error}") from error


def write_results(
    junit: Path, output: Path, *, tests: Path | None = None, source: Path | None = None
) -> dict[str, dict[str, str]]:
    """Outcome of each test function in pytest's JUnit file, of a parametrised one the worst; written as JSON.

    With `tests` and `source` the file also says which trees they ran against.

    Raises:
        ConfigError: The file is missing or is no XML.
    """
    try:
        root = ElementTree.parse(junit).getroot()  # noqa: S314
    except (OSError, ElementTree.ParseError) as error:
        raise ConfigError(f"{junit}: expected pytest's JUnit XML, found {error}") from error
    order = ("passed", "skipped", "failed")
    outcomes: dict[str, dict[str, str]] = {}
    for case in root.iter("testcase"):
        file = outcomes.setdefault(case.get("classname", "").replace(".", "/") + ".py", {})
        name = case.get("name", "").partition("[")[0]
        found = "failed" if _has(case, "failure", "error") else "skipped" if _has(case, "skipped") else "passed"
        file[name] = max(file.get(name, found), found, key=order.index)
    against = {"tests": tests, "source": source}
    trees = {name: tree_sha256(folder) for name, folder in against.items() if folder is not None}
    text = json.dumps(outcomes | ({RAN_AGAINST: trees} if trees else {}), indent=1, sort_keys=True)
    output.write_text(text + "\n", encoding="utf-8")
    return outcomes


def _has(case: ElementTree.Element, *tags: str) -> bool:
    return any(case.find(tag) is not None for tag in tags)


def _ids(decorator: ast.expr) -> Iterator[str]:
    if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.req":
        yield from (one.value for one in decorator.args if isinstance(one, ast.Constant) and isinstance(one.value, str))
