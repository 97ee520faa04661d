import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pneumoscope.core import ArtifactError, IntendedUse, Population, View
from pneumoscope.image import Recipe
from pneumoscope.model import (
    UNJUDGED_HEAT,
    Calibration,
    Card,
    Conformal,
    DecisionRule,
    Guard,
    HeatRule,
    OperatingPoint,
    ReportOutput,
    ViewRule,
    load,
    parse_card,
    seal,
    shipped_path,
)

ADULTS = DecisionRule(
    output=0,
    calibration=Calibration(slope=2.0, intercept=-1.0, prevalence=0.3),
    operating_points={
        "screening": OperatingPoint(threshold=0.1, rule="a"),
        "balanced": OperatingPoint(threshold=0.4, rule="b"),
        "confirmatory": OperatingPoint(threshold=0.8, rule="c"),
    },
    conformal=Conformal(coverage=0.9, positive_from=0.3, negative_to=0.6),
    fitted_on="ten adults",
    heat=HeatRule(shown=False, why="e", largest_outside=0.5, rule="f"),
)
CHILDREN = replace(
    ADULTS,
    calibration=Calibration(slope=1.0, intercept=0.0, prevalence=0.7),
    fitted_on="ten children",
    heat=UNJUDGED_HEAT,
)
CARD = Card(
    schema=4,
    name="test",
    version="0.0.1",
    created="2026-11-24",
    labels=("Pneumonia",),
    meaning="probability of nothing — a test",
    intended_use_statement="none",
    licence="Apache-2.0",
    attribution="none",
    intended_use=IntendedUse(youngest_years=1, oldest_years=100, smallest_px=224),
    recipe=Recipe(),
    rules={Population.ADULTS: ADULTS, Population.CHILDREN: CHILDREN},
    guard=Guard(limit=50.0, rule="d"),
    training={"seed": 1},
    metrics={},
)
GRAPH = b"\x08\x0a\x12\x04test"  # any bytes serve: loading verifies, it does not parse the graph


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(seal(GRAPH, CARD))
    return path


def test_a_sealed_card_comes_back_as_it_was(sealed: Path) -> None:
    assert load(sealed).card == CARD


@pytest.mark.req("REQ-MD-03")
def test_the_identity_is_the_hash_of_the_whole_file(sealed: Path) -> None:
    identity = load(sealed).identity
    assert identity.sha256 == hashlib.sha256(sealed.read_bytes()).hexdigest()
    assert (identity.name, identity.version) == ("test", "0.0.1")


@pytest.mark.req("REQ-MD-01")
def test_any_changed_byte_is_noticed(sealed: Path) -> None:
    data = sealed.read_bytes()
    for position in range(0, len(data), 7):
        changed = bytearray(data)
        changed[position] ^= 0x20
        sealed.write_bytes(bytes(changed))
        with pytest.raises(ArtifactError):
            load(sealed)


def test_a_truncated_file_is_noticed(sealed: Path) -> None:
    sealed.write_bytes(sealed.read_bytes()[:-1])
    with pytest.raises(ArtifactError, match="checksum"):
        load(sealed)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"absent\.onnx"):
        load(tmp_path / "absent.onnx")


def test_a_plain_onnx_file_is_refused_with_how_to_seal_it(tmp_path: Path) -> None:
    path = tmp_path / "plain.onnx"
    path.write_bytes(GRAPH * 40)
    with pytest.raises(ArtifactError, match="pneumoscope export"):
        load(path)


def test_the_metadata_is_what_the_onnx_library_reads(sealed: Path) -> None:
    onnx = pytest.importorskip("onnx")
    message = onnx.ModelProto()
    message.ParseFromString(seal(b"", CARD))
    entries = {entry.key: entry.value for entry in message.metadata_props}
    assert parse_card(entries["pneumoscope_card"]) == CARD
    assert len(entries["sha256"]) == 64


@pytest.mark.req("REQ-MD-02")
def test_a_card_of_another_schema_is_refused() -> None:
    with pytest.raises(ArtifactError, match="expected schema 4, found 1"):
        parse_card(replace_text('"schema": 4', '"schema": 1'))


def test_a_card_of_today_must_say_whether_heat_maps_are_shown() -> None:
    table = json.loads(CARD.to_json())
    del table["rules"]["adults"]["heat"]
    with pytest.raises(ArtifactError, match="heat"):
        parse_card(json.dumps(table))


