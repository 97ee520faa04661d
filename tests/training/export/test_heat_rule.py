from dataclasses import replace

import numpy as np
import pytest

from pneumoscope.training.export.heat_rule import FEWEST_BOXED, FEWEST_RIGHT_FLAGS, Validated, heat_rule

COUNT = 24
BOX = np.array([[0.0, 0.0, 0.5, 0.5]])
OTHER = np.array([[0.5, 0.5, 1.0, 1.0]])


def maps(*, right: float) -> np.ndarray:
    """Heat in the box of each image (they lie in two corners by turns), or in a third corner; that share is right."""
    cams = np.random.default_rng(0).normal(0, 0.1, (COUNT, 8, 8)).astype(np.float32)
    for index in range(COUNT):
        corner = (slice(0, 4), slice(0, 4)) if index % 2 == 0 else (slice(4, 8), slice(4, 8))
        place = corner if index < right * COUNT else (slice(0, 4), slice(4, 8))
        cams[index][place] += 3
    return cams


def seen(*, right: float, boxed: int = COUNT) -> Validated:
    lungs = np.zeros((COUNT, 56, 56), dtype=np.float32)
    lungs[:, :, :28] = 1
    return Validated(
        cams=maps(right=right),
        lungs=lungs,
        boxes=[(BOX if index % 2 == 0 else OTHER) if index < boxed else np.empty((0, 4)) for index in range(COUNT)],
        patient=np.array([f"p{index}" for index in range(COUNT)]),
        rightly_flagged=np.ones(COUNT, dtype=bool),
    )


def test_a_map_that_points_right_is_shown_and_the_numbers_said() -> None:
    rule = heat_rule(seen(right=1.0))
    assert rule.shown
    assert rule.why == (
        "on 24 validation images its hottest place lies in a radiologist's box in 100 %, by chance in 25 %"
    )


def test_a_map_that_points_wrong_or_no_better_than_chance_is_not_shown() -> None:
    assert not heat_rule(seen(right=0.0)).shown
    assert not heat_rule(seen(right=0.3)).shown


def test_a_map_that_is_the_same_for_every_image_is_not_shown_however_well_it_hits() -> None:
    one = seen(right=1.0)
    assert not heat_rule(replace(one, cams=np.repeat(one.cams[:1], COUNT, axis=0), boxes=[BOX] * COUNT)).shown


def test_the_map_of_the_same_patients_other_film_is_no_control() -> None:
    # Each patient has a film whose map is right and one whose map is wrong, where the former's would be right too.
    one, index = seen(right=1.0), np.arange(COUNT)
    wrong = np.roll(one.cams[0], 4, axis=1)  # in a third corner
    cams = np.stack([one.cams[i // 2] if i % 2 == 0 else wrong for i in index])
    pairs = replace(one, cams=cams, boxes=[one.boxes[i // 2] for i in index], patient=index // 2)
    assert heat_rule(pairs).shown


def test_boxes_on_films_of_one_patient_bear_nothing_out() -> None:
    rule = heat_rule(replace(seen(right=1.0), patient=np.full(COUNT, "p")))
    assert not rule.shown
    assert "all of one patient" in rule.why


@pytest.mark.parametrize(("boxed", "said"), [(0, "none"), (FEWEST_BOXED - 1, str(FEWEST_BOXED - 1))])
def test_without_boxes_nobody_can_say_and_it_is_not_shown(boxed: int, said: str) -> None:
    rule = heat_rule(seen(right=1.0, boxed=boxed))
    assert not rule.shown
    assert f"boxes to hold it against are on {said} of the validation images" in rule.why


def test_the_limit_is_what_nearly_all_right_flags_keep_to() -> None:
    one = seen(right=1.0)  # by turns in the lungs (left) and outside of them
    rule = heat_rule(one)
    assert rule.largest_outside == pytest.approx(1.0, abs=0.05)
    few = heat_rule(replace(one, rightly_flagged=np.arange(COUNT) < FEWEST_RIGHT_FLAGS - 1))
    assert few.largest_outside is None
    assert "9 rightly flagged" in few.rule
    same = replace(one, cams=np.repeat(one.cams[:1], COUNT, axis=0))
    assert heat_rule(same).largest_outside < 0.1
    assert "95% of 24 rightly flagged" in heat_rule(same).rule


def test_a_graph_without_lungs_has_no_limit() -> None:
    rule = heat_rule(replace(seen(right=1.0), lungs=None))
    assert rule.shown
    assert rule.largest_outside is None
