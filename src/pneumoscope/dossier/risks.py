"""The risk table (ISO 14971:2019): hazards from the software's failure modes, each with the requirements against it."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict

from pneumoscope.core import ConfigError
from pneumoscope.dossier.device import validated
from pneumoscope.dossier.requirements import Trace, read_yaml

SEVERITIES = ("negligible", "minor", "serious", "critical")
PROBABILITIES = ("improbable", "remote", "occasional", "probable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """One hazardous situation.

    Attributes:
        severity: One of `SEVERITIES`, of the harm.
        before: One of `PROBABILITIES`, of the harm without the controls; `after` with them. Drafts of the
            developers: a clinician must confirm them.
        controls: Requirements that control the risk.
        left: What remains, and who is told.
        acceptable: Whether the developers would accept what remains, and why.
        ml: Topic of ISO/TS 24971-2:2026; empty where the hazard is none of machine learning.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    id: str
    situation: str
    cause: str
    harm: str
    severity: str
    before: str
    after: str
    controls: tuple[str, ...]
    left: str
    acceptable: str = "to be decided"
    ml: str = ""


def read_risks(path: Path, trace: Trace) -> tuple[Risk, ...]:
    """Return the risks in a YAML list; each control is a requirement of `trace`, and so has a test.

    Raises:
        ConfigError: The file is missing or no such list, or a risk names an unknown control or scale; all are named.
    """
    risks = validated(tuple[Risk, ...], read_yaml(path), where=str(path))
    known = {requirement.id for requirement in trace.requirements}
    problems = [f"{risk.id}: {problem}" for risk in risks for problem in _problems(risk, known)]
    ids = [risk.id for risk in risks]
    problems += [f"{one} stands twice" for one in sorted({one for one in ids if ids.count(one) > 1})]
    if problems:
        raise ConfigError(f"{path}: {'; '.join(problems)}")
    return risks


def _problems(risk: Risk, known: set[str]) -> list[str]:
    problems = [f"control {control} is no requirement" for control in risk.controls if control not in known]
    if not risk.controls:
        problems.append("expected at least one control, found none")
    if risk.severity not in SEVERITIES:
        problems.append(f"severity must be one of {', '.join(SEVERITIES)}, found {risk.severity!r}")
    wrong = [scale for scale in (risk.before, risk.after) if scale not in PROBABILITIES]
    return problems + [f"probability must be one of {', '.join(PROBABILITIES)}, found {scale!r}" for scale in wrong]
