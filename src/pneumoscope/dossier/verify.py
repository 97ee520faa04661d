"""Hold a built submission against its evidence: recompute numbers, compare hashes, build it again, run its tests.

What this cannot see is in `CANNOT_SEE`, which the document prints.
"""

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pneumoscope.core import ArtifactError, PneumoscopeError
from pneumoscope.dossier.build import RECORD, SCHEMA, build, drawn_with, sha256
from pneumoscope.dossier.inputs import read_inputs
from pneumoscope.dossier.numbers import Use
from pneumoscope.dossier.recomputed import recompute_other, row_problems
from pneumoscope.dossier.requirements import RAN_AGAINST, write_results
from pneumoscope.dossier.trees import tree_sha256
from pneumoscope.evaluation import Evidence, NotEstimable, Number, read_evidence, recompute
from pneumoscope.model import Card, load

CANNOT_SEE = (
    "whether the predictions are the model's answers for these images: that needs images and model (`make evidence`)",
    "whether the references are right, or the images are whose they are said to be",
    "the second output's logit: predictions have its probability alone, which numbers are recomputed from",
    "numbers that need pixels: changed images that the guard caught, faithfulness and sanity of the map, free "
    "response, shortcut probes, other routes, and the distances of sample films; their file's hash is compared alone",
    "whether a test's recorded outcome is true, unless it is run again (`dossier verify --tests`)",
    "whether a test would fail if its requirement were broken: `make requirements` breaks each once",
    "an editor who changes an input and rebuilds everything from it: only the history of the repository shows that",
)

