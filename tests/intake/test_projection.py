"""The projection from each attribute that may say it, and from attributes that disagree."""

import pytest
from pydicom import Dataset

from pneumoscope.core import View
from pneumoscope.intake.projection import Side, evidence, view_of

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def header(**attributes: object) -> Dataset:
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def coded(value: str, *, scheme: str = "SCT") -> list[Dataset]:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, "a view"
    return [item]


def sides(dataset: Dataset) -> list[Side]:
    return [item.side for item in evidence(dataset)]


@pytest.mark.parametrize(
    ("text", "view"), [("PA", View.PA), ("AP", View.AP), ("LL", View.LATERAL), ("RL", View.LATERAL)]
)
def test_view_position_says_the_view(text: str, view: View) -> None:
    assert view_of(header(ViewPosition=text)) is view


@pytest.mark.parametrize(
    ("scheme", "value", "view"),
    [
        ("SCT", "399348003", View.AP),
        ("SRT", "R-10206", View.AP),
        ("SNM3", "R-10206", View.AP),
        ("SCT", "272479007", View.PA),
        ("SRT", "R-10214", View.PA),
        ("SCT", "399067008", View.LATERAL),
        ("SCT", "399173006", View.LATERAL),
        ("SRT", "R-10236", View.LATERAL),
    ],
)
def test_the_view_code_says_the_view(scheme: str, value: str, view: View) -> None:
    assert view_of(header(ViewCodeSequence=coded(value, scheme=scheme))) is view


def test_the_codes_are_those_of_the_standards_context_group() -> None:
    """PS3.16 CID 4010 and its mapping to SNOMED RT, as pydicom ships them."""
    from pydicom.sr.codedict import codes

    group = codes.CID4010
    for code, view in (
        (group.AnteroPosterior, View.AP),
        (group.PosteroAnterior, View.PA),
        (group.LateralProjection, View.LATERAL),
        (group.LeftLateral, View.LATERAL),
        (group.RightLateral, View.LATERAL),
    ):
        assert view_of(header(ViewCodeSequence=coded(code.value))) is view
    assert sides(header(ViewCodeSequence=coded(group.Frontal.value))) == [Side.FRONTAL]


def test_a_frontal_code_tells_no_view() -> None:
    dataset = header(ViewCodeSequence=coded("399033003"))
    assert (sides(dataset), view_of(dataset)) == ([Side.FRONTAL], None)


@pytest.mark.req("REQ-IN-05")
@pytest.mark.parametrize(
    ("orientation", "side"),
    [
        (["L", "F"], Side.FRONTAL),
        (["R", "F"], Side.FRONTAL),
        (["A", "F"], Side.LATERAL),
        (["P", "F"], Side.LATERAL),
        (["L", "H"], Side.FRONTAL),
        (["F", "L"], Side.FRONTAL),
        (["H", "R"], Side.FRONTAL),
        (["F", "A"], Side.LATERAL),
        (["L", "P"], Side.OTHER),
        (["L"], Side.OTHER),
    ],
    ids=str,
)
def test_patient_orientation_tells_frontal_from_lateral_however_the_image_lies(
    orientation: list[str], side: Side
) -> None:
    assert sides(header(PatientOrientation=orientation)) == [side]


def test_patient_orientation_tells_no_projection_of_a_frontal() -> None:
    assert view_of(header(PatientOrientation=["L", "F"])) is None


@pytest.mark.parametrize("text", ["PA", "AP"])
def test_a_misused_patient_position_says_the_view_where_nothing_else_does(text: str) -> None:
    assert view_of(header(PatientPosition=text)) is View(text)
    assert sides(header(PatientPosition="XX")) == [Side.OTHER]


def test_a_misused_patient_position_is_not_heard_beside_the_real_attributes() -> None:
    assert view_of(header(PatientPosition="AP", ViewPosition="PA")) is View.PA


