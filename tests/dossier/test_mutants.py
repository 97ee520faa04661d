from pathlib import Path

from pneumoscope.dossier.mutants import Mutant, interleaved, mutants, results_page, spread, stamp
from pneumoscope.dossier.requirements import TestCase

SOURCE = """
LIMIT = 3 > 2


def flagged(score, threshold):
    if score is None:
        return False
    return score >= threshold
"""


def test_comparisons_conditions_and_returned_values_are_changed_one_at_a_time() -> None:
    found = [(one.line, one.change) for one in mutants(SOURCE)]
    assert found == [
        (6, "if score is None negated"),
        (6, "score is None became score is not None"),
        (7, "return False returns None"),
        (8, "return score >= threshold returns None"),
        (8, "score >= threshold became score < threshold"),
    ]


def test_each_mutant_is_a_whole_file_that_runs_and_differs_and_module_level_stays() -> None:
    found = list(mutants(SOURCE))
    for one in found:
        names: dict[str, object] = {}
        exec(one.source, names)
        assert names["LIMIT"] is True
    assert len({one.source for one in found}) == len(found)


def test_only_lines_that_ran_are_broken_and_each_files_turn_comes() -> None:
    assert {one.line for one in mutants(SOURCE, ran={1, 2, 7})} == {7}
    found = [Mutant(line, str(line), "") for line in range(1, 9)]
    assert sorted(one.line for one in spread(found)) == list(range(1, 9))
    assert spread(found) != found
    first, second = Path("a.py"), Path("b.py")
    assert [(path.name, one.line) for path, one in interleaved({first: found[:2], second: found[4:5]})] == [
        ("a.py", 1), ("b.py", 5), ("a.py", 2),
    ]  # fmt: skip


def test_a_result_is_stale_once_its_code_or_its_tests_change(tmp_path: Path) -> None:
    code, tests = tmp_path / "src" / "pneumoscope" / "a.py", tmp_path / "tests" / "test_a.py"
    for path in (code, tests):
        path.parent.mkdir(parents=True)
        path.write_text("x = 1\n")
    cases = [TestCase("tests/test_a.py", "test_x")]
    before = stamp(tmp_path, ("a.py",), cases)
    assert stamp(tmp_path, ("a.py",), cases) == before
    code.write_text("x = 2\n")
    changed = stamp(tmp_path, ("a.py",), cases)
    assert changed != before
    tests.write_text("x = 2\n")
    assert stamp(tmp_path, ("a.py",), cases) != changed


def test_the_page_counts_what_was_noticed_and_names_the_change() -> None:
    done = {
        "REQ-B": {"verdict": "not noticed", "tried": 6, "text": "stay"},
        "REQ-A": {"verdict": "noticed", "tried": 1, "text": "flag", "change": "a.py:3: a | b became a & b"},
    }
    page = results_page(done, of=3)
    assert "Done: 2 of 3 requirements. Noticed: 1." in page
    assert "| REQ-A | flag | noticed | 1 | `a.py:3: a \\| b became a & b` |" in page
    assert page.index("REQ-A") < page.index("REQ-B")


def test_of_sums_that_begin_at_one_place_each_is_changed() -> None:
    found = [one.source for one in mutants("def f(a, b, c):\n    return a + b + c\n")]
    assert any("a - b + c" in one for one in found)
    assert any("a + b - c" in one for one in found)
