import pytest
import torch
from torch.nn import functional

from pneumoscope.training.losses import masked_bce


def test_what_is_not_labelled_does_not_count() -> None:
    logits, targets = torch.tensor([[0.3, 5.0], [-1.0, 2.0]]), torch.tensor([[1.0, torch.nan], [0.0, 1.0]])
    expected = functional.binary_cross_entropy_with_logits(torch.tensor([0.3, -1.0, 2.0]), torch.tensor([1.0, 0, 1]))
    torch.testing.assert_close(masked_bce(logits, targets), expected)


def test_nothing_labelled_gives_no_loss_and_no_gradient() -> None:
    logits = torch.ones(3, requires_grad=True)
    loss = masked_bce(logits, torch.full((3,), torch.nan))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert logits.grad.abs().sum() == pytest.approx(0)
