"""From inputs to the submission: PDF, Markdown, figures, bill of materials, and the record that `verify` reads."""

import datetime as dt
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import partial
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, TemplateError

from pneumoscope.core import Claim, ConfigError, released_device
from pneumoscope.dossier.bases import known_bases, problems
from pneumoscope.dossier.chai import write_model_card
from pneumoscope.dossier.content import Document, Figure, Section
from pneumoscope.dossier.facts import key_of
from pneumoscope.dossier.figure_makers import recipe_of
from pneumoscope.dossier.frameworks import write_frameworks
from pneumoscope.dossier.inline import Marked, escape
from pneumoscope.dossier.inputs import Inputs
from pneumoscope.dossier.makers import makers
from pneumoscope.dossier.markdown import to_markdown
from pneumoscope.dossier.markup import parse_sections
from pneumoscope.dossier.numbers import Numbers
from pneumoscope.dossier.risks import PROBABILITIES, SEVERITIES
from pneumoscope.dossier.sbom import beside_packages, write_cyclonedx, write_vex
from pneumoscope.dossier.tables.decision import threshold_words
from pneumoscope.dossier.tables.device import REGULATIONS
from pneumoscope.dossier.tables.impact import goals_met, outcomes
from pneumoscope.dossier.trees import tree_sha256
from pneumoscope.dossier.typeset import to_first_page, to_pdf
from pneumoscope.evaluation import Number

RECORD = "submission.json"
SBOM = "sbom.cdx.json"
FIRST_PAGE = "first-page.png"
VEX = "vex.cdx.json"
MODEL_CARD = "model-card.chai.xml"
FRAMEWORKS = "Other_Frameworks.md"
SCHEMA = 1

SUBTITLES = {
    Claim.TRIAGE: "Triage of frontal chest radiographs that are suspicious for pneumonia",
    Claim.DETECTION: "Detection of signs of pneumonia on frontal chest radiographs",
    Claim.BOTH: "Detection and triage of signs of pneumonia on frontal chest radiographs",
}

NOTICE = (
    "**Draft, not a clearance.** Prepared by the developers from open data; not submitted to any authority. Research "
    "software: not a medical device, not for diagnosis. Where a person must write, decide or sign, the document says "
    "*to be provided by the manufacturer*."
)


def build(inputs: Inputs, output: Path) -> dict[str, Any]:
    """Write everything beside `output` (the PDF), and return the record of the build.

    Raises:
        ConfigError: A number, section, figure or reference is missing; all of a kind are named.
        ArtifactError: The PDF cannot be made.
    """
    folder = output.parent
    document, numbers = compose(inputs, folder)
    created = moment(inputs)
    markdown = output.with_suffix(".md")
    markdown.write_text(to_markdown(document, folder), encoding="utf-8")
    to_pdf(document, output, created=created)
    to_first_page(document, folder / FIRST_PAGE, created=created)
    version, more = inputs.device.version, beside_packages(inputs)
    write_cyclonedx(inputs.components, folder / SBOM, version=version, created=created, more=more)
    write_vex(inputs, folder / VEX, created=created)
    write_model_card(inputs, folder / MODEL_CARD, created=created)
    second = write_frameworks(document, folder / FRAMEWORKS)
    written = (markdown, output, folder / SBOM, folder / VEX, folder / MODEL_CARD, *second, folder / FIRST_PAGE)
    record = _record(inputs, numbers, folder) | {
        "created": created.isoformat(timespec="seconds"),
        "drawn_with": drawn_with(),
        "documents": {path.relative_to(folder).as_posix(): sha256(path) for path in (*written, *_figures(document))},
    }
    (folder / RECORD).write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return record


def drawn_with() -> str:
    """Return the versions of what draws the PDF and the figures: with others the bytes differ."""
    return ", ".join(f"{name} {metadata.version(name)}" for name in ("typst", "matplotlib"))


def _figures(document: Document) -> Iterator[Path]:
    blocks = (block for section in document.sections for block in section.blocks)
    yield from (panel.path for block in blocks if isinstance(block, Figure) for panel in block.panels)


def compose(inputs: Inputs, folder: Path) -> tuple[Document, Numbers]:
    """Return the document and the numbers that it uses; its figures are drawn into `folder / "figures"`.

    Raises:
        ConfigError: A number, section, figure or reference is missing; all of a kind are named.
    """
    folder.mkdir(parents=True, exist_ok=True)
    numbers = Numbers(inputs.release, inputs.tables)
    sections = write_sections(inputs, numbers, folder)
    numbers.require_complete()
    return assemble(inputs, sections), numbers


