import itertools
from dataclasses import replace

import numpy as np
import pytest

from pneumoscope.core import ArtifactError, ConfigError, Outcome, Population, Status
from pneumoscope.intake import ImageSource, read_radiograph
from pneumoscope.model import OPERATING_POINTS, UNJUDGED_HEAT, Artifact, Guard, HeatRule, OperatingPoint
from pneumoscope.reading import Candidate, Engine, EngineName, Outputs, Reader, open_engine, read_all


def read(reader: Reader, *sources: ImageSource) -> list[object]:
    return list(read_all(sources, reader))


def analysed(reader: Reader, studies: list[ImageSource]) -> list[ImageSource]:
    return [one for one, reading in zip(studies, read(reader, *studies), strict=True) if reading.decision]


def test_the_accepted_studies_are_read_and_the_others_say_why_not(artifact: Artifact, studies: list) -> None:
    for reading in read(Reader(artifact), *studies):
        assert (reading.decision is None) == bool(reading.reasons)
        if reading.decision:
            assert 0 <= reading.decision.probability <= 1


@pytest.mark.req("REQ-RD-04")
def test_results_come_in_input_order_whatever_the_decoding_takes(artifact: Artifact, studies: list) -> None:
    sources = [studies[index % len(studies)] for index in (3, 0, 2, 1) * 5]
    assert [reading.path for reading in read(Reader(artifact, heat=False), *sources)] == [s.path for s in sources]


@pytest.mark.req("REQ-RD-04")
def test_a_result_does_not_depend_on_its_neighbours(artifact: Artifact, studies: list) -> None:
    reader = Reader(artifact, heat=False)
    together = {reading.path: reading.decision for reading in read(reader, *studies)}
    for source in studies:
        (alone,) = read(reader, source)
        if alone.decision:
            assert alone.decision.probability == pytest.approx(together[source.path].probability, abs=1e-5)


@pytest.mark.req("REQ-RD-05")
def test_a_file_that_is_no_image_is_failed_and_never_negative(artifact: Artifact, not_an_image: ImageSource) -> None:
    (reading,) = read(Reader(artifact), not_an_image)
    assert reading.status is Status.FAILED
    assert reading.decision is None
    assert reading.reasons[0].expected


@pytest.mark.req("REQ-RD-01")
def test_the_operating_point_decides_and_the_probability_stays(artifact: Artifact, studies: list) -> None:
    for source in analysed(Reader(artifact), studies):
        decisions = [read(Reader(artifact, operating_point=point), source)[0].decision for point in OPERATING_POINTS]
        assert len({decision.probability for decision in decisions}) == 1
        points = artifact.card.rules[decisions[0].population].operating_points
        assert [decision.threshold for decision in decisions] == [points[name].threshold for name in OPERATING_POINTS]


@pytest.mark.parametrize(
    ("age_years", "population", "expected"),
    [(5.0, None, "children"), (50.0, "children", "adults"), (None, None, "adults"), (None, "children", "children")],
)
def test_the_patients_age_chooses_the_rule_and_only_an_unknown_age_leaves_it_to_the_caller(
    artifact: Artifact, studies: list, age_years: float | None, population: str | None, expected: str
) -> None:
    source = analysed(Reader(artifact), studies)[0]
    reader = Reader(artifact, population=population and Population(population))
    candidate = reader.open(source)
    aged = replace(candidate, radiograph=replace(candidate.radiograph, age_years=age_years))
    (reading,) = reader.read([aged])
    rule = artifact.card.rules[Population(expected)]
    assert reading.decision.population == expected
    assert reading.decision.threshold == rule.operating_points["balanced"].threshold


def test_a_population_that_the_model_has_no_rule_for_is_answered_with_those_it_has(artifact: Artifact) -> None:
    use = replace(artifact.card.intended_use, youngest_years=18)
    rules = {Population.ADULTS: artifact.card.rules[Population.ADULTS]}
    adults_only = replace(artifact, card=replace(artifact.card, intended_use=use, rules=rules))
    with pytest.raises(ConfigError, match="expected one of adults, got children"):
        Reader(adults_only, population=Population.CHILDREN)


def test_an_unknown_operating_point_is_answered_with_the_known_ones(artifact: Artifact) -> None:
    with pytest.raises(ConfigError, match="screening, balanced, confirmatory"):
        Reader(artifact, operating_point="middling")


@pytest.mark.req("REQ-RD-02")
def test_beyond_the_guards_limit_an_image_is_refused_for_its_appearance(artifact: Artifact, studies: list) -> None:
    strict = replace(artifact, card=replace(artifact.card, guard=Guard(limit=1e-6, rule="test")))
    (reading,) = read(Reader(strict), analysed(Reader(artifact), studies)[0])
    assert reading.status is Status.REFUSED
    assert [check.name for check in reading.reasons] == ["appearance"]


