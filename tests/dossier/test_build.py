import json
import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from pneumoscope.core import Claim, ConfigError
from pneumoscope.dossier import build, read_inputs
from pneumoscope.dossier.build import compose
from pneumoscope.dossier.content import Table
from pneumoscope.dossier.inputs import Inputs

# The course's template, line by line.
COURSE = (
    "Algorithm Description", "General Information", "Intended Use Statement", "Indications for Use",
    "Device Limitations", "Clinical Impact of Performance", "Algorithm Design and Function", "Algorithm Flowchart",
    "DICOM Checking Steps", "Preprocessing Steps", "CNN Architecture", "Algorithm Training", "Parameters",
    "Algorithm training performance visualization", "Precision-Recall Curve", "Final Threshold and Explanation",
    "Databases", "Description of Training Dataset", "Description of Validation Dataset", "Ground Truth",
    "FDA Validation Plan", "Patient Population Description for FDA Validation Dataset",
    "Ground Truth Acquisition Methodology", "Algorithm Performance Standard",
)  # fmt: skip
TRAINING = (
    "Types of augmentation used during training", "`batch_size`", "`learning_rate`",
    "frozen, fine-tuned and added",
)  # fmt: skip


def inputs_of(place: Path) -> Inputs:
    return read_inputs(place / "device.toml", place / "release")


