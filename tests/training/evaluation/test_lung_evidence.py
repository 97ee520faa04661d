from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pneumoscope.evaluation import NotEstimable
from pneumoscope.model import Card, HeatRule, load, shipped_path
from pneumoscope.training.evaluation.lungs import LUNG_COLUMNS, lung_evidence

IN_LUNG, OUTSIDE = (3, 1), (3, 5)
LUNGS = np.zeros((6, 56, 56), dtype=np.float32)
LUNGS[:, :, :24] = 1
NO_BOXES = [np.empty((0, 4))] * 6


@pytest.fixture(scope="module")
def card() -> Card:
    card = load(shipped_path()).card
    rule = HeatRule(shown=True, why="test", largest_outside=0.5, rule="test")
    return replace(card, rules={name: replace(one, heat=rule) for name, one in card.rules.items()})


@pytest.fixture
def rows() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "patient_id": list("aabcde"),
            "population": ["adults"] * 6,
            "Pneumonia": [1.0, 1.0, 1.0, 0.0, 0.0, 0.0],
            "prob_Pneumonia": [0.99, 0.99, 0.99, 0.99, 0.99, 0.0],
        }
    )


def cams(*hot: tuple[int, int]) -> np.ndarray:
    maps = np.zeros((len(hot), 7, 7), dtype=np.float32)
    for index, place in enumerate(hot):
        maps[index][place] = 1.0
    return maps


def test_heat_outside_is_told_apart_for_right_and_wrong_flags(card: Card, rows: pd.DataFrame) -> None:
    hot = cams(IN_LUNG, IN_LUNG, IN_LUNG, OUTSIDE, OUTSIDE, OUTSIDE)
    numbers, columns = lung_evidence(card, rows, cams=hot, lungs=LUNGS, masks=[None] * 6, boxes=NO_BOXES)
    assert numbers["heat_outside"].value == pytest.approx(0.5, abs=0.05)
    assert numbers["heat_outside_of_right_flags"].value < 0.05
    assert (numbers["heat_outside_of_wrong_flags"].value, numbers["heat_outside_of_wrong_flags"].n) == (
        pytest.approx(1.0, abs=0.05),
        2,
    )
    assert (numbers["right_flags_made_uncertain"].value, numbers["wrong_flags_made_uncertain"].value) == (0.0, 1.0)
    # Three right flags of two patients, two wrong ones of two: none, or all, of so few excludes little.
    assert numbers["right_flags_made_uncertain"].high > 0.7
    assert numbers["wrong_flags_made_uncertain"].low == pytest.approx(0.025**0.5)
    # The lungs' margin of three places leaves 56 - 24 - 3 columns outside.
    assert numbers["area_outside"].value == pytest.approx(29 / 56)
    assert isinstance(numbers["dice"], NotEstimable)
    assert columns["heat_outside_lungs"].round(1).tolist() == [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]


def test_dice_is_of_the_images_whose_lungs_are_known(card: Card, rows: pd.DataFrame) -> None:
    known = np.zeros((112, 112), dtype=bool)
    known[:, :48] = True
    masks = [known, None, known, ~known, None, None]
    numbers, columns = lung_evidence(card, rows, cams=cams(*[IN_LUNG] * 6), lungs=LUNGS, masks=masks, boxes=NO_BOXES)
    assert (numbers["dice"].value, numbers["dice"].n) == (pytest.approx(2 / 3, abs=0.02), 3)
    assert columns["lung_dice"].notna().tolist() == [True, False, True, True, False, False]


def test_the_boxes_share_in_the_lungs_is_of_their_area(card: Card, rows: pd.DataFrame) -> None:
    # The lungs reach to column 27 of 56: half of a box across the whole image, none of one in its right half.
    wide, right = np.array([[0.0, 0.2, 54 / 56, 0.4]]), np.array([[0.5, 0.2, 1.0, 0.4]])
    boxes = [wide, NO_BOXES[0], right, *NO_BOXES[3:]]
    numbers, columns = lung_evidence(card, rows, cams=cams(*[IN_LUNG] * 6), lungs=LUNGS, masks=[None] * 6, boxes=boxes)
    assert columns.loc[[0, 2], "boxes_in_lungs"].tolist() == pytest.approx([0.5, 0.0], abs=0.04)
    assert columns["boxes_in_lungs"].isna().tolist() == [False, True, False, True, True, True]
    assert (numbers["boxes_inside"].value, numbers["boxes_inside"].n) == (pytest.approx(0.25, abs=0.02), 2)


def test_a_model_without_lungs_says_so_and_keeps_every_key(card: Card, rows: pd.DataFrame) -> None:
    unlimited = replace(
        card, rules={name: replace(one, heat=HeatRule(shown=False, why="x")) for name, one in card.rules.items()}
    )
    hot = cams(*[IN_LUNG] * 6)
    numbers, columns = lung_evidence(unlimited, rows, cams=hot, lungs=None, masks=[None] * 6, boxes=NO_BOXES)
    with_lungs, _ = lung_evidence(card, rows, cams=hot, lungs=LUNGS, masks=[None] * 6, boxes=NO_BOXES)
    assert numbers.keys() == with_lungs.keys()
    assert all(isinstance(node, NotEstimable) for name, node in numbers.items() if name != "rules")
    assert numbers["rules"]["adults"]["shown"] is False
    assert columns[list(LUNG_COLUMNS)].isna().all(axis=None)