@pytest.mark.req("REQ-MD-02")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"guard": {"limit": 50.0', '"guard": {"limit": -1'),
        ('"threshold": 0.4', '"threshold": 1.4'),
        ('"labels"', '"lables"'),
        ('"views": ["PA", "AP"]', '"views": ["OBLIQUE"]'),
        ('"balanced"', '"middling"'),
        ('"children": {', '"infants": {'),
        ('"largest_outside": 0.5', '"largest_outside": 1.5'),
        ('"fitted_on": "ten adults"', '"fitted": "ten adults"'),
    ],
)
def test_a_card_that_makes_no_sense_is_refused(old: str, new: str) -> None:
    with pytest.raises(ArtifactError, match="model card"):
        parse_card(replace_text(old, new))


def replace_text(old: str, new: str) -> str:
    text = CARD.to_json()
    assert old in text
    return text.replace(old, new)


@pytest.mark.req("REQ-PR-01")
def test_calibration_is_the_logistic_of_the_scaled_logit() -> None:
    # 2 * 0.5 - 1 = 0, and the logistic of 0 is one half.
    assert ADULTS.calibration.probability(np.array([0.5]))[0] == pytest.approx(0.5)
    assert ADULTS.calibration.probability(np.array([1.0]))[0] == pytest.approx(1 / (1 + np.exp(-1)))


@pytest.mark.req("REQ-RD-03")
@pytest.mark.parametrize(("probability", "uncertain"), [(0.2, False), (0.3, True), (0.6, True), (0.61, False)])
def test_both_answers_plausible_is_uncertain(probability: float, uncertain: bool) -> None:
    assert ADULTS.conformal.uncertain(probability) is uncertain


@pytest.mark.req("REQ-RD-03")
def test_neither_answer_plausible_is_uncertain() -> None:
    strict = replace(ADULTS.conformal, positive_from=0.7, negative_to=0.2)
    assert strict.uncertain(0.5)
    assert not strict.uncertain(0.1)
    assert not strict.uncertain(0.9)


def test_a_card_needs_a_rule_for_everyone_whom_it_may_read() -> None:
    with pytest.raises(ArtifactError, match="no decision rule for children"):
        replace(CARD, rules={Population.ADULTS: ADULTS})


@pytest.mark.parametrize(("age_years", "expected"), [(5.9, "children"), (6, "adults"), (None, "adults")])
def test_the_age_decides_whose_rule_applies_and_unknown_ages_count_as_adults(
    age_years: float | None, expected: str
) -> None:
    assert CARD.population_of(age_years) == expected


def test_a_stated_population_applies_only_where_the_age_is_unknown() -> None:
    assert CARD.population_of(None, unknown=Population.CHILDREN) is Population.CHILDREN
    assert CARD.population_of(40, unknown=Population.CHILDREN) is Population.ADULTS


def test_a_model_for_children_alone_decides_by_their_rule_where_no_age_is_known() -> None:
    use = replace(CARD.intended_use, oldest_years=5)
    paediatric = replace(CARD, intended_use=use, rules={Population.CHILDREN: CHILDREN})
    assert paediatric.population_of(None) is Population.CHILDREN


def test_the_shipped_artefact_is_whole_and_small_enough() -> None:
    artifact = load(shipped_path())
    assert artifact.card.intended_use.views == (View.PA, View.AP)
    assert len(artifact.onnx) <= 45_000_000


def test_a_card_from_before_rules_by_view_is_read_with_one_rule_for_all_views() -> None:
    table = json.loads(CARD.to_json())
    table["schema"] = 3
    for rule in table["rules"].values():
        del rule["by_view"], rule["report"]
    card = parse_card(json.dumps(table))
    assert card.rules[Population.ADULTS].for_view(View.AP) == ADULTS


@pytest.mark.req("REQ-VW-01")
def test_a_view_with_a_rule_of_its_own_is_decided_by_it_and_others_by_the_populations() -> None:
    own = ViewRule(
        calibration=Calibration(slope=3.0, intercept=0.5, prevalence=0.5),
        operating_points={name: OperatingPoint(threshold=0.6, rule="g") for name in ADULTS.operating_points},
        conformal=Conformal(coverage=0.9, positive_from=0.2, negative_to=0.7),
        fitted_on="five AP images",
    )
    report = ReportOutput(output=1, calibration=own.calibration, fitted_on="h", by_view={View.AP: own.calibration})
    rule = replace(ADULTS, by_view={View.AP: own}, report=report)
    card = parse_card(replace(CARD, rules=CARD.rules | {Population.ADULTS: rule}).to_json())
    assert card.rules[Population.ADULTS] == rule
    decides = card.rules[Population.ADULTS].for_view(View.AP)
    assert (decides.calibration, decides.fitted_on, decides.heat) == (own.calibration, "five AP images", ADULTS.heat)
    assert card.rules[Population.ADULTS].for_view(View.PA) == rule
    assert card.rules[Population.ADULTS].for_view(None) == rule
    assert report.probability(0.0, View.AP) == pytest.approx(1 / (1 + np.exp(-0.5)))
