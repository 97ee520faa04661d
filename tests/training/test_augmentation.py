from dataclasses import replace

import pytest
import torch

from pneumoscope.training.augmentation import INVERTED, UPRIGHT, augment, augment_pair, turn
from pneumoscope.training.config import Augmentation, preset, read_config

NONE = Augmentation()


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def images(count: int = 6, size: int = 40) -> torch.Tensor:
    ramp = torch.linspace(-0.8, 0.8, size)
    return (ramp[None, :] * torch.linspace(0.2, 1, size)[:, None]).repeat(count, 1, 1, 1)


def test_all_strengths_at_zero_change_nothing() -> None:
    torch.testing.assert_close(augment(images(), NONE, size_px=40), images(), atol=1e-3, rtol=0)


def test_the_full_recipe_stays_in_range_and_differs_between_images() -> None:
    strength = read_config(preset("default")).augmentation
    out = augment(images(), strength, size_px=32)
    assert out.shape == (6, 1, 32, 32)
    assert out.abs().max() <= 1
    assert (out[0] - out[1]).abs().mean() > 0.01


def test_a_certain_flip_mirrors_left_and_right_and_nothing_else() -> None:
    flipped = augment(images(), replace(NONE, flip=1.0), size_px=40)
    torch.testing.assert_close(flipped, images().flip(3), atol=1e-3, rtol=0)


def test_maps_move_with_their_image() -> None:
    strength = Augmentation(rotation_degrees=20, scale=0.2, aspect=0.1, shift=0.1, tube_angle=0.15, flip=0.5)
    spots = torch.zeros(8, 1, 40, 40)
    spots[:, :, 12:20, 22:34] = 1
    moved, placed = augment_pair(spots * 2 - 1, spots, strength, size_px=40)
    torch.testing.assert_close((moved + 1) / 2, placed, atol=1e-3, rtol=0)
    assert (placed[0] - placed[1]).abs().max() > 0.5


def test_a_tilted_tube_magnifies_one_side_more_than_the_other() -> None:
    bars = torch.zeros(40, 1, 64, 64)
    bars[:, :, 10:14], bars[:, :, 50:54] = 1, 1  # equally far from the middle, equally thick
    moved, _ = augment_pair(bars, bars, Augmentation(tube_angle=0.2), size_px=64)
    above, below = moved[:, 0, :32].sum(dim=(1, 2)), moved[:, 0, 32:].sum(dim=(1, 2))
    assert ((above / below - 1).abs() > 0.1).float().mean() > 0.5


def test_collimation_darkens_edges_and_leaves_the_middle() -> None:
    out = augment(torch.full((30, 1, 64, 64), 0.2), Augmentation(collimation=1.0), size_px=64)
    torch.testing.assert_close(out[..., 8:56, 8:56], torch.full((30, 1, 48, 48), 0.2), atol=1e-5, rtol=0)
    dark = out < -0.7
    assert dark.any(dim=(1, 2, 3)).float().mean() > 0.9


def test_a_marker_is_small_bright_and_in_an_upper_corner() -> None:
    out = augment(torch.full((30, 1, 64, 64), 0.2), Augmentation(marker=1.0), size_px=64)
    bright = out > 0.4
    assert bright.any(dim=(1, 2, 3)).all()
    assert bright.float().mean() < 0.02
    assert not bright[:, :, 24:].any()


def test_each_turned_image_is_what_its_pose_says() -> None:
    original = images(200, 12)
    turned, pose = turn(original, 0.5)
    assert 60 < int((pose != UPRIGHT).sum()) < 140
    for before, after, kind in zip(original, turned, pose.tolist(), strict=True):
        expected = -before if kind == INVERTED else torch.rot90(before, kind, (1, 2))
        torch.testing.assert_close(after, expected)
