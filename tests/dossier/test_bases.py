from pathlib import Path

import pytest

from pneumoscope.dossier.bases import known_bases, problems
from pneumoscope.dossier.requirements import Requirement

SOURCE = Path(__file__).resolve().parents[2] / "src"
KNOWN = known_bases([Requirement(id="REQ-A", text="do", code=())], SOURCE)


def test_requirements_keys_of_the_node_and_of_the_released_device_are_known() -> None:
    assert {
        "REQ-A",
        "reading.claim",
        "node.tls_client_ca",
        "destination.url",
        "claim",
        "worklist.moved_up_min",
    } <= KNOWN


@pytest.mark.req("REQ-DO-03")
def test_a_statement_about_behaviour_without_a_basis_is_a_fault() -> None:
    said = list(problems("# Order {#worklist-order}\n\nA suspicious study is moved up.\n", where="x.md", known=KNOWN))
    assert said == [
        "x.md, worklist-order: 'A suspicious study is moved up.' says what the software does and names no basis"
    ]


def test_with_a_basis_or_in_another_section_it_is_none() -> None:
    for text in ("# A {#worklist-order}\n\nIt is moved up [=REQ-A].\n", "# A {#study}\n\nIt is moved up.\n"):
        assert not list(problems(text, where="x.md", known=KNOWN))


def test_a_basis_that_is_no_requirement_and_no_key_is_a_fault_anywhere() -> None:
    assert list(problems("# A {#study}\n\nNever [=REQ-GONE].\n", where="x.md", known=KNOWN)) == [
        "x.md: [=REQ-GONE] is no requirement and no configuration key"
    ]