# Bootstraps are seeded, so a recomputed number differs by rounding in the file alone.
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` held against each other.

    Attributes:
        recomputed: Numbers of the evidence that were computed again from the predictions.
        traced: Numbers and facts of the document whose source file has the recorded hash, but that predictions alone
            don't give (configuration, literature, what needs pixels).
        files: Files whose hash was compared.
        rebuilt: Documents that were built again and are the same byte for byte.
        tests: Tests that were run again; None where that was not asked for.
        not_compared: What could not be compared here, and why.
    """

    recomputed: int
    traced: int
    files: int
    rebuilt: int
    tests: int | None
    not_compared: tuple[str, ...]


def verify(folder: Path, *, run_tests: bool = False) -> Verification:
    """Hold the submission in a folder against its record, its inputs, its predictions and its source.

    The document is built again only where nothing else is wrong.

    Args:
        folder: Where the submission was built.
        run_tests: Run the marked tests again and compare their outcomes.

    Raises:
        ArtifactError: Anything differs; every difference found is listed.
    """
    record = read_record(folder)
    problems = [*_changed_files(folder, record), *_changed_trees(folder, record)]
    release, faults = _release(folder, record)
    problems += faults
    uses = [Use(**use) for use in record["numbers"]]
    card = _card(folder, record)
    recomputed = 0
    again: set[str] = set()
    differing: list[str] = []
    for name, evidence in release.items():
        paths, differences = _recomputed(evidence, card)
        recomputed += len(paths)
        again |= {f"{name}/{path}" for path in paths}
        differing += differences
    problems += differing
    rebuilt, left = 0, list[str]()
    if not faults and not differing:
        rebuilt, left, differences = _rebuilt(folder, record)
        problems += differences
    tests = None
    if run_tests and not problems:
        tests, differences = _ran_again(folder, record)
        problems += differences
    if problems:
        raise ArtifactError(
            "\n  ".join([f"{folder}: the submission does not stand, {len(problems)} faults:", *problems])
        )
    return Verification(
        recomputed=recomputed,
        traced=sum(use.address not in again for use in uses),
        files=len(record["inputs"]) + len(record["documents"]),
        rebuilt=rebuilt,
        tests=tests,
        not_compared=tuple(left),
    )


def read_record(folder: Path) -> dict[str, Any]:
    """Return the record of a build.

    Raises:
        ArtifactError: It is missing or of another schema.
    """
    path = folder / RECORD
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if record["schema"] != SCHEMA or not isinstance(record["numbers"], list):
            raise ValueError(f"schema {record['schema']}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path}: expected the record of a built submission, found {error}") from error
    return record


def _changed_files(folder: Path, record: dict[str, Any]) -> Iterator[str]:
    model = record.get("model_file")
    recorded = record["documents"] | record["inputs"] | ({model["path"]: model["sha256"]} if model else {})
    for name, expected in recorded.items():
        path = folder / name
        if not path.is_file():
            yield f"{name}: expected a file, found none"
        elif (found := sha256(path)) != expected:
            yield f"{name}: expected SHA-256 {expected[:12]}…, found {found[:12]}…: changed since the build"


def _changed_trees(folder: Path, record: dict[str, Any]) -> Iterator[str]:
    """Source and tests must be those of the build, and the tests' results of the same source and tests."""
    trees = record.get("trees", {})
    for name, tree in trees.items():
        found = tree_sha256(folder / tree["path"])
        if found != tree["sha256"]:
            yield f"{name}: expected the tree {tree['sha256'][:12]}…, found {found[:12]}…: changed since the build"
    results = record.get("results")
    path = folder / results if results else None
    if path is not None and path.is_file():
        try:
            against = json.loads(path.read_text(encoding="utf-8")).get(RAN_AGAINST, {})
        except ValueError as error:
            yield f"{results}: expected results of tests as JSON, found {error}"
            return
        for name, digest in against.items():
            if name in trees and digest != trees[name]["sha256"]:
                yield f"{results}: the tests ran against another {name} tree ({digest[:12]}…) than the document's"


def _release(folder: Path, record: dict[str, Any]) -> tuple[dict[str, Evidence], list[str]]:
    release, problems = {}, []
    for name, entry in record["evidence"].items():
        try:
            evidence = release[name] = read_evidence(folder / entry["path"], name=name)
        except ArtifactError as error:
            problems.append(str(error))
            continue
        found = evidence.provenance["model"].get("sha256")
        if found != entry["model_sha256"]:
            problems.append(
                f"{name}: expected evidence of model {entry['model_sha256'][:12]}…, found {str(found)[:12]}…"
            )
    return release, problems


def _card(folder: Path, record: dict[str, Any]) -> Card | None:
    model = record.get("model_file")
    try:
        return load(folder / model["path"]).card if model else None
    except ArtifactError:
        return None  # its hash differs too, and is said


def _recomputed(evidence: Evidence, card: Card | None) -> tuple[set[str], list[str]]:
    """Paths of the numbers that the predictions give again, and which of them differ from the evidence."""
    try:
        again = Evidence(
            name=evidence.name, path=evidence.path, cohort={}, labels=recompute(evidence), provenance={}, other={}
        )
        other = recompute_other(evidence, card=card)
    except (PneumoscopeError, ValueError, KeyError) as error:
        return set(), [f"{evidence.name}: the predictions no longer give the numbers: {error}"]
    paths, problems = set(), []
    for path, said in _leaves(evidence.labels, "labels"):
        try:
            found: Any = again.at(path)
        except ArtifactError as error:
            problems.append(f"{evidence.name}: its predictions give no {path}: {error}")
            continue
        paths.add(path)
        problems += _difference(evidence, path, said, found)
    for path, found in other.items():
        paths.add(path)
        problems += _difference(evidence, path, evidence.at(path), found)
    problems += row_problems(evidence, card=card)
    return paths, problems


def _leaves(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every number, reason and fact below a group, with its dotted path."""
    if isinstance(node, dict):
        for key, child in node.items():
            yield from _leaves(child, f"{path}.{key}")
    else:
        yield path, node


def _difference(evidence: Evidence, path: str, said: Any, found: Any) -> list[str]:
    if _same(said, found):
        return []
    at = path.removeprefix("labels.")
    return [f"{evidence.name}: {at}: the evidence says {_short(said)}, its predictions give {_short(found)}"]


def _rebuilt(folder: Path, record: dict[str, Any]) -> tuple[int, list[str], list[str]]:
    """How many documents were built again alike, what could not be compared, and what differs."""
    with TemporaryDirectory() as place:
        try:
            inputs = read_inputs(folder / record["device"]["file"], folder / record["release"])
            name = next(name for name in record["documents"] if name.endswith(".pdf") and "/" not in name)
            made = build(inputs, Path(place) / name)
        except (PneumoscopeError, StopIteration) as error:
            return 0, [], [f"the document cannot be built again: {error}"]
        same_tools = record.get("drawn_with") == drawn_with()
        alike, left, problems = 0, [], []
        for document in record["documents"]:
            ours, again = folder / document, Path(place) / document
            if document.endswith((".pdf", ".svg", ".png")) and not same_tools:
                left.append(f"{document}: drawn with {record.get('drawn_with')}, here {drawn_with()}")
            elif not again.is_file():
                problems.append(f"{document}: is in the record, and building again makes no such file")
            elif ours.is_file() and ours.read_bytes() != again.read_bytes():
                problems.append(_first_difference(document, ours, again))
            else:
                alike += 1
        if made["numbers"] != record["numbers"]:
            problems.append(f"{RECORD}: the recorded numbers are not those that the inputs give")
    return alike, left, problems


def _first_difference(name: str, ours: Path, again: Path) -> str:
    if name.endswith((".pdf", ".png")):
        return f"{name}: its bytes stand there, the inputs give others"
    pairs = zip(
        ours.read_text(encoding="utf-8", errors="replace").splitlines(),
        again.read_text(encoding="utf-8").splitlines(),
        strict=False,
    )
    for row, (old, new) in enumerate(pairs, start=1):
        if old != new:
            return f"{name}, line {row}: {old[:90]!r} stands there, the inputs give {new[:90]!r}"
    return f"{name}: the inputs give another number of lines"


def _ran_again(folder: Path, record: dict[str, Any]) -> tuple[int, list[str]]:
    """Run the marked tests, and hold their outcomes against the recorded ones."""
    results = record.get("results")
    if not results:
        return 0, ["no results of tests are recorded"]
    tests = (folder / record["trees"]["tests"]["path"]).resolve()
    with TemporaryDirectory() as place:
        junit, again = Path(place) / "junit.xml", Path(place) / "again.json"
        command = [sys.executable, "-m", "pytest", "-q", "-m", "req", f"--junitxml={junit}", str(tests)]
        subprocess.run(  # noqa: S603
            command, cwd=tests.parent, env=os.environ | {"NO_COLOR": "1"}, capture_output=True, check=False
        )
        found = write_results(junit, again)
    said = json.loads((folder / results).read_text(encoding="utf-8"))
    problems = [
        f"{file}::{name}: recorded as {outcome}, now {found.get(file, {}).get(name, 'not run')}"
        for file, outcomes in said.items()
        if file != RAN_AGAINST
        for name, outcome in outcomes.items()
        if found.get(file, {}).get(name) != outcome
    ]
    return sum(map(len, found.values())), problems


def _same(said: Any, found: Any) -> bool:
    match said, found:
        case Number(), Number():
            pairs = ((said.value, found.value), (said.low, found.low), (said.high, found.high))
            return said.n == found.n and all(map(_close, pairs))
        case NotEstimable(), NotEstimable():
            return True
        case bool(), bool():
            return said == found
        case float() | int(), float() | int():
            return _close((float(said), float(found)))
    return bool(said == found)


def _close(pair: tuple[float, float]) -> bool:
    return math.isclose(*pair, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)


def _short(node: Any) -> str:
    return f"{node.value:.6g} [{node.low:.6g}, {node.high:.6g}]" if isinstance(node, Number) else str(node)
