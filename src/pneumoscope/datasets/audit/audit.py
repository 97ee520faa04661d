"""The whole audit of one manifest."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pneumoscope.core import ConfigError, InputError
from pneumoscope.datasets.audit.confounding import confounding_findings
from pneumoscope.datasets.audit.duplicates import duplicate_findings
from pneumoscope.datasets.audit.finding import Finding, Severity
from pneumoscope.datasets.audit.oddities import oddity_findings
from pneumoscope.datasets.audit.rows import file_findings, row_findings
from pneumoscope.datasets.audit.scan import Progress, scan
from pneumoscope.datasets.manifest import arrange, read_arrow, read_manifest

_LOOKED = ["sharpness", "mean", "deviation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What was found, the gravest first."""

    images: int
    patients: int
    looked_at: int
    findings: tuple[Finding, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing is an error; warnings and notes are for a person to weigh."""
        return all(one.severity is not Severity.ERROR for one in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON holds it."""
        return asdict(self) | {"clean": self.clean}


def audit(
    path: Path,
    *,
    label: str = "Pneumonia",
    pixels: bool = True,
    change: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
    progress: Progress = iter,
) -> Audit:
    """Look for leaks, duplicates, contradictions, odd images and shortcuts in a manifest and its images.

    A manifest that `read_manifest` would refuse is audited all the same: what is wrong becomes a finding.

    Args:
        path: Manifest.
        label: Finding whose shortcuts are sought.
        pixels: Whether images are opened.
        change: Applied to the rows first, such as a split that is not in the manifest.
        progress: Wraps the images while they are looked at.

    Raises:
        ConfigError: The file is no Parquet, or the label no column.
    """
    rows, findings = _read(path)
    if label not in rows:
        raise ConfigError(f"label: expected a column of {path}, got {label!r}")
    rows = change(rows) if change is not None else rows
    findings += [*row_findings(rows), *file_findings(rows)]
    looks = pd.DataFrame(columns=_LOOKED, dtype="float64")
    if pixels and rows["path"].notna().any():
        present = rows[rows["path"].map(lambda at: Path(at).is_file(), na_action="ignore").eq(True)]
        seen = scan(present["path"], progress=progress)
        findings += [*duplicate_findings(present, seen), *oddity_findings(present, seen)]
        looks = seen.table[_LOOKED]
    findings += list(confounding_findings(rows, looks, label=label))
    order = list(Severity)
    return Audit(
        images=len(rows),
        patients=int(rows["patient_id"].nunique()),
        looked_at=len(looks),
        findings=tuple(sorted(findings, key=lambda one: order.index(one.severity))),
    )


def _read(path: Path) -> tuple[pd.DataFrame, list[Finding]]:
    try:
        return read_manifest(path).manifest, []
    except (InputError, ConfigError) as error:
        rows = arrange(read_arrow(path).to_pandas())
        return rows, [Finding(check="manifest", severity=Severity.ERROR, message=str(error), count=1)]


def lines(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield a line a finding, as the command prints them."""
    for one in findings:
        yield f"{one.severity:8}{one.check}: {one.message}"
