import itertools
from dataclasses import replace

import numpy as np
import pytest

from pneumoscope.core import ArtifactError, ConfigError, Outcome, Population, Status
from pneumoscope.intake import ImageSource, read_radiograph
from pneumoscope.model import OPERATING_POINTS, UNJUDGED_HEAT, Artifact, Guard, HeatRule, OperatingPoint
from pneumoscope.reading import EngineName, Model, Outputs, open_engine, read, read_many
from pneumoscope.results import Reading


def analysed(model: Model, studies: list[ImageSource]) -> list[ImageSource]:
    return [one for one, reading in zip(studies, read_many(studies, model=model), strict=True) if reading.decision]


def test_the_accepted_studies_are_read_and_the_others_say_why_not(model: Model, studies: list) -> None:
    for reading in read_many(studies, model=model):
        assert (reading.decision is None) == bool(reading.reasons)
        if reading.decision:
            assert 0 <= reading.decision.probability <= 1


@pytest.mark.req("REQ-RD-04")
def test_results_come_in_input_order_whatever_the_decoding_takes(model: Model, studies: list) -> None:
    sources = [studies[index % len(studies)] for index in (3, 0, 2, 1) * 5]
    readings = read_many(sources, model=model, keep_pixels=False)
    assert [reading.path for reading in readings] == [s.path for s in sources]


@pytest.mark.req("REQ-RD-04")
def test_a_result_does_not_depend_on_its_neighbours(model: Model, studies: list) -> None:
    together = {reading.path: reading.decision for reading in read_many(studies, model=model)}
    for source in studies:
        alone = read(source, model=model)
        if alone.decision:
            assert alone.decision.probability == pytest.approx(together[source.path].probability, abs=1e-5)


@pytest.mark.req("REQ-RD-05")
def test_a_file_that_is_no_image_is_failed_and_never_negative(model: Model, not_an_image: ImageSource) -> None:
    reading = read(not_an_image, model=model)
    assert reading.status is Status.FAILED
    assert reading.decision is None
    assert reading.reasons[0].expected


@pytest.mark.req("REQ-RD-01")
def test_the_operating_point_decides_and_the_probability_stays(artifact: Artifact, model: Model, studies: list) -> None:
    for source in analysed(model, studies):
        decisions = [read(source, model=model, operating_point=point).decision for point in OPERATING_POINTS]
        assert len({decision.probability for decision in decisions}) == 1
        points = artifact.card.rules[decisions[0].population].operating_points
        assert [decision.threshold for decision in decisions] == [points[name].threshold for name in OPERATING_POINTS]


@pytest.mark.parametrize(
    ("age_years", "population", "expected"),
    [(5.0, None, "children"), (50.0, "children", "adults"), (None, None, "adults"), (None, "children", "children")],
)
@pytest.mark.req("REQ-PO-01")
def test_the_patients_age_chooses_the_rule_and_only_an_unknown_age_leaves_it_to_the_caller(
    artifact: Artifact, model: Model, studies: list, age_years: float | None, population: str | None, expected: str
) -> None:
    pixels = read_radiograph(analysed(model, studies)[0]).pixels
    reading = read(pixels, model=model, population=population, view="PA", age_years=age_years)
    rule = artifact.card.rules[Population(expected)]
    assert reading.decision.population == expected
    assert reading.decision.threshold == rule.operating_points["balanced"].threshold


def test_a_population_that_the_model_has_no_rule_for_is_answered_with_those_it_has(
    artifact: Artifact, model: Model
) -> None:
    use = replace(artifact.card.intended_use, youngest_years=18)
    rules = {Population.ADULTS: artifact.card.rules[Population.ADULTS]}
    adults_only = replace(artifact, card=replace(artifact.card, intended_use=use, rules=rules))
    with pytest.raises(ConfigError, match="expected one of adults, got children"):
        read("x.dcm", model=Model(adults_only), population=Population.CHILDREN)


def test_an_unknown_operating_point_is_answered_with_the_known_ones(model: Model) -> None:
    with pytest.raises(ConfigError, match="screening, balanced, confirmatory"):
        read("x.dcm", model=model, operating_point="middling")


@pytest.mark.req("REQ-RD-02")
def test_beyond_the_guards_limit_an_image_is_refused_for_its_appearance(
    artifact: Artifact, model: Model, studies: list
) -> None:
    strict = replace(artifact, card=replace(artifact.card, guard=Guard(limit=1e-6, rule="test")))
    reading = read(analysed(model, studies)[0], model=Model(strict))
    assert reading.status is Status.REFUSED
    assert [check.name for check in reading.reasons] == ["appearance"]


@pytest.mark.req("REQ-RD-02")
@pytest.mark.parametrize("change", ["upside down", "on its side", "inverted", "noise", "hand"])
def test_pixels_that_are_no_upright_chest_are_refused_whatever_the_header_says(
    model: Model, studies: list, change: str
) -> None:
    from synthetic_studies import hand_phantom

    pixels = read_radiograph(analysed(model, studies)[0]).pixels
    changed = {
        "upside down": pixels[::-1, ::-1],
        "on its side": np.rot90(pixels),
        "inverted": 1 - pixels,
        "noise": np.random.default_rng(0).uniform(0, 1, (400, 400)).astype(np.float32),
        "hand": hand_phantom(seed=1),
    }[change]
    reading = read(changed, model=model)
    assert [check.name for check in reading.reasons] == ["appearance"]


@pytest.mark.req("REQ-RD-06")
def test_the_heat_map_lies_on_the_radiographs_grid_and_only_where_it_is_asked_for(
    artifact: Artifact, model: Model, studies: list
) -> None:
    shown = with_heat_rule(artifact, UNJUDGED_HEAT)
    source = analysed(Model(shown), studies)[0]
    shape = read_radiograph(source).pixels.shape
    assert read(source, model=Model(shown)).heat.shape == shape
    (light,) = read_many(source, model=Model(shown), keep_pixels=False)
    assert light.heat is None
    assert light.radiograph.pixels is None


