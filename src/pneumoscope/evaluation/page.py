"""Markdown pages whose numbers come from evidence: a page that names a number that is not there is not made."""

import csv
import functools
from collections.abc import Mapping
from pathlib import Path

import jinja2

from pneumoscope.core import ArtifactError, ConfigError
from pneumoscope.datasets import FINDINGS
from pneumoscope.evaluation.folder import Evidence, read_release
from pneumoscope.evaluation.literature import f1_citation, published_aurocs, published_f1s
from pneumoscope.evaluation.numbers import NotEstimable, Number


def render_page(template: Path, release: Path) -> str:
    """Render a Jinja template; `number`, `value`, `fact`, `given` and `names` take a cohort and a dotted path.

    `number` is a value with its interval, or the reason why there is none; `value` the bare value; `fact` a count, a
    threshold, words, yes or no; `given` whether there is anything; `names` what a group has. `table` takes the name
    of a CSV file of the release and has its rows.

    Raises:
        ConfigError: There is no such template, or it is none.
        ArtifactError: The release has no evidence, or not a number that the template names.
    """
    environment = jinja2.Environment(  # noqa: S701 - Markdown, from our own templates
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
    )
    try:
        page = environment.from_string(template.read_text(encoding="utf-8"))
        return page.render(
            **_functions(release),
            findings=FINDINGS,
            published_aurocs=published_aurocs(),
            published_f1s=published_f1s(),
            f1_citation=f1_citation(),
        )
    except (OSError, jinja2.TemplateError) as error:
        raise ConfigError(f"{template}: expected a template of a page, found {error}") from error


def _functions(release: Path) -> dict[str, object]:
    @functools.cache
    def cohorts() -> Mapping[str, Evidence]:
        return read_release(release)

    def of(cohort: str) -> Evidence:
        if cohort not in cohorts():
            raise ArtifactError(f"expected evidence of {cohort}, found {', '.join(cohorts())}")
        return cohorts()[cohort]

    def number(cohort: str, path: str, digits: int = 3) -> str:
        node = of(cohort).at(path)
        if isinstance(node, NotEstimable):
            return f"not estimable ({node.why})"
        if not isinstance(node, Number):
            raise ArtifactError(f"{cohort}: {path}: expected a number, found {type(node).__name__}")
        return f"{node.value:.{digits}f} [{node.low:.{digits}f}, {node.high:.{digits}f}]"

    def value(cohort: str, path: str, digits: int = 3) -> str:
        return f"{of(cohort).number(path).value:.{digits}f}"

    def fact(cohort: str, path: str) -> str:
        node = of(cohort).at(path)
        if isinstance(node, bool):
            return "yes" if node else "no"
        if isinstance(node, int | str):
            return f"{node:,}" if isinstance(node, int) else node
        if isinstance(node, float):
            return f"{node:.3g}"
        raise ArtifactError(f"{cohort}: {path}: expected a fact, found {type(node).__name__}")

    return {
        "number": number,
        "value": value,
        "fact": fact,
        "given": lambda cohort, path: _given(of(cohort), path),
        "names": lambda cohort, path: _names(of(cohort), path),
        "table": lambda name: _table(release / name),
    }


def _given(evidence: Evidence, path: str) -> bool:
    try:
        evidence.at(path)
    except ArtifactError:
        return False
    return True


def _names(evidence: Evidence, path: str) -> list[str]:
    node = evidence.at(path)
    if not isinstance(node, Mapping):
        raise ArtifactError(f"{evidence.name}: {path}: expected a group, found {type(node).__name__}")
    return list(node)


def _table(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise ArtifactError(f"expected a table at {path}, found none")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
