"""What a step teaches."""

import torch

from pneumoscope.training.lesson import PLACE_LOGIT, box_loss


def test_boxes_raise_the_activation_map_inside_and_lower_it_outside_and_leave_unread_images_alone() -> None:
    maps = torch.full((2, 4, 4), PLACE_LOGIT, requires_grad=True)
    boxes = torch.zeros(2, 8, 8)
    boxes[0, :4, :4] = 1
    boxes[1] = torch.nan
    box_loss(maps, boxes).backward()
    assert maps.grad is not None
    assert (maps.grad[0, :2, :2] < 0).all()
    assert (maps.grad[0, 2:] > 0).all()
    assert (maps.grad[0, :, 2:] > 0).all()
    assert (maps.grad[1] == 0).all()


def test_a_place_half_in_a_box_is_drawn_to_the_logit_of_an_even_chance() -> None:
    maps = torch.full((1, 1, 1), PLACE_LOGIT, requires_grad=True)
    half = torch.zeros(1, 2, 2)
    half[0, 0] = 1
    box_loss(maps, half).backward()
    assert maps.grad is not None
    torch.testing.assert_close(maps.grad, torch.zeros(1, 1, 1))
