import numpy as np
import pandas as pd
import pytest

from pneumoscope.evaluation import NotEstimable, Number
from pneumoscope.training.evaluation.localisation import COLUMNS, localisation_evidence
from pneumoscope.training.radiologists import boxes_seen

CORNER = np.array([[0.5, 0.5, 1.0, 1.0]])
NOTHING = np.empty((0, 4))


def cams(*hot: tuple[int, int]) -> np.ndarray:
    maps = np.zeros((len(hot), 7, 7), dtype=np.float32)
    for index, (row, column) in enumerate(hot):
        maps[index, row, column] = 1.0
    return maps


def rows(read: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"patient_id": ["a", "b", "c", "d"], "rsna_opacity": read})


def test_boxes_are_told_in_shares_of_the_part_that_the_model_sees_and_cut_off_at_its_edge() -> None:
    table = pd.DataFrame(
        {"image_id": ["one", "one"], "left": [0.5, 0.0], "top": [0.5, 0.0], "width": [0.5, 0.1], "height": [0.25, 0.1]}
    )
    crops = np.array([[0.5, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]])
    seen, none = boxes_seen(table, pd.Series(["one", "two"]), crops)
    assert seen.tolist() == [[0.5, 0.0, 1.0, 0.5]]
    assert len(none) == 0


def test_heat_in_the_boxes_is_told_from_heat_elsewhere() -> None:
    numbers, columns = localisation_evidence(
        rows([1.0, 1.0, 1.0, 0.0]),
        cams=cams((5, 5), (5, 5), (1, 1), (1, 1)),
        boxes=[CORNER, CORNER, CORNER, NOTHING],
    )
    assert not isinstance(numbers, NotEstimable)
    assert isinstance(numbers["pointing"], Number)
    assert (numbers["pointing"].value, numbers["pointing"].n) == (pytest.approx(2 / 3), 3)
    assert numbers["pointing_by_chance"].value == pytest.approx(0.25)
    # At no more than one false mark an image both boxes that were hit count, and the one that was not does not.
    assert numbers["free_response_per_100_images"]["100"].value == pytest.approx(2 / 3)
    assert columns["pointing_hit"].tolist()[:3] == [1.0, 1.0, 0.0]
    assert columns.loc[3, list(COLUMNS)].isna().all()


def test_the_control_of_overlap_is_the_map_of_another_patient() -> None:
    films = rows([1.0] * 4).assign(patient_id=["a", "a", "b", "b"])
    hot = cams((5, 5), (5, 5), (1, 1), (1, 1))
    _, columns = localisation_evidence(films, cams=hot, boxes=[CORNER] * 4)
    own, other = columns["box_overlap"].to_numpy(), columns["swapped_overlap"].to_numpy()
    np.testing.assert_array_equal(other, own[[2, 2, 0, 0]])
    assert own[0] > own[2]


def test_a_single_boxed_image_is_too_few_to_say() -> None:
    numbers, columns = localisation_evidence(
        rows([1.0, 0.0, 0.0, np.nan]),
        cams=cams((5, 5), (1, 1), (1, 1), (1, 1)),
        boxes=[CORNER, NOTHING, NOTHING, NOTHING],
    )
    assert isinstance(numbers, NotEstimable)
    assert columns.isna().all(axis=None)