@pytest.mark.parametrize("text", ["HFS", "FFP", "LFP", "AFDR", "SITTING", ""])
def test_a_rightful_patient_position_says_nothing_of_the_view(text: str) -> None:
    assert evidence(header(PatientPosition=text)) == ()


@pytest.mark.req("REQ-IN-05")
def test_frontal_against_lateral_leaves_the_view_unknown() -> None:
    dataset = header(ViewPosition="PA", PatientOrientation=["A", "F"])
    assert (set(sides(dataset)), view_of(dataset)) == ({Side.FRONTAL, Side.LATERAL}, None)


def test_the_text_goes_before_the_code() -> None:
    assert view_of(header(ViewPosition="PA", ViewCodeSequence=coded("399348003"))) is View.PA


@pytest.mark.parametrize(
    ("text", "view"),
    [
        ("AP SUPINE", View.AP),
        ("AP ERECT", View.AP),
        ("PA ERECT", View.PA),
        ("SEMI-ERECT AP", View.AP),
        ("AP_PORTABLE", View.AP),
        ("ap", View.AP),
        ("P.A.", View.PA),
        ("P->A", View.PA),
        ("A→P", View.AP),
        ("P-A", View.PA),
        ("POSTEROANTERIOR", View.PA),
        ("Postero-Anterior", View.PA),
        ("ANTERO POSTERIOR", View.AP),
        ("postéro-antérieur", View.PA),
        ("antero-posteriore", View.AP),
        ("CHEST PA", View.PA),
        ("THORAX AP LIEGEND", View.AP),
        ("PA STEHEND", View.PA),
        ("DV", View.PA),
        ("后前位", View.PA),
        ("立位 PA", View.PA),
        ("LEFT LATERAL", View.LATERAL),
        ("LAT ERECT", View.LATERAL),
        ("seitlich", View.LATERAL),
        ("PERFIL", View.LATERAL),
        ("侧位", View.LATERAL),
    ],
)
def test_a_view_is_understood_in_the_words_that_consoles_offer(text: str, view: View) -> None:
    assert view_of(header(ViewPosition=text)) is view


@pytest.mark.parametrize("text", ["FRONTAL", "FACE", "DE FRENTE", "正位", "AP/PA"])
def test_a_frontal_word_tells_no_direction_of_the_beam(text: str) -> None:
    dataset = header(ViewPosition=text)
    assert (sides(dataset), view_of(dataset)) == ([Side.FRONTAL], None)


@pytest.mark.parametrize(
    "text",
    ["AP LORDOTIC", "AP AXIAL", "PA OBLIQUE", "RAO", "LLD", "LEFT LATERAL DECUBITUS", "PA LATERAL", "APICAL", "PA 2X"],
)
def test_a_word_that_changes_the_view_or_is_not_known_is_no_frontal_film(text: str) -> None:
    assert sides(header(ViewPosition=text)) == [Side.OTHER]


@pytest.mark.parametrize("text", ["ERECT", "SUPINE", "PORTABLE", "CHEST", "..."])
def test_a_word_of_posture_or_place_says_nothing_of_the_view(text: str) -> None:
    assert evidence(header(ViewPosition=text)) == ()
    assert view_of(header(ViewPosition=text, ViewCodeSequence=coded("399348003"))) is View.AP


@pytest.mark.parametrize(
    ("value", "scheme"), [("PA", "99SDM"), ("LAT", "99X"), ("", "SCT"), ("399173006", ""), ("1", "L")]
)
def test_a_private_or_empty_view_code_is_no_evidence_against_the_view_position(value: str, scheme: str) -> None:
    dataset = header(ViewPosition="PA", ViewCodeSequence=coded(value, scheme=scheme))
    assert (sides(dataset), view_of(dataset)) == ([Side.FRONTAL], View.PA)


def test_a_standard_code_of_another_view_is_evidence() -> None:
    assert sides(header(ViewPosition="PA", ViewCodeSequence=coded("399182000"))) == [Side.FRONTAL, Side.OTHER]
