import numpy as np
import pytest
import torch
from torch.nn import functional
from torchvision.ops import sigmoid_focal_loss

from pneumoscope.training.config import Criterion
from pneumoscope.training.losses import Loss, element_loss, masked_bce, positive_shares, smooth

HALF = torch.tensor([0.5])


def element(kind: str, logit: float, target: float, **settings: float) -> float:
    logits, targets = torch.tensor([[logit]]), torch.tensor([[target]])
    return float(element_loss(logits, targets, Criterion(kind=kind, **settings), positives=torch.tensor([0.2])))


def test_what_is_not_labelled_does_not_count() -> None:
    logits, targets = torch.tensor([[0.3, 5.0], [-1.0, 2.0]]), torch.tensor([[1.0, torch.nan], [0.0, 1.0]])
    expected = functional.binary_cross_entropy_with_logits(torch.tensor([0.3, -1.0, 2.0]), torch.tensor([1.0, 0, 1]))
    torch.testing.assert_close(masked_bce(logits, targets), expected)
    torch.testing.assert_close(Loss(Criterion(), torch.tensor([0.5, 0.5]))(logits, targets), expected)


def test_nothing_labelled_gives_no_loss_and_no_gradient() -> None:
    logits = torch.ones(3, requires_grad=True)
    loss = masked_bce(logits, torch.full((3,), torch.nan))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert logits.grad.abs().sum() == pytest.approx(0)


def test_the_weighted_loss_gives_each_class_the_share_of_the_other() -> None:
    # 20 % positives: a positive weighs 0.8, a negative 0.2 (arXiv 1711.05225, equation 1); at logit 0 both lose log 2.
    assert element("weighted_bce", 0.0, 1.0) == pytest.approx(0.8 * np.log(2))
    assert element("weighted_bce", 0.0, 0.0) == pytest.approx(0.2 * np.log(2))


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_the_focal_loss_is_torchvisions(target: float) -> None:
    expected = sigmoid_focal_loss(torch.tensor([0.7]), torch.tensor([target]), alpha=-1, gamma=2.0)
    assert element("focal", 0.7, target, gamma=2.0) == pytest.approx(float(expected), rel=1e-5)


def test_the_asymmetric_loss_forgets_negatives_below_its_margin_and_is_plain_without_focus() -> None:
    assert element("asymmetric", -5.0, 0.0) == 0
    plain = element("asymmetric", 0.7, 0.0, gamma=0.0, gamma_negative=0.0, margin=0.0)
    assert plain == pytest.approx(element("bce", 0.7, 0.0), rel=1e-5)
    # By hand at logit 0, margin 0.1, exponent 2: p = 0.4, -log(0.6) * 0.16.
    found = element("asymmetric", 0.0, 0.0, gamma_negative=2.0, margin=0.1)
    assert found == pytest.approx(-np.log(0.6) * 0.16, rel=1e-5)


def test_smoothing_by_label_noise_gives_the_chance_of_the_finding_and_leaves_the_unlabelled() -> None:
    # Of NIH's positives 55 % are wrong, of its negatives 10 %.
    noisy = Criterion(false_positives=0.55, false_negatives=0.1)
    found = smooth(torch.tensor([1.0, 0.0, torch.nan]), noisy)
    torch.testing.assert_close(found, torch.tensor([0.45, 0.1, torch.nan]), equal_nan=True)


def test_the_share_of_positives_counts_labelled_rows_only() -> None:
    shares = positive_shares(np.array([[1.0, np.nan], [0.0, np.nan], [np.nan, np.nan], [0.0, np.nan]]))
    torch.testing.assert_close(shares, torch.tensor([1 / 3, 0.5]))
