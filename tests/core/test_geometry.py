"""Every way an image can lie, and the way back."""

import itertools

import numpy as np
import pytest

from pneumoscope.core import Geometry

WAYS = list(itertools.product((False, True), repeat=3))


@pytest.mark.parametrize(("transposed", "mirrored", "inverted"), WAYS)
def test_points_go_where_their_pixels_go_and_come_back(transposed: bool, mirrored: bool, inverted: bool) -> None:
    stored = np.arange(12).reshape(3, 4)
    geometry = Geometry(
        stored_shape=(3, 4),
        shape=(4, 3) if transposed else (3, 4),
        transposed=transposed,
        mirrored=mirrored,
        inverted=inverted,
    )
    upright = geometry.turn(stored)
    assert upright.shape == geometry.shape
    centres = np.array([(column + 0.5, row + 0.5) for row in range(3) for column in range(4)])
    placed = geometry.to_upright(centres)
    found = [upright[int(y), int(x)] for x, y in placed]
    assert found == stored.ravel().tolist()
    assert geometry.to_stored(placed) == pytest.approx(centres)


@pytest.mark.parametrize(("transposed", "mirrored", "inverted"), WAYS)
def test_the_same_is_said_as_a_rotation_and_a_flip(transposed: bool, mirrored: bool, inverted: bool) -> None:
    """PS3.3 C.10.6: the image is rotated clockwise, then flipped from left to right."""
    stored = np.arange(12).reshape(3, 4)
    geometry = Geometry(stored_shape=(3, 4), shape=(3, 4), transposed=transposed, mirrored=mirrored, inverted=inverted)
    degrees, flipped = geometry.rotation_and_flip
    shown = np.rot90(stored, -degrees // 90)
    assert (geometry.turn(stored) == (shown[:, ::-1] if flipped else shown)).all()


def test_stretched_pixels_keep_their_place() -> None:
    geometry = Geometry(stored_shape=(10, 20), shape=(20, 20), pixel_aspect=(2, 1))
    assert geometry.to_upright(np.array([[5.0, 5.0]])).tolist() == [[5, 10]]
    assert geometry.to_stored(np.array([[5.0, 10.0]])).tolist() == [[5, 5]]
    assert not geometry.is_turned
    assert not geometry.is_unchanged
    assert Geometry.unchanged((4, 5)).is_unchanged