def _record(inputs: Inputs, numbers: Numbers, folder: Path) -> dict[str, Any]:
    """Return what the document was made from; paths are relative to its folder."""

    def relative(path: Path) -> str:
        return Path(os.path.relpath(path, folder)).as_posix()

    device, here = inputs.device, inputs.device_path.parent
    trees = {"source": here / device.inputs.source / "pneumoscope", "tests": here / device.inputs.tests}
    results = {"results": relative(here / device.inputs.results)} if device.inputs.results else {}
    return {
        "schema": SCHEMA,
        "device": {
            "name": device.name,
            "version": device.version,
            "claim": device.claim,
            "file": relative(inputs.device_path),
        },
        "operating_point": device.operating_point,
        "model": inputs.model,
        "release": relative(inputs.release_path),
        "evidence": {
            name: {"path": relative(one.path), "model_sha256": one.provenance["model"].get("sha256")}
            for name, one in inputs.release.items()
        },
        "inputs": {relative(path): sha256(path) for path in inputs.files},
        "trees": {name: {"path": relative(path), "sha256": tree_sha256(path)} for name, path in trees.items()},
        **results,
        **_model_file(inputs, relative),
        "numbers": [asdict(use) for use in dict.fromkeys(numbers.uses)],
    }


def _model_file(inputs: Inputs, relative: Callable[[Path], str]) -> dict[str, Any]:
    """Where the model lies and its hash; nothing where the file is not the model of the evidence."""
    if inputs.card is None:
        return {}
    return {"model_file": {"path": relative(inputs.model_file), "sha256": sha256(inputs.model_file)}}


def write_sections(inputs: Inputs, numbers: Numbers, folder: Path) -> tuple[Section, ...]:
    """Every template, its numbers filled in, as sections; figures are drawn into `folder / "figures"`."""
    sections: list[Section] = []
    made = makers(inputs, numbers, folder=folder, before=sections)
    environment = _environment()
    known = known_bases(inputs.trace.requirements, inputs.device_path.parent / inputs.device.inputs.source)
    unfounded = [
        problem
        for template in sorted(_templates(), key=lambda path: path.name)
        for problem in problems(template.read_text(encoding="utf-8"), where=template.name, known=known)
    ]
    if unfounded:
        raise ConfigError("; ".join(unfounded))
    for template in sorted(_templates(), key=lambda path: path.name):
        try:
            text = environment.from_string(template.read_text(encoding="utf-8")).render(_words(inputs, numbers))
        except TemplateError as error:
            raise ConfigError(f"{template.name}: {error}") from error
        sections += parse_sections(text, made, where=template.name)
    return tuple(sections)


def assemble(inputs: Inputs, sections: tuple[Section, ...]) -> Document:
    """Return the document of these sections, with its title page."""
    device, model = inputs.device, inputs.model
    regulation, name, kind = REGULATIONS[device.claim]
    facts = (
        ("Device", escape(f"{device.name}, version {device.version}")),
        ("Claim", escape(f"{device.claim}: {regulation}, {name} ({kind})")),
        ("Model", escape(f"{model['name']} {model['version']}")),
        ("Model SHA-256", f"`{model['sha256']}`"),
        ("Evidence of", _day(moment(inputs))),
        ("Submitter", escape(device.manufacturer.name) if device.manufacturer.name else "[!name and address]"),
    )
    return Document(
        title=device.name,
        subtitle=SUBTITLES[device.claim],
        facts=facts,
        notice=NOTICE,
        header=f"{device.name} {device.version} · model {model['version']} · {model['sha256'][:12]}",
        sections=sections,
        evidence=tuple(name.replace("/", "-") for name in inputs.release),
    )


def moment(inputs: Inputs) -> dt.datetime:
    """When the youngest evidence was made: the document's date, so that the same inputs give the same bytes."""
    return max(dt.datetime.fromisoformat(one.provenance["created"]) for one in inputs.release.values())


