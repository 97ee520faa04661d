import pandas as pd

from pneumoscope.datasets import patient_numbers


def test_a_row_without_a_patient_is_a_patient_of_its_own() -> None:
    rows = pd.DataFrame({"patient_id": ["a", None, "a", None, "b", "b"]})
    assert list(patient_numbers(rows)) == [0, 2, 0, 3, 1, 1]
