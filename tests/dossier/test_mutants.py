from pneumoscope.dossier.mutants import mutants

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
