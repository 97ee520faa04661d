"""Holding a built submission against its evidence: recompute every number, compare every hash, build it again."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pneumoscope.core import ArtifactError, PneumoscopeError
from pneumoscope.dossier.build import RECORD, SCHEMA, compose, sha256
from pneumoscope.dossier.inputs import read_inputs
from pneumoscope.dossier.markdown import to_markdown
from pneumoscope.dossier.numbers import Use
from pneumoscope.evaluation import Evidence, Number, read_evidence, recompute

# Bootstraps are seeded, so a recomputed number differs by rounding in the file alone.
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` held against each other.

    Attributes:
        recomputed: Numbers of the document that were computed again from the predictions.
        traced: Numbers and facts whose source file has the recorded hash, but that predictions alone don't give
            (counts of the guard, configuration, literature).
        files: Files whose hash was compared.
    """

    recomputed: int
    traced: int
    files: int


def verify(folder: Path) -> Verification:
    """Hold the submission in a folder against its record, its inputs and its predictions.

    Raises:
        ArtifactError: Anything differs; every difference found is listed.
    """
    record = read_record(folder)
    problems = list(_changed_files(folder, record))
    release, faults = _release(folder, record)
    problems += faults
    uses = [Use(**use) for use in record["numbers"]]
    recomputed = 0
    for name, evidence in release.items():
        wanted = {use.address.removeprefix(f"{name}/") for use in uses if use.address.startswith(f"{name}/")}
        count, differences = _recomputed(evidence, wanted)
        recomputed += count
        problems += differences
    if not faults:
        problems += _rebuilt(folder, record)
    if problems:
        raise ArtifactError(
            "\n  ".join([f"{folder}: the submission does not stand, {len(problems)} faults:", *problems])
        )
    return Verification(recomputed, len(uses) - recomputed, len(record["inputs"]) + len(record["documents"]))


def read_record(folder: Path) -> dict[str, Any]:
    """The record of a build.

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
    for name, expected in (record["documents"] | record["inputs"]).items():
        path = folder / name
        if not path.is_file():
            yield f"{name}: expected a file, found none"
        elif (found := sha256(path)) != expected:
            yield f"{name}: expected SHA-256 {expected[:12]}…, found {found[:12]}…: changed since the build"


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


def _recomputed(evidence: Evidence, wanted: set[str]) -> tuple[int, list[str]]:
    """How many of the wanted numbers the predictions give, and which of them differ from the evidence."""
    labels = {path.removeprefix("labels.") for path in wanted if path.startswith("labels.")}
    if not labels:
        return 0, []
    try:
        again = Evidence(
            name=evidence.name, path=evidence.path, cohort={}, labels=recompute(evidence), provenance={}, other={}
        )
    except (PneumoscopeError, ValueError, KeyError) as error:
        return 0, [f"{evidence.name}: the predictions no longer give the numbers: {error}"]
    problems = []
    for path in sorted(labels):
        try:
            said, found = evidence.at(f"labels.{path}"), again.at(f"labels.{path}")
        except ArtifactError as error:
            problems.append(str(error))
            continue
        if not _same(said, found):
            problems.append(
                f"{evidence.name}: {path}: the evidence says {_short(said)}, its predictions give {_short(found)}"
            )
    return len(labels), problems


def _rebuilt(folder: Path, record: dict[str, Any]) -> Iterator[str]:
    """Differences between the Markdown that lies in the folder and the one that its inputs give now."""
    name = next(name for name in record["documents"] if name.endswith(".md"))
    with TemporaryDirectory() as place:
        try:
            inputs = read_inputs(folder / record["device"]["file"], folder / record["release"])
            document, _ = compose(inputs, Path(place))
        except PneumoscopeError as error:
            yield f"the document cannot be built again: {error}"
            return
        again = to_markdown(document, Path(place)).splitlines()
    path = folder / name
    there = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    for row, (old, new) in enumerate(zip(there, again, strict=False), start=1):
        if old != new:
            yield f"{name}, line {row}: {old[:90]!r} stands there, the inputs give {new[:90]!r}"
            return
    if len(there) != len(again):
        yield f"{name}: {len(there)} lines stand there, the inputs give {len(again)}"


def _same(said: Any, found: Any) -> bool:
    match said, found:
        case Number(), Number():
            pairs = ((said.value, found.value), (said.low, found.low), (said.high, found.high))
            return said.n == found.n and all(map(_close, pairs))
        case float() | int(), float() | int():
            return _close((float(said), float(found)))
    return bool(said == found)


def _close(pair: tuple[float, float]) -> bool:
    return math.isclose(*pair, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)


def _short(node: Any) -> str:
    return f"{node.value:.6g} [{node.low:.6g}, {node.high:.6g}]" if isinstance(node, Number) else str(node)
