"""A submission about a reader with a rule for each view, a second output and a training in stages: built, tampered."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.dossier.conftest import GUARD, located, synthetic_rows
from tests.dossier.tampering import (
    FOLDER,
    digest,
    edit_evidence,
    edit_json,
    edit_predictions,
    own_copy,
    renew_document,
    renew_record,
)

from pneumoscope.core import ArtifactError, ConfigError, Population
from pneumoscope.dossier import build, read_inputs, verify
from pneumoscope.dossier.card_facts import named_rules, rule_name, stages_of
from pneumoscope.dossier.facts import action_facts
from pneumoscope.dossier.flow import flows
from pneumoscope.evaluation import Cohort, Number, Question, Settings, read_evidence, write_evidence
from pneumoscope.model import Card, Guard, ReportOutput, load, seal, shipped_path
from pneumoscope.training.evaluation.conformal import conformal_evidence
from pneumoscope.training.evaluation.evaluate import points
from pneumoscope.training.export.card import decision_rule
from pneumoscope.training.export.rules import rule_by_view
from pneumoscope.training.reader.config import read_reader_config

MODEL = "src/pneumoscope/model/pneumonia.onnx"
NO_IMAGE = {"value": 0.0, "low": 0.0, "high": 1 - 0.025 ** (1 / 60)}  # none of 60 patients: Clopper-Pearson


def staged_card() -> Card:
    """A card as the reader's export makes it, from synthetic validation images whose AP logits run a unit higher."""
    rows = synthetic_rows(5, images=600)
    ap, truth = (rows["view"] == "AP").to_numpy(), (rows["Pneumonia"] == 1).to_numpy()
    logit = rows["logit"].to_numpy() + ap
    adults = rule_by_view(logit, truth, rows["view"], population=Population.ADULTS, output=0)
    children = decision_rule(
        np.column_stack([logit, logit + 0.1]), truth.astype(float), population=Population.CHILDREN, output=2
    )
    report = ReportOutput(output=1, calibration=adults.calibration, fitted_on="600 validation images")
    config = read_reader_config(Path(str(resources.files("pneumoscope.training.reader") / "lite0.toml")))
    record = {"images": 100, "seconds": 600}
    return replace(
        load(shipped_path()).card,
        name="synthetic",
        version="9.9.9",
        rules={Population.ADULTS: replace(adults, report=report), Population.CHILDREN: children},
        guard=Guard(limit=76.2, rule="invented"),
        training={
            "config": json.loads(json.dumps(asdict(config))),
            "stages": {one.name: record | {"stage": asdict(one)} for one in config.stage},
        },
    )


def predicted(seed: int, card: Card, *, side: str) -> pd.DataFrame:
    """Rows with the probabilities of the card, one image of an unknown view among them."""
    rows = synthetic_rows(seed, images=120).assign(split=side)
    rows.loc[20, "view"] = None
    rows["logit"] += (rows["view"] == "AP").to_numpy()
    names = [
        rule_name(card, Population(one), view)
        for one, view in zip(rows["population"], rows["view"].where(rows["view"].notna(), None), strict=True)
    ]
    rules = named_rules(card)
    pairs = zip(names, rows["logit"], strict=True)
    decided = [float(rules[name].calibration.probability(np.array([logit]))[0]) for name, logit in pairs]
    report = np.where(rows["population"] == "adults", 0.8 * np.array(decided), np.nan)
    return rows.assign(population=names, prob_Pneumonia=decided, prob_Report=report)


def write_cohort(folder: Path, card: Card, *, seed: int, model: dict[str, str]) -> None:
    """Write evidence as the release's own measurement does, on synthetic predictions."""
    rows = predicted(seed, card, side=folder.name.rpartition("-")[2])
    questions = [Question("Pneumonia", "Pneumonia"), Question("Report", "Pneumonia")]
    cohort = Cohort(
        title=f"Synthetic images, {folder.name}",
        rows=rows,
        keep=("logit", "distance", "pointing_hit", "box_covered", "box_overlap", "swapped_overlap"),
        left_out={},
        questions=questions,
        model=model,
        manifest_sha256="cd" * 32,
        points={"Pneumonia": points(card, rows["population"].tolist())},
        other={
            "guard": GUARD | {"caught": {}},
            "conformal": conformal_evidence(card, rows, questions[:1]),
            "localisation": located(rows),
        },
    )
    write_evidence(cohort, folder, settings=Settings(resamples=40, prevalences=(5, 20)))
    edit_json(folder / "evidence.json", lambda e: e["guard"]["refused"].update(NO_IMAGE))


