"""A data sheet for each source of a manifest: Gebru's questions, answered from the rows and from what is known of it.

Source:
    Gebru T. et al., Datasheets for Datasets, Communications of the ACM 64(12), 2021, p. 86.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pandas as pd

from pneumoscope.core import atomic_path
from pneumoscope.datasets import kermany, nih, rsna
from pneumoscope.datasets.columns import COLUMNS, FINDINGS
from pneumoscope.datasets.facts import SourceFacts
from pneumoscope.datasets.manifest import Stored

_FACTS = {facts.source: facts for facts in (nih.FACTS, rsna.FACTS, kermany.FACTS)}
_UNKNOWN = "not known to this program: to be filled in by whoever owns the data"


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of a table: what, how many, of how many."""

    name: str
    count: int
    of: int

    @property
    def share(self) -> str:
        return f"{self.count / self.of:.2%}" if self.of else ""


def write_sheets(stored: Stored, folder: Path) -> list[Path]:
    """`SOURCE.md` for each source of the manifest; returns the files.

    Raises:
        ConfigError: The folder cannot be written.
    """
    paths = []
    for source, rows in stored.manifest.groupby("source"):
        path = folder / f"{source}.md"
        with atomic_path(path) as place:
            place.write_text(sheet(rows, facts=facts_of(str(source)), sha256=stored.sha256, notes=stored.notes))
        paths.append(path)
    return paths


def facts_of(source: str) -> SourceFacts:
    """Return what is known of a source; says what is missing for one that has no importer of its own."""
    return _FACTS.get(
        source,
        SourceFacts(
            source=source,
            title=source,
            citation=_UNKNOWN,
            link=_UNKNOWN,
            licence=_UNKNOWN,
            motivation=_UNKNOWN,
            collection=_UNKNOWN,
            labelling=_UNKNOWN,
            gets_wrong=(),
        ),
    )


def sheet(rows: pd.DataFrame, *, facts: SourceFacts, sha256: str, notes: tuple[str, ...]) -> str:
    """One source's data sheet as Markdown."""
    import jinja2

    template = resources.files("pneumoscope.datasets").joinpath("sheet.md.jinja").read_text(encoding="utf-8")
    environment = jinja2.Environment(  # noqa: S701 - Markdown, not HTML
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    films = rows.groupby("patient_id").size()
    ages = rows["age_years"].dropna()
    return environment.from_string(template).render(
        facts=facts,
        sha256=sha256,
        notes=notes,
        images=len(rows),
        patients=len(films),
        films=films,
        ages=ages.describe(percentiles=[0.05, 0.5, 0.95]) if len(ages) else None,
        releases=_words(rows, "label_release"),
        groups=[(title, list(_shares(rows, column))) for title, column in _GROUPS if column in rows],
        findings=list(_prevalences(rows)),
        at_hand=int(rows["path"].notna().sum()),
        empty=[_Row(c.name, int(rows[c.name].isna().sum()), len(rows)) for c in COLUMNS if c.name in rows],
    )


_GROUPS = (
    ("sex", "sex"),
    ("view", "view"),
    ("split in force", "split"),
    ("publisher's split", "official_split"),
    ("RSNA's radiologists", "rsna_class"),
    ("kind of pneumonia", "pneumonia_kind"),
    ("folder", "folder"),
    ("manufacturer", "manufacturer"),
)


def _shares(rows: pd.DataFrame, column: str) -> Iterator[_Row]:
    for name, count in rows[column].value_counts().items():
        yield _Row(str(name), int(count), len(rows))
    missing = int(rows[column].isna().sum())
    if missing:
        yield _Row("not stated", missing, len(rows))


def _prevalences(rows: pd.DataFrame) -> Iterator[tuple[_Row, _Row]]:
    """Images and patients with each finding that the source labels; a patient has what any of the images has."""
    for finding in (*FINDINGS, "no_finding"):
        if finding not in rows or rows[finding].isna().all():
            continue
        labelled = rows.dropna(subset=[finding])
        patients = labelled.groupby("patient_id")[finding].max()
        yield (
            _Row(finding, int((labelled[finding] == 1).sum()), len(labelled)),
            _Row(finding, int((patients == 1).sum()), len(patients)),
        )


def _words(rows: pd.DataFrame, column: str) -> str:
    return " and ".join(sorted(rows[column].dropna().unique())) if column in rows else ""
