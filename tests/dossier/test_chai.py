"""CHAI's model card against the structure of its schema."""

from pathlib import Path
from xml.etree import ElementTree  # noqa: ICN001

import pytest

from pneumoscope.dossier import read_inputs
from pneumoscope.dossier.build import moment
from pneumoscope.dossier.chai import NAMESPACE, schema_problems, write_model_card


@pytest.fixture(scope="module")
def root(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> ElementTree.Element:
    path = tmp_path_factory.mktemp("chai") / "card.xml"
    inputs = read_inputs(pristine / "device.toml", pristine / "release")
    write_model_card(inputs, path, created=moment(inputs))
    return ElementTree.fromstring(path.read_text(encoding="utf-8"))


def named(root: ElementTree.Element, path: str) -> ElementTree.Element:
    found = root.find("/".join(f"{{{NAMESPACE}}}{name}" for name in path.split("/")))
    assert found is not None, path
    return found


def test_the_written_card_has_the_elements_of_the_schema_with_text_in_each(root: ElementTree.Element) -> None:
    assert not list(schema_problems(root))
    assert root.tag == f"{{{NAMESPACE}}}AppliedModelCard"
    empty = [one.tag for one in root.iter() if not len(one) and not (one.text or "").strip()]
    assert [tag.rpartition("}")[2] for tag in empty] == ["Bibliography"]


def test_a_missing_misplaced_doubled_or_nested_element_is_named(root: ElementTree.Element) -> None:
    def faults(path: str, change: str) -> list[str]:
        copy = ElementTree.fromstring(ElementTree.tostring(root))
        parent = named(copy, path)
        first = parent[0]
        match change:
            case "missing":
                parent.remove(first)
            case "moved":
                parent.remove(first)
                parent.append(first)
            case "twice":
                parent.insert(0, first)
            case "nested":
                ElementTree.SubElement(first, f"{{{NAMESPACE}}}Summary")
        return list(schema_problems(copy))

    assert faults("BasicInfo", "missing") == [
        "BasicInfo: expected ModelName ModelDeveloper DeveloperContact, found ModelDeveloper DeveloperContact"
    ]
    for change in ("moved", "twice"):
        assert [one.partition(":")[0] for one in faults("Warnings", change)] == ["Warnings"]
    assert faults("Resources", "missing") == []  # EvaluationReferences may be left out
    assert faults("ReleaseInfo", "nested") == ["ReleaseStage: expected text, found Summary"]