@pytest.mark.req("REQ-RD-02")
@pytest.mark.parametrize("change", ["upside down", "on its side", "inverted", "noise", "hand"])
def test_pixels_that_are_no_upright_chest_are_refused_whatever_the_header_says(
    artifact: Artifact, studies: list, change: str
) -> None:
    from pneumoscope.phantom import hand_phantom

    reader = Reader(artifact)
    source = analysed(reader, studies)[0]
    candidate = reader.open(source)
    assert isinstance(candidate, Candidate)
    array = candidate.prepared.array
    if change == "hand":
        from pneumoscope.image import prepare

        array = prepare(hand_phantom(seed=1), artifact.card.recipe).array
    changed = {
        "upside down": array[:, ::-1, ::-1],
        "on its side": np.rot90(array, 1, (1, 2)),
        "inverted": -array,
        "noise": np.random.default_rng(0).uniform(-1, 1, array.shape).astype(np.float32),
        "hand": array,
    }[change]
    prepared = replace(candidate.prepared, array=np.ascontiguousarray(changed))
    (reading,) = reader.read([replace(candidate, prepared=prepared)])
    assert [check.name for check in reading.reasons] == ["appearance"]


@pytest.mark.req("REQ-RD-06")
def test_the_heat_map_lies_on_the_radiographs_grid_and_only_where_it_is_asked_for(
    artifact: Artifact, studies: list
) -> None:
    shown = with_heat_rule(artifact, UNJUDGED_HEAT)
    source = analysed(Reader(shown), studies)[0]
    shape = read_radiograph(source).pixels.shape
    assert read(Reader(shown), source)[0].heat.shape == shape
    assert read(Reader(shown, heat=False), source)[0].heat is None


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
    artifact: Artifact, studies: list
) -> None:
    hidden = with_heat_rule(artifact, HeatRule(shown=False, why="it points nowhere"))
    source = analysed(Reader(artifact), studies)[0]
    (reading,) = read(Reader(hidden), source)
    (plain,) = read(Reader(artifact), source)
    assert reading.heat is None
    assert reading.notes == ("no heat map shown: it points nowhere",)
    assert reading.decision == plain.decision


@pytest.mark.req("REQ-RD-07")
@pytest.mark.parametrize(("lungs_everywhere", "limit"), [(1.0, 0.0), (0.0, 0.9)])
def test_a_flag_whose_heat_lies_outside_the_lungs_is_uncertain_with_and_without_pixels(
    artifact: Artifact, studies: list, lungs_everywhere: float, limit: float
) -> None:
    rule = HeatRule(shown=True, why="test", largest_outside=limit, rule="test")
    for heat in (True, False):
        reader = Reader(with_heat_rule(artifact, rule), operating_point="screening", heat=heat)
        engine = reader._engine
        reader._engine = WithLungs(engine, lungs_everywhere)
        readings = [one for one in read(reader, *studies) if one.decision]
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


class WithLungs:
    """An engine whose graph finds lungs of that probability everywhere."""

    def __init__(self, engine: Engine, probability: float) -> None:
        self.engine, self.probability = engine, probability

    def run(self, images: np.ndarray) -> Outputs:
        lungs = np.full((len(images), 1, 56, 56), self.probability, dtype=np.float32)
        return replace(self.engine.run(images), lungs=lungs)


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


def test_every_reading_lists_all_its_checks(artifact: Artifact, studies: list) -> None:
    for reading in read(Reader(artifact), *studies):
        if reading.status is Status.ANALYSED:
            assert all(check.outcome is not Outcome.FAILED for check in reading.checks)
            assert len({check.name for check in reading.checks}) == len(reading.checks) >= 10


@pytest.mark.req("REQ-IN-04", "REQ-IN-05")
def test_real_course_files_are_accepted_and_refused_as_the_course_says(artifact: Artifact, data_root: object) -> None:
    from pneumoscope.intake import find_images

    readings = read(Reader(artifact, heat=False), *find_images([data_root / "dicom" / "udacity"]))
    assert [reading.status for reading in readings] == [Status.ANALYSED] * 3 + [Status.REFUSED] * 3
    assert [[check.name for check in reading.reasons] for reading in readings[3:]] == [
        ["body_part"],
        ["modality"],
        ["view"],
    ]


def test_two_codecs_of_one_real_film_give_nearly_one_probability(artifact: Artifact, data_root: object) -> None:
    from pneumoscope.intake import find_images

    films = [data_root / "dicom" / "wg04" / name for name in ("RG1_J2KI.dcm", "RG1_JLSN.dcm")]
    one, other = read(Reader(artifact, heat=False), *find_images(films))
    assert abs(one.decision.probability - other.decision.probability) < 0.02


def test_real_rsna_films_are_analysed(artifact: Artifact, data_root: object) -> None:
    from pneumoscope.intake import find_images

    films = itertools.islice(find_images([data_root / "rsna" / "stage_2_train_images"]), 12)
    assert [reading.status for reading in read(Reader(artifact, heat=False), *films)] == [Status.ANALYSED] * 12