@pytest.fixture(scope="module")
def with_model(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built submission whose model lies beside its source; its training was recorded in the card alone."""
    place = Path(shutil.copytree(built, tmp_path_factory.mktemp("model") / "place", symlinks=True))
    own_copy(place, "src")
    card = staged_card()
    (place / MODEL).write_bytes(seal(b"", card))
    identity = {"name": card.name, "version": card.version, "sha256": digest(place / MODEL)}
    for name, seed in (("site-test", 1), ("site-val", 2)):
        shutil.rmtree(place / "release" / name)
        write_cohort(place / "release" / name, card, seed=seed, model=identity)
    training = place / "release" / "training"
    for path in training.glob("*.*"):
        if path.name != "databases.json":
            path.unlink()
    for name in ("adults-a", "children"):
        (training / name).mkdir()
        (training / name / "curve.csv").write_text("images,loss\n800,1.5\n1600,1.2\n")
    build(read_inputs(place / "device.toml", place / "release"), place / FOLDER / "FDA_Submission.pdf")
    return place


@pytest.fixture
def place(with_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(with_model, tmp_path / "place", symlinks=True))


@pytest.fixture(scope="module")
def text(with_model: Path) -> str:
    return re.sub(r"\\(.)", r"\1", (with_model / FOLDER / "FDA_Submission.md").read_text(encoding="utf-8"))


def test_the_document_about_it_stands_and_every_probability_is_recomputed(with_model: Path) -> None:
    assert verify(with_model / FOLDER).recomputed > 200


def test_rules_by_population_and_view_are_shown_with_their_thresholds(text: str, with_model: Path) -> None:
    rules = named_rules(load(with_model / MODEL).card)
    assert list(rules) == ["adults PA", "adults AP", "adults", "children"]
    summary = next(line for line in text.splitlines() if line.startswith("| Operating point |"))
    for words, name in (("adults, PA", "adults PA"), ("adults, AP", "adults AP"), ("adults, view unknown", "adults")):
        assert f"{words}: {rules[name].operating_points['balanced'].threshold:.4g}" in summary
    assert "by the rule of the population and view" in text


def test_networks_and_stages_are_those_of_the_card(text: str) -> None:
    assert "One network for each population (adults and children), of the kind `tf_efficientnet_lite0`" in text
    assert "networks of the kind" not in text
    began = "the network for children begins with weights that were trained on images of adults (adults-b)"
    assert began in text
    assert "the network for adults begins" not in text
    for stage in ("adults-a", "adults-d", "children"):
        assert f"| {stage} |" in text
    assert "adults, adults-a: from 1.500 to 1.200" in text


def test_the_second_output_stands_beside_the_first_and_flags_nothing(text: str) -> None:
    assert "A second output" in text
    assert "The second output beside the first" in text


def test_uncertain_images_count_as_moved_up(text: str) -> None:
    assert "Moved up (suspicious or uncertain)" in text


def test_the_stages_of_each_population_are_those_that_it_comes_from() -> None:
    card = staged_card()
    curves = {name: [{"images": "1", "loss": "1"}] for name in card.training["stages"]}
    networks = stages_of(card, curves)["networks"]
    assert list(networks["adults"]["curves"]) == ["adults-a", "adults-b", "adults-c", "adults-d"]
    assert list(networks["children"]["curves"]) == ["adults-b", "children"]
    assert networks["children"]["config"]["augmentation"]["gamma"] == 0.5
    card.training["config"]["ships"]["adults"] = ["release", "adults-a"]
    assert list(stages_of(card, curves)["networks"]["adults"]["curves"]) == ["adults-a"]
    card.training["config"].pop("ships")
    with pytest.raises(ArtifactError, match="found no 'ships'"):
        stages_of(card, {})


def test_counts_of_images_that_disagree_stop_the_build(place: Path) -> None:
    inputs = read_inputs(place / "device.toml", place / "release")
    (flow,) = flows(inputs)
    assert flow.labelled == flow.positives + flow.negatives == 120
    sources = {"site": {"test": {"images": 119}}}
    with pytest.raises(ConfigError, match="Synthetic, test, images: databases 119, evidence 120"):
        flows(replace(inputs, tables=inputs.tables | {"databases": {"sources": sources}}))


def test_other_test_images_are_counted_by_a_question_that_thresholds_decide(with_model: Path, tmp_path: Path) -> None:
    """Their last question is one of the second output, which has no threshold."""
    card, inputs = staged_card(), read_inputs(with_model / "device.toml", with_model / "release")
    write_cohort(tmp_path / "other-test", card, seed=3, model=inputs.model)
    release = inputs.release | {"other-test": read_evidence(tmp_path / "other-test", name="other-test")}
    beside = action_facts(inputs.device, release, card)["beside"]["other-test"]
    assert beside["n"] == 120
    assert isinstance(beside["specificity"], Number)


def test_an_optional_cohort_is_left_out_where_the_release_has_no_such_folder(with_model: Path, tmp_path: Path) -> None:
    more = (
        '[[cohort]]\nevidence = "gone-test"\nquestion = "Pneumonia"\ntitle = "Gone"\nreference = "r"\nrole = "test"\n'
    )
    text, path = (with_model / "device.toml").read_text(), with_model / "device-more.toml"
    path.write_text(text + more + "optional = true\n")
    assert [one.title for one in read_inputs(path, with_model / "release").device.cohorts("test")] == [
        "Synthetic, test"
    ]
    path.write_text(text + more)
    with pytest.raises(ConfigError, match="no evidence 'gone-test'"):
        read_inputs(path, with_model / "release")


def renew_everything(place: Path) -> None:
    """Renew every hash that a forger can: predictions in the evidence, inputs, model, documents."""
    for name in ("site-test", "site-val"):
        folder = place / "release" / name
        sha256 = digest(place / MODEL)
        edit_json(folder / "evidence.json", lambda e, sha=sha256: e["provenance"]["model"].update(sha256=sha))
        renew_record(place, f"../release/{name}/evidence.json")

    def renewed(record: dict[str, Any]) -> None:
        record["model_file"]["sha256"] = digest(place / MODEL)
        for one in record["evidence"].values():
            one["model_sha256"] = digest(place / MODEL)

    edit_json(place / FOLDER / "submission.json", renewed)


def model_byte(place: Path) -> None:
    (place / MODEL).write_bytes((place / MODEL).read_bytes()[:-1] + b"0")


def model_deleted(place: Path) -> None:
    (place / MODEL).unlink()


def guard_in_the_evidence(place: Path) -> None:
    edit_evidence(place, lambda e: e["guard"]["refused"].update(value=0.2, high=0.3))


def uncertain_in_the_evidence(place: Path) -> None:
    edit_evidence(place, lambda e: e["conformal"]["Pneumonia"]["AP"]["uncertain"].update(value=0.01, low=0.0))


def forged_card(place: Path, change: Callable[[Card], Card]) -> None:
    (place / MODEL).write_bytes(seal(b"", change(load(place / MODEL).card)))
    renew_everything(place)


def rules_of_views_swapped(card: Card) -> Card:
    adults = card.rules[Population.ADULTS]
    pa, ap = adults.by_view.items()
    return replace(card, rules=card.rules | {Population.ADULTS: replace(adults, by_view={pa[0]: ap[1], ap[0]: pa[1]})})


def rule_of_a_view_dropped(card: Card) -> Card:
    adults = card.rules[Population.ADULTS]
    return replace(
        card, rules=card.rules | {Population.ADULTS: replace(adults, by_view=dict(list(adults.by_view.items())[:1]))}
    )


def views_swapped(place: Path) -> None:
    edit_predictions(place, lambda rows: rows.assign(view=rows["view"].map({"PA": "AP", "AP": "PA"})))


def strata_shuffled(place: Path) -> None:
    edit_predictions(place, lambda rows: rows.assign(sex=rows["sex"].to_numpy()[::-1]))


def population_of_some_changed(place: Path) -> None:
    edit_predictions(place, lambda rows: rows.assign(population=rows["population"].replace({"adults PA": "adults AP"})))


def an_image_twice(place: Path) -> None:
    edit_predictions(place, lambda rows: rows.assign(image_id=rows["image_id"].where(rows.index != 1, "1-000.png")))


def ids_swapped_between_patients(place: Path) -> None:
    named = lambda rows: rows.assign(  # noqa: E731
        image_id=[f"{place:08}_000.png" for place in range(len(rows))][::-1],
        patient_id=[f"nih:{place}" for place in range(len(rows))],
    )
    edit_predictions(place, named)


def side_changed(place: Path) -> None:
    edit_predictions(place, lambda rows: rows.assign(split="train"))


def one_probability_raised(place: Path) -> None:
    edit_predictions(
        place, lambda rows: rows.assign(prob_Pneumonia=rows["prob_Pneumonia"].where(rows.index != 3, 0.999))
    )


def second_output_changed(place: Path) -> None:
    edit_predictions(place, lambda rows: rows.assign(prob_Report=rows["prob_Report"] ** 2 * rows["Pneumonia"]))


def figure_of_another_cohort(place: Path) -> None:
    figures = place / FOLDER / "figures"
    shutil.copyfile(figures / "reliability.svg", figures / "roc.svg")
    renew_document(place, "figures/roc.svg")


def curve_of_the_training(place: Path) -> None:
    name = "release/training/adults-a/curve.csv"
    (place / name).write_text("images,loss\n800,1.5\n1600,0.2\n")
    renew_record(place, f"../{name}")


def databases_changed(place: Path) -> None:
    path = place / "release" / "training" / "databases.json"
    edit_json(path, lambda table: table["sources"]["synthetic"]["train"].update(images=9000))
    renew_record(place, "../release/training/databases.json")


def model_card_changed(place: Path) -> None:
    path = place / FOLDER / "model-card.chai.xml"
    path.write_text(path.read_text().replace("not cleared", "cleared", 1))
    renew_document(place, "model-card.chai.xml")


TAMPERINGS: list[tuple[Callable[[Path], None], str]] = [
    (model_byte, "pneumonia.onnx: expected SHA-256"),
    (model_deleted, "pneumonia.onnx: expected a file, found none"),
    (guard_in_the_evidence, "guard.refused: the evidence says 0.2"),
    (uncertain_in_the_evidence, "conformal.Pneumonia.AP.uncertain: the evidence says 0.01"),
    (partial(forged_card, change=rules_of_views_swapped), "its predictions give"),
    (partial(forged_card, change=rule_of_a_view_dropped), "the card has no rule adults AP"),
    (views_swapped, "were decided by another rule than that of their population and view"),
    (strata_shuffled, "subgroups.sex"),
    (population_of_some_changed, "were decided by another rule than that of their population and view"),
    (an_image_twice, "1 images stand twice in its predictions"),
    (ids_swapped_between_patients, "images carry another patient's number than their row"),
    (side_changed, "120 images are not of the side test"),
    (one_probability_raised, "1 values of prob_Pneumonia are not what the card's calibration gives"),
    (second_output_changed, "Report_as_Pneumonia.auroc: the evidence says"),
    (figure_of_another_cohort, "figures/roc.svg, line"),
    (curve_of_the_training, "figures/loss.svg, line"),
    (databases_changed, "the recorded numbers are not those that the inputs give"),
    (model_card_changed, "model-card.chai.xml, line"),
]
NAMES = [getattr(one, "__name__", None) or one.keywords["change"].__name__ for one, _ in TAMPERINGS]  # type: ignore[attr-defined]


@pytest.mark.req("REQ-DO-02")
@pytest.mark.parametrize(("corrupt", "said"), TAMPERINGS, ids=NAMES)
def test_a_tampering_with_every_hash_renewed_is_found(place: Path, corrupt: Callable[[Path], None], said: str) -> None:
    corrupt(place)
    with pytest.raises(ArtifactError) as error:
        verify(place / FOLDER)
    assert said in str(error.value)