def faults(place: Path) -> str:
    with pytest.raises(ConfigError) as error:
        compose(inputs_of(place), place / "out")
    return str(error.value)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def edit_json(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    table = json.loads(path.read_text())
    change(table)
    path.write_text(json.dumps(table))


def test_pdf_markdown_record_and_bill_of_materials_are_written_and_alike_twice(place: Path) -> None:
    made = inputs_of(place)
    build(made, place / "out" / "FDA_Submission.pdf")
    first = {path.name: path.read_bytes() for path in (place / "out").iterdir() if path.is_file()}
    assert set(first) == {
        "FDA_Submission.pdf", "FDA_Submission.md", "submission.json", "sbom.cdx.json", "first-page.png",
        "vex.cdx.json", "model-card.chai.xml", "Other_Frameworks.md",
    }  # fmt: skip
    build(made, place / "out" / "FDA_Submission.pdf")
    assert {path.name: path.read_bytes() for path in (place / "out").iterdir() if path.is_file()} == first
    markdown = first["FDA_Submission.md"].decode()
    linked = re.findall(r"!\[[^]]*\]\(([^)]+)\)", markdown)
    assert linked
    assert all((place / "out" / name).is_file() for name in linked)
    anchors = set(re.findall(r'<a id="([^"]+)">', markdown))
    assert set(re.findall(r"\]\(#([^)]+)\)", markdown)) <= anchors


def test_the_courses_template_is_covered_in_its_order(place: Path) -> None:
    document, _ = compose(inputs_of(place), place / "out")
    titles = [section.title for section in document.sections]
    places = [titles.index(title) for title in COURSE]
    assert places == sorted(places)
    markdown = "\n".join(str(section.blocks) for section in document.sections if section.key == "parameters")
    assert all(part in markdown for part in TRAINING)


@pytest.mark.parametrize("claim", list(Claim))
def test_the_claim_decides_regulation_outputs_and_words(place: Path, claim: Claim) -> None:
    edit(place / "device.toml", 'claim = "triage"                #', f'claim = "{claim}"             #')
    document, _ = compose(inputs_of(place), place / "out")
    text = {section.key: str(section.blocks) for section in document.sections}
    regulation = {"triage": "892.2080", "detection": "892.2070", "both": "892.2090"}[claim]
    assert regulation in text["claim-chosen"]
    assert ("no location" in text["intended-use"]) is (claim is Claim.TRIAGE)
    assert ("marks the region" in text["intended-use"]) is (claim is not Claim.TRIAGE)
    assert regulation in text["special-controls"]
    assert ("worklist order" in text["predicate"]) is (claim is Claim.TRIAGE)
    for key in ("instructions", "human-factors", "model-card"):
        assert ("heat map" in text[key]) is claim.shows_location, key
    assert ("time from acquisition to opening" in text["reader-protocol"]) is (claim is Claim.TRIAGE)


def test_every_place_that_a_person_must_fill_is_listed_appendices_too(place: Path) -> None:
    document, _ = compose(inputs_of(place), place / "out")
    blank = re.compile(r"\[!((?:\\\\.|[^]])+)\]")
    wanted = {
        found.replace("\\\\", "")
        for section in document.sections
        if section.key not in ("manufacturer-items", "references")
        for found in blank.findall(str(section.blocks))
    }
    listed = str(next(section.blocks for section in document.sections if section.key == "manufacturer-items"))
    assert "sources of funding and role of funders" in wanted
    assert all(one in listed for one in wanted if "'" not in one), wanted


def test_goals_are_met_by_the_lower_end_of_the_interval_alone(place: Path) -> None:
    def set_area(low: float) -> str:
        change = {"value": 0.95, "low": low, "high": 0.97}
        test = place / "release" / "site-test" / "evidence.json"
        edit_json(test, lambda table: table["labels"]["Pneumonia"]["auroc"].update(change))
        document, _ = compose(inputs_of(place), place / "out")
        return str(next(section.blocks for section in document.sections if section.key == "standalone-goals"))

    assert "0.950 [0.881, 0.970] **met**" in set_area(0.881).replace("\\", "")
    assert "0.950 [0.880, 0.970] **not met**" in set_area(0.88).replace("\\", "")


def test_no_template_types_a_measured_number() -> None:
    """Shares, decimals and percentages come through the resolver; citations and numbers of sections don't count."""
    allowed = r"21 CFR [\d.]+|892\.\d+|820\.\d+|PS3\.\d+ [\d.,C ]+|ISO [\d:., ]+|IEC [\w:., +-]+|C\.\d+(\.\d+)*"
    allowed += r"|CycloneDX 1\.6|Apache-2\.0|CC BY 4\.0"
    for template in (resources.files("pneumoscope.dossier") / "sections").iterdir():
        text = re.sub(
            r"\{\{.*?\}\}|\{%.*?%\}|\{[\d.]+r?\}|" + allowed, "", template.read_text(encoding="utf-8"), flags=re.DOTALL
        )
        found = [line for line in text.splitlines() if re.search(r"\d\.\d|\d ?%|0\.\d", line)]
        found = [line for line in found if "95 % intervals" not in line]
        assert not found, f"{template.name}: {found}"


@pytest.mark.req("REQ-DO-01")
def test_everything_wrong_with_the_inputs_is_said_at_once(place: Path, write_cohort: Callable[..., None]) -> None:
    write_cohort(place / "release" / "site-val", seed=3, model={"name": "other", "version": "1", "sha256": "12" * 32})
    edit(place / "device.toml", 'operating_point = "balanced"', 'operating_point = "boldest"')
    edit(place / "device.toml", 'lock = "', 'lock = "/nowhere')
    edit(place / "device.toml", 'risks = "', 'risks = "/nowhere')
    (place / "release" / "training" / "run.json").unlink()
    said = faults(place)
    for part in (
        "evidence of different models is mixed: abababababab: site-test; 121212121212: site-val",
        "no evidence used the operating point 'boldest', but balanced",
        "expected uv's lock",
        "risks.yaml: expected YAML",
        "expected the training run's run.json",
    ):
        assert part in said


def test_a_cohort_or_question_that_no_evidence_has_is_named_with_what_there_is(place: Path) -> None:
    edit(place / "device.toml", 'evidence = "site-val"', 'evidence = "site-gone"')
    edit(place / "device.toml", 'question = "Pneumonia"', 'question = "Edema"')
    said = faults(place)
    assert "no evidence 'site-gone'; there is site-test, site-val" in said
    assert "site-test has no question 'Edema', but Pneumonia" in said


def test_numbers_and_figures_that_are_missing_are_all_named(place: Path) -> None:
    (place / "release" / "site-test" / "curves.parquet").unlink()
    test = place / "release" / "site-test" / "evidence.json"
    edit_json(test, lambda table: table["labels"]["Pneumonia"].pop("prevalence"))
    edit_json(place / "release" / "training" / "run.json", lambda table: table["config"].pop("initial_weights"))
    said = faults(place)
    for part in (
        "curve 'roc' of Pneumonia in curves.parquet",
        "expected 'prevalence'",
        "training/config.initial_weights",
    ):
        assert part in said


def test_a_threshold_that_validation_did_not_choose_is_a_contradiction(place: Path) -> None:
    def other(table: dict[str, Any]) -> None:
        table["labels"]["Pneumonia"]["operating_points"]["balanced"]["threshold"] = 0.4

    edit_json(place / "release" / "site-test" / "evidence.json", other)
    assert "site-test: threshold 0.4 was used on no validation cohort" in faults(place)


def test_unicode_and_long_names_and_groups_without_images_build(place: Path) -> None:
    edit(
        place / "device.toml",
        'name = "Pneumoscope"',
        'name = "Pneumoskop für Kinder: 肺炎 #1 *neu* [x] ' + "lang" * 30 + '"',
    )
    groups = {"unknown": {"n": 0, "positives": 0, "patients": 0, "auroc": {"not_estimable": "no images"}}}
    none = {"sensitivity": {"not_estimable": "no images"}, "specificity": {"not_estimable": "no images"}}
    groups["unknown"]["operating_points"] = {"balanced": none}
    test = place / "release" / "site-test" / "evidence.json"
    edit_json(test, lambda table: table["labels"]["Pneumonia"]["subgroups"].update(race=groups))
    build(inputs_of(place), place / "out" / "FDA_Submission.pdf")
    markdown = (place / "out" / "FDA_Submission.md").read_text(encoding="utf-8")
    assert "race (unknown)." in markdown


def test_the_guard_and_thresholds_of_two_populations_are_shown(place: Path) -> None:
    document, _ = compose(inputs_of(place), place / "out")
    text = {section.key: str(section.blocks) for section in document.sections}
    assert "natural spectrum (1/f)" in text["standalone-guard"]
    assert "('`wg04/CT1`', 'CT', '127.2', 'yes', '', '', '', '')" in text["standalone-guard"]
    assert "adults: 0.5; children: 0.45" in text["final-threshold"]


def test_initial_weights_are_told_by_the_pretrainings_record_where_there_is_one(place: Path) -> None:
    record = place / "release" / "pretraining" / "run.json"
    record.parent.mkdir()
    record.write_text(json.dumps({"config": {"epochs": 7, "initial_weights": "photographs.safetensors"}}))
    build(inputs_of(place), place / "out" / "FDA_Submission.pdf")
    told = (place / "out" / "FDA_Submission.md").read_text(encoding="utf-8")
    assert "on films of training patients, 7 epochs from `photographs.safetensors`" in told


def test_how_often_a_person_must_decide_is_shown_by_view(place: Path) -> None:
    document, _ = compose(inputs_of(place), place / "out")
    (shown,) = [
        block
        for section in document.sections
        for block in section.blocks
        if isinstance(block, Table) and block.key == "table-uncertain"
    ]
    assert [row[0] for row in shown.rows[1:]] == ["all", "AP", "PA"]
    assert [row[3] for row in shown.rows[1:]] == 3 * [r"35.0 % \[26.0, 45.0\]"]
    assert "plausible for 90.0 % of either class" in shown.caption