def _moved_points(inputs: Inputs) -> str:
    """Return the largest change of sensitivity or specificity from validation to test of one source, in points."""
    point, device = inputs.device.operating_point, inputs.device
    changes = [0.0]
    for test in device.cohorts("test"):
        for chosen in device.cohorts("validation"):
            if test.evidence.rpartition("-")[0] != chosen.evidence.rpartition("-")[0]:
                continue
            for name in ("sensitivity", "specificity"):
                path = f"operating_points.{point}.{name}"
                pair = [inputs.release[one.evidence].at(f"labels.{one.question}.{path}") for one in (test, chosen)]
                first, second = (one.value if isinstance(one, Number) else None for one in pair)
                if first is not None and second is not None and test.question == chosen.question:
                    changes.append(abs(first - second))
    return f"{100 * max(changes):.0f}"


def _expected_agreement(inputs: Inputs) -> float | None:
    """Share of right answers (flagged or not) that the measured rates give the first test cohort at 5 % prevalence."""
    cohort = inputs.device.cohorts("test")[0]
    evidence, point = inputs.release[cohort.evidence], inputs.device.operating_point
    with_, without = (
        evidence.at(f"labels.{cohort.question}.operating_points.{point}.{name}")
        for name in ("sensitivity", "specificity")
    )
    if not (isinstance(with_, Number) and isinstance(without, Number)):
        return None
    return 0.05 * with_.value + 0.95 * without.value


def _day(when: dt.datetime) -> str:
    return when.strftime("%d %B %Y").lstrip("0")


def sha256(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _templates() -> Iterable[Any]:
    return (
        path for path in (resources.files("pneumoscope.dossier") / "sections").iterdir() if path.name.endswith(".md")
    )


def _environment() -> Environment:
    """Undefined names fail, and what comes in is escaped; its output is for our own parser, never HTML."""
    return Environment(  # noqa: S701
        undefined=StrictUndefined,
        finalize=escape,
        trim_blocks=True,
        comment_start_string="{!",  # "{#" begins a section's key
        comment_end_string="!}",
    )


def _words(inputs: Inputs, numbers: Numbers) -> dict[str, Any]:
    device = inputs.device
    texts = {
        name: Marked(value) if isinstance(value, str) else tuple(map(Marked, value))
        for name in device.texts.__slots__
        if (value := getattr(device.texts, name)) is not None
    }

    met, wanted = goals_met(inputs)

    def blank(words: str) -> Marked:
        return Marked(f"[!{escape(words)}]")

    def or_blank(given: str, words: str) -> Marked:
        return escape(given) if given.strip() else blank(words)

    return {
        "device": device,
        "texts": texts,
        "claim": str(device.claim),
        "regulation": REGULATIONS[device.claim],
        "model": inputs.model,
        "youngest": f"{device.youngest_years:g}",
        "created": _day(moment(inputs)),
        "tests": device.cohorts("test"),
        "validation": device.cohorts("validation"),
        "goals_met": met,
        "goals_all": wanted,
        "cohorts_met": sum(all(one.met for one in outcomes(inputs, cohort)) for cohort in device.cohorts("test")),
        "accesses": len(inputs.tables["access"]["access"]),
        "moved_points": _moved_points(inputs),
        "screenshots": any((inputs.device_path.parent.parent / "images").glob("*worklist*.png")),
        "severities": ", ".join(SEVERITIES),
        "probabilities": ", ".join(PROBABILITIES),
        "differences": tuple(map(escape, inputs.differences)),
        "released": released_device(),
        "action": lambda cohort, path: f"action/{key_of(cohort)}.{path}",
        "expected_agreement": _expected_agreement(inputs),
        "complete": inputs.card is not None,
        "point": f"operating_points.{device.operating_point}",
        "recipe": recipe_of(inputs),
        "initial": numbers.value("training/config.initial_weights") or "random values",
        "in_turn": bool(inputs.tables["training"]["config"].get("data", {}).get("folds")),
        "staged": "stages" in inputs.tables["training"],
        "populations": " and ".join(inputs.tables["training"]["networks"]),
        "crossed": inputs.tables["training"].get("crossed", []),
        "by_view": inputs.card is not None and any(rule.by_view for rule in inputs.card.rules.values()),
        "reports": ", ".join(inputs.tables.get("card", {}).get("reports", {})),
        "locked_scored": inputs.tables["access"]["locked"]["scored"],
        "thresholds": partial(threshold_words, inputs, numbers),
        "has_layers": any(network["layers"] for network in inputs.tables["training"]["networks"].values()),
        "n": numbers.full,
        "cell": numbers.cell,
        "v": numbers.value,
        "has": numbers.has,
        "source": numbers.source,
        "lit": lambda key: numbers.value(f"literature/{key}"),
        "blank": blank,
        "or_blank": or_blank,
    }
