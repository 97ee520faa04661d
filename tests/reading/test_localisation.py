import numpy as np
import pytest

from pneumoscope.core import InputError
from pneumoscope.reading import Marks, agreement, box_mask, free_response, marks

RIGHT_LOWER = np.array([[0.5, 0.5, 1.0, 1.0]])


def hot_at(row: int, column: int, *, size: int = 7) -> np.ndarray:
    cam = np.zeros((size, size))
    cam[row, column] = 5.0
    return cam


def test_heat_whose_peak_lies_in_a_box_hits_it() -> None:
    assert agreement(hot_at(5, 5), RIGHT_LOWER).hit
    assert not agreement(hot_at(1, 5), RIGHT_LOWER).hit


def test_the_chance_of_a_random_hit_is_the_share_that_boxes_cover() -> None:
    assert agreement(hot_at(5, 5), RIGHT_LOWER).covered == pytest.approx(0.25)


def test_heat_that_fills_its_box_overlaps_it_wholly_and_heat_elsewhere_not_at_all() -> None:
    cam = np.zeros((8, 8))
    cam[4:, 4:] = 1.0
    assert agreement(cam, RIGHT_LOWER).overlap > 0.95
    assert agreement(cam[::-1, ::-1], RIGHT_LOWER).overlap == 0.0


def test_the_overlap_does_not_depend_on_the_scale_of_the_heat() -> None:
    cam = np.random.default_rng(1).normal(size=(7, 7))
    assert agreement(cam, RIGHT_LOWER).overlap == agreement(100 * cam + 7, RIGHT_LOWER).overlap


def test_random_heat_hits_as_often_as_chance_says() -> None:
    rng = np.random.default_rng(2)
    found = [agreement(rng.normal(size=(7, 7)), RIGHT_LOWER).hit for _ in range(800)]
    assert np.mean(found) == pytest.approx(0.25, abs=0.05)


def test_boxes_that_cover_nothing_or_everything_are_no_question() -> None:
    for boxes in (np.empty((0, 4)), np.array([[0.0, 0.0, 1.0, 1.0]])):
        with pytest.raises(InputError, match="cover part"):
            agreement(hot_at(1, 1), boxes)


def test_overlapping_boxes_are_counted_once() -> None:
    assert box_mask(np.concatenate([RIGHT_LOWER, RIGHT_LOWER])).mean() == pytest.approx(0.25)


def test_marks_are_the_local_maxima_hottest_first() -> None:
    cam = hot_at(1, 1) + 0.5 * hot_at(5, 5)
    found = marks(cam, RIGHT_LOWER)
    assert found.scores.tolist() == [5.0, 2.5]
    assert found.box.tolist() == [-1.0, 0.0]


def test_equal_neighbours_that_are_a_maximum_are_one_mark_at_the_first_of_them() -> None:
    cam = hot_at(1, 1)
    cam[1, 2] = cam[2, 3] = 5.0  # a plateau of three
    cam[5, 5], cam[5, 6] = 5.0, 6.0  # a shoulder and its peak
    found = marks(cam, np.array([[1 / 7, 1 / 7, 2 / 7, 2 / 7]]))
    assert found.scores.tolist() == [6.0, 5.0]
    assert found.box.tolist() == [-1.0, 0.0]


def test_a_plateau_whose_far_end_touches_higher_heat_is_no_mark() -> None:
    cam = np.zeros((7, 7))
    cam[3, :4], cam[3, 4] = 1.0, 2.0
    assert marks(cam, RIGHT_LOWER).scores.tolist() == [2.0]


def test_a_flat_map_has_no_mark() -> None:
    assert marks(np.ones((7, 7)), RIGHT_LOWER).scores.size == 0


def test_marks_of_maps_with_many_ties_are_their_plateaus_without_a_higher_neighbour() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        cam = rng.integers(4, size=(7, 7)).astype(float)
        expected = []
        unseen = {(y, x) for y in range(7) for x in range(7)}
        while unseen:  # flood each plateau, and look at its rim
            plateau, open_, rim = set(), [min(unseen)], set()
            while open_:
                y, x = open_.pop()
                plateau.add((y, x))
                near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & set(np.ndindex(7, 7))
                same = {one for one in near if cam[one] == cam[y, x]}
                rim |= {cam[one] for one in near - same}
                open_ += same - plateau
            value = cam[min(plateau)]
            expected += [value] if rim and max(rim) < value else []
            unseen -= plateau
        assert marks(cam, RIGHT_LOWER).scores.tolist() == sorted(expected, reverse=True)


def test_a_mark_in_two_boxes_belongs_to_the_smaller() -> None:
    boxes = np.array([[0.0, 0.0, 1.0, 1.0], [0.5, 0.5, 1.0, 1.0]])
    assert marks(hot_at(5, 5), boxes).box.tolist() == [1.0]


def test_free_response_by_hand() -> None:
    # Two images, three boxes. By score: 9 hits, 8 is false, 7 hits, 6 is false, 5 hits.
    first = Marks(scores=np.array([9.0, 8.0, 7.0]), box=np.array([0.0, -1.0, 1.0]))
    second = Marks(scores=np.array([6.0, 5.0]), box=np.array([-1.0, 0.0]))
    shares = [free_response([first, second], boxes=3, false_marks_per_image=rate) for rate in (0.0, 0.5, 1.0)]
    assert shares == pytest.approx([1 / 3, 2 / 3, 1.0])


def test_two_marks_in_one_box_find_it_once() -> None:
    image = Marks(scores=np.array([3.0, 2.0]), box=np.array([0.0, 0.0]))
    assert free_response([image], boxes=1, false_marks_per_image=1.0) == 1.0


def test_free_response_without_a_box_is_undefined() -> None:
    with pytest.raises(InputError, match="boxes"):
        free_response([], boxes=0, false_marks_per_image=1.0)
