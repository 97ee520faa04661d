from pathlib import Path

import pytest

from pneumoscope.core import ConfigError
from pneumoscope.dossier.requirements import (
    Requirement,
    marks,
    read_requirements,
    read_results,
    require_assertions,
    trace,
    without_assertion,
    write_results,
)

TEST_FILE = """
import pytest

@pytest.mark.req("REQ-1", "REQ-2")
@pytest.mark.parametrize("x", [1, 2])
def test_it_works(x): ...

class TestInside:
    @pytest.mark.req("REQ-2")
    def test_deeper(self): ...

def test_unmarked(): ...
"""
JUNIT = """<testsuites><testsuite name="pytest">
<testcase classname="tests.room.test_it" name="test_it_works[1]"/>
<testcase classname="tests.room.test_it" name="test_it_works[2]"><failure message="no"/></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tests" / "room").mkdir(parents=True)
    (tmp_path / "tests" / "room" / "test_it.py").write_text(TEST_FILE)
    (tmp_path / "src" / "pneumoscope" / "room").mkdir(parents=True)
    (tmp_path / "src" / "pneumoscope" / "room" / "it.py").touch()
    return tmp_path


def requirement(name: str, code: str = "room/it.py") -> Requirement:
    return Requirement(id=name, text="do it", code=(code,))


def test_marks_are_found_on_functions_with_other_decorators_and_inside_classes(tree: Path) -> None:
    assert list(marks(tree / "tests")) == [
        ("tests/room/test_it.py", "test_it_works", ("REQ-1", "REQ-2")),
        ("tests/room/test_it.py", "test_deeper", ("REQ-2",)),
    ]


@pytest.mark.req("REQ-DO-03")
def test_untested_requirements_orphan_marks_and_missing_code_are_all_listed(tree: Path) -> None:
    wanted = (requirement("REQ-1", "room/gone.py"), requirement("REQ-9"))
    with pytest.raises(ConfigError) as error:
        trace(wanted, tests=tree / "tests", source=tree / "src", results=None)
    for part in (
        "REQ-9 has no test",
        "test_it_works is marked with REQ-2, which is no requirement",
        "test_deeper is marked with REQ-2",
        "REQ-1 names room/gone.py, which is not there",
    ):
        assert part in str(error.value)


def test_a_parametrised_test_counts_as_its_worst_case_and_a_test_that_did_not_run_says_so(tree: Path) -> None:
    (tree / "junit.xml").write_text(JUNIT)
    wanted = (requirement("REQ-1"), requirement("REQ-2"))
    write_results(tree / "junit.xml", tree / "results.json")
    traced = trace(wanted, tests=tree / "tests", source=tree / "src", results=tree / "results.json")
    assert [case.result for case in traced.tests["REQ-1"]] == ["failed"]
    assert [case.result for case in traced.tests["REQ-2"]] == ["failed", "not run"]


def test_results_in_another_form_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("[1]")
    with pytest.raises(ConfigError, match="expected pytest's JUnit XML"):
        write_results(tmp_path / "file", tmp_path / "out.json")
    with pytest.raises(ConfigError, match="expected results of tests as JSON"):
        read_results(tmp_path / "file")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("- {id: A, text: t, code: [x], colour: red}", "colour"),
        ("- {id: A, text: t}", "code"),
        ("- {id: A, text: t, code: [x]}\n- {id: A, text: u, code: [y]}", "found twice: A"),
        ("{", "expected YAML"),
    ],
)
def test_a_faulty_requirements_file_is_named_with_its_fault(tmp_path: Path, text: str, part: str) -> None:
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(ConfigError, match=part):
        read_requirements(tmp_path / "r.yaml")


def test_the_projects_own_requirements_and_marks_fit_each_other() -> None:
    root = Path(__file__).resolve().parents[2]
    wanted = read_requirements(root / "docs" / "submission" / "requirements.yaml")
    traced = trace(wanted, tests=root / "tests", source=root / "src", results=None)
    assert all(traced.tests[one.id] for one in wanted)


@pytest.mark.req("REQ-DO-03")
def test_a_marked_test_that_asserts_nothing_is_a_fault_and_one_that_asks_a_helper_is_none(tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "test_one.py").write_text(
        "import pytest\n\n\ndef holds(value):\n    assert value\n\n\n"
        '@pytest.mark.req("REQ-A")\ndef test_by_a_helper():\n    holds(1)\n\n\n'
        '@pytest.mark.req("REQ-A")\ndef test_emptied():\n    pass\n'
    )
    assert list(without_assertion(tests)) == [("tests/test_one.py", "test_emptied")]
    with pytest.raises(ConfigError, match="test_emptied: marked with a requirement, and asserts nothing"):
        require_assertions(tests)
