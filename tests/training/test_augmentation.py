from dataclasses import fields

import pytest
import torch

from pneumoscope.training.augmentation import INVERTED, UPRIGHT, augment, turn
from pneumoscope.training.config import Augmentation, preset, read_config

NONE = Augmentation(**{field.name: 0.0 for field in fields(Augmentation)})


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
    flipped = augment(images(), Augmentation(**{**_table(NONE), "flip": 1.0}), size_px=40)
    torch.testing.assert_close(flipped, images().flip(3), atol=1e-3, rtol=0)


def test_each_turned_image_is_what_its_pose_says() -> None:
    original = images(200, 12)
    turned, pose = turn(original, 0.5)
    assert 60 < int((pose != UPRIGHT).sum()) < 140
    for before, after, kind in zip(original, turned, pose.tolist(), strict=True):
        expected = -before if kind == INVERTED else torch.rot90(before, kind, (1, 2))
        torch.testing.assert_close(after, expected)


def _table(strength: Augmentation) -> dict[str, float]:
    return {field.name: getattr(strength, field.name) for field in fields(Augmentation)}