def with_heat_rule(artifact: Artifact, rule: HeatRule) -> Artifact:
    """The artefact with that rule for everyone, and a screening threshold that flags everyone."""
    everyone = OperatingPoint(threshold=0.0, rule="test")
    rules = {
        name: replace(one, heat=rule, operating_points=one.operating_points | {"screening": everyone})
        for name, one in artifact.card.rules.items()
    }
    return replace(artifact, card=replace(artifact.card, rules=rules))


@pytest.mark.req("REQ-RD-07")
def test_a_heat_map_that_validation_does_not_bear_out_is_not_shown_and_the_reason_said(
    artifact: Artifact, model: Model, studies: list
) -> None:
    hidden = with_heat_rule(artifact, HeatRule(shown=False, why="it points nowhere"))
    source = analysed(model, studies)[0]
    reading, plain = read(source, model=Model(hidden)), read(source, model=model)
    assert reading.heat is None
    assert reading.notes == ("no heat map shown: it points nowhere",)
    assert reading.decision == plain.decision


@pytest.mark.req("REQ-RD-07")
@pytest.mark.parametrize(("lungs_everywhere", "limit"), [(1.0, 0.0), (0.0, 0.9)])
def test_a_flag_whose_heat_lies_outside_the_lungs_is_uncertain_with_and_without_pixels(
    artifact: Artifact, studies: list, lungs_everywhere: float, limit: float
) -> None:
    rule = HeatRule(shown=True, why="test", largest_outside=limit, rule="test")
    model = WithLungs(with_heat_rule(artifact, rule))
    model.probability = lungs_everywhere
    for heat in (True, False):
        found = read_many(studies, model=model, operating_point="screening", keep_pixels=heat)
        readings: list[Reading] = [one for one in found if one.decision]
        assert readings
        for reading in readings:
            assert reading.heat_outside_lungs == 1 - lungs_everywhere
            if lungs_everywhere:
                assert reading.notes == ()
                assert (reading.heat is not None) == heat
            else:
                assert reading.decision.uncertain
                assert reading.heat is None
                assert "100 % of the heat lies outside the lungs" in reading.notes[0]


class WithLungs(Model):
    """A model whose graph finds lungs of that probability everywhere."""

    probability: float

    def run_timed(self, images: np.ndarray) -> tuple[Outputs, float]:
        outputs, elapsed_ms = super().run_timed(images)
        lungs = np.full((len(images), 1, 56, 56), self.probability, dtype=np.float32)
        return replace(outputs, lungs=lungs), elapsed_ms


def test_the_mean_of_the_activation_map_is_the_logit(artifact: Artifact) -> None:
    size = artifact.card.recipe.size_px
    images = np.random.default_rng(0).uniform(-1, 1, (3, 1, size, size)).astype(np.float32)
    outputs = open_engine(artifact).run(images)
    np.testing.assert_allclose(outputs.cam.mean(axis=(2, 3)), outputs.logit, atol=1e-3)
    assert outputs.embedding.ndim == 2
    assert outputs.distance.shape == (3,)


def test_openvino_agrees_with_onnx_runtime(artifact: Artifact) -> None:
    pytest.importorskip("openvino", reason="install pneumoscope[openvino] to compare the engines")
    size = artifact.card.recipe.size_px
    images = np.random.default_rng(0).uniform(-1, 1, (2, 1, size, size)).astype(np.float32)
    one, other = (open_engine(artifact, name).run(images) for name in (EngineName.ONNXRUNTIME, EngineName.OPENVINO))
    calibration = artifact.card.rules[Population.CHILDREN].calibration
    np.testing.assert_allclose(calibration.probability(one.logit), calibration.probability(other.logit), atol=0.01)


def test_a_graph_that_is_no_onnx_is_our_fault(artifact: Artifact) -> None:
    with pytest.raises(ArtifactError, match="cannot load the graph"):
        open_engine(replace(artifact, onnx=b"nonsense"))


def test_every_reading_lists_all_its_checks(model: Model, studies: list) -> None:
    for reading in read_many(studies, model=model):
        if reading.status is Status.ANALYSED:
            assert all(check.outcome is not Outcome.FAILED for check in reading.checks)
            assert len({check.name for check in reading.checks}) == len(reading.checks) >= 10


@pytest.mark.req("REQ-IN-04", "REQ-IN-05")
def test_real_course_files_are_accepted_and_refused_as_the_course_says(model: Model, data_root: object) -> None:
    readings = list(read_many(data_root / "dicom" / "udacity", model=model, keep_pixels=False))
    assert [reading.status for reading in readings] == [Status.ANALYSED] * 3 + [Status.REFUSED] * 3
    assert [[check.name for check in reading.reasons] for reading in readings[3:]] == [
        ["body_part"],
        ["modality"],
        ["view"],
    ]


def test_two_codecs_of_one_real_film_give_nearly_one_probability(model: Model, data_root: object) -> None:
    films = [data_root / "dicom" / "wg04" / name for name in ("RG1_J2KI.dcm", "RG1_JLSN.dcm")]
    one, other = read_many(films, model=model, keep_pixels=False)
    assert abs(one.decision.probability - other.decision.probability) < 0.02


def test_real_rsna_films_are_analysed(model: Model, data_root: object) -> None:
    from pneumoscope.intake import find_images

    films = itertools.islice(find_images([data_root / "rsna" / "stage_2_train_images"]), 12)
    assert [reading.status for reading in read_many(films, model=model, keep_pixels=False)] == [Status.ANALYSED] * 12
