import numpy as np
import pytest

from synthetic_studies.grid import Grid, ball, hollow_rod, plane, plate, rod, smooth_curve, step, union


@pytest.fixture
def grid():
    return plane(size_px=200, width_cm=20)


def test_the_plane_is_centred_across_and_starts_at_its_top(grid):
    assert grid.pixel_cm == 0.1
    assert grid.x_cm[0, 0] == pytest.approx(-9.95)
    assert grid.x_cm[0, -1] == pytest.approx(9.95)
    assert grid.y_cm[0, 0] == pytest.approx(0.05)


def test_rows_finds_those_that_show_a_height_and_none_where_there_is_none(grid):
    part, seen = grid.rows(5, 7)
    assert (part.start, part.stop) == (50, 70)
    assert seen.y_cm.min() >= 5
    assert grid.rows(30, 31)[1].x_cm.size == 0


def test_a_sphere_has_its_volume(grid):
    volume = ball(grid, centre_cm=(0, 10), radii_cm=(4, 4), depth_cm=8).sum() * grid.pixel_cm**2
    assert volume == pytest.approx(4 / 3 * np.pi * 4**3, rel=1e-3)


def test_a_rod_has_the_volume_of_a_cylinder_with_two_half_spheres(grid):
    volume = rod(grid, ends_cm=((0, 5), (0, 15)), radii_cm=(2, 2)).sum() * grid.pixel_cm**2
    assert volume == pytest.approx(np.pi * 2**2 * 10 + 4 / 3 * np.pi * 2**3, rel=2e-3)


def test_a_hollow_rod_is_thinner_in_its_middle_than_at_its_wall(grid):
    across = hollow_rod(grid, ends_cm=((0, 2), (0, 18)), radii_cm=(2, 2), cortex=0.3)[100]
    assert across[100] < across[116]


def test_a_plate_has_its_area_and_place(grid):
    square = plate(grid, ((-2, 4), (2, 4), (2, 8), (-2, 8)))
    assert square.sum() * grid.pixel_cm**2 == pytest.approx(16, rel=0.05)
    assert (grid.y_cm * square).sum() / square.sum() == pytest.approx(6, abs=0.1)


def test_a_union_is_the_longer_ray_where_one_is_much_longer_and_more_where_they_are_alike():
    one, other = np.full((1, 2), 8.0, np.float32), np.array([[1.0, 8.0]], np.float32)
    assert union(one, other)[0] == pytest.approx([8.0, 8 * 2 ** (1 / 5)], rel=1e-4)


def test_a_smooth_curve_passes_its_knots_and_stays_constant_beyond_them():
    curve = smooth_curve((0, 1), (2, 5), (3, 4))
    assert curve(np.array([-1, 0, 2, 3, 9], np.float32)) == pytest.approx([1, 1, 5, 4, 4], abs=0.01)


def test_a_step_goes_from_nought_to_one_and_backwards_where_its_ends_are_exchanged():
    at = np.array([[0, 1, 1.5, 2, 3]], np.float32)
    assert step(at, start=1, end=2).tolist() == [[0, 0, 0.5, 1, 1]]
    assert step(at, start=2, end=1).tolist() == [[1, 1, 0.5, 0, 0]]


def test_mirroring_exchanges_left_and_right(grid):
    there = ball(grid, centre_cm=(5, 10), radii_cm=(2, 2), depth_cm=1)
    assert np.allclose(ball(grid.mirrored(), centre_cm=(5, 10), radii_cm=(2, 2), depth_cm=1), there[:, ::-1], atol=1e-3)
    assert isinstance(grid.mirrored(), Grid)
