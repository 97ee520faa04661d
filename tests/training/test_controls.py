import numpy as np
import pytest

from pneumoscope.core import InputError
from pneumoscope.training.controls import other_patients


def test_the_next_image_of_another_patient_is_taken_and_the_first_after_the_last() -> None:
    assert other_patients(np.array(["a", "a", "a", "b", "c", "c"])).tolist() == [3, 3, 3, 4, 0, 0]


def test_no_image_is_held_against_its_own_patient_in_any_order() -> None:
    patient = np.random.default_rng(0).integers(5, size=60)
    assert (patient[other_patients(patient)] != patient).all()


def test_images_of_one_patient_have_no_other() -> None:
    with pytest.raises(InputError, match="at least 2 patients, found 3 of one"):
        other_patients(np.array(["a", "a", "a"]))
