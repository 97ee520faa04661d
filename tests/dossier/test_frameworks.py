from pathlib import Path
from xml.etree import ElementTree  # noqa: ICN001

import pytest

from pneumoscope.core import ConfigError
from pneumoscope.dossier import read_inputs
from pneumoscope.dossier.build import compose, moment
from pneumoscope.dossier.chai import NAMESPACE, write_model_card
from pneumoscope.dossier.content import Document
from pneumoscope.dossier.frameworks import write_frameworks

# Of CHAI's schema v0.2, the children of the card and of its metrics, in order.
CARD = [
    "BasicInfo", "ReleaseInfo", "ModelSummary", "UsesAndDirections", "Warnings", "TrustIngredients", "KeyMetrics",
    "Resources", "Bibliography",
]  # fmt: skip
METRIC = [
    "MetricGoal",
    "Results",
    "Interpretation",
    "TestType",
    "TestingDataDescription",
    "ValidationProcessAndJustification",
]


def test_every_point_of_the_second_file_has_a_section_or_is_said_not_to_be_done(place: Path) -> None:
    document, _ = compose(read_inputs(place / "device.toml", place / "release"), place / "out")
    (path,) = write_frameworks(document, place / "out" / "Other_Frameworks.md")
    text = path.read_text()
    assert "EU AI Act" in text
    assert "**not done**" in text
    assert "Use of the test images" in text


def test_a_clause_that_names_a_missing_section_is_a_fault(tmp_path: Path) -> None:
    empty = Document("t", "s", (), "n", "h", (), ())
    with pytest.raises(ConfigError, match="expected sections of the submission"):
        write_frameworks(empty, tmp_path / "x.md")


def test_the_model_card_has_the_elements_of_chais_schema_in_its_order(place: Path) -> None:
    inputs = read_inputs(place / "device.toml", place / "release")
    write_model_card(inputs, place / "card.xml", created=moment(inputs))
    root = ElementTree.parse(place / "card.xml").getroot()
    assert root.tag == f"{{{NAMESPACE}}}AppliedModelCard"
    names = [child.tag.rpartition("}")[2] for child in root]
    assert names == CARD
    for metric in root[CARD.index("KeyMetrics")]:
        assert [child.tag.rpartition("}")[2] for child in metric] == METRIC
