import numpy as np
import onnx
import pytest
import torch
from torch import nn

from pneumoscope.training.export.ensemble import Ensemble, Member, Seen, embed
from pneumoscope.training.export.export import to_onnx
from pneumoscope.training.export.guard import fit_gaussian
from pneumoscope.training.network import Network


def member(seed: int, *, backbone: str = "test_resnet", mirrored: bool = False) -> Member:
    torch.manual_seed(seed)
    seen = Seen(Network(backbone, dropout=0.0), mirrored=mirrored).eval()
    images = np.random.default_rng(seed).integers(0, 256, (40, 64, 64), dtype=np.uint8)
    return Member(seen, fit_gaussian(embed(seen, images), np.zeros(40))).eval()


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(3, 1, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1


@torch.no_grad()
def test_the_logit_is_the_mean_of_the_members_logits_and_of_the_map(images: torch.Tensor) -> None:
    members = [member(1), member(2), member(3)]
    logit, cam, embedding, distance, *single = Ensemble(members).eval()(images)
    torch.testing.assert_close(logit, torch.stack([one(images)[0] for one in members]).mean(dim=0))
    torch.testing.assert_close(cam.mean(dim=(2, 3)), logit, atol=1e-5, rtol=1e-5)
    assert embedding.shape[1] == sum(one(images)[2].shape[1] for one in members)
    assert distance.shape == (3,)
    for place, name in ((0, "logit"), (1, "cam")):
        alone = torch.cat([one(images)[place] for one in members], dim=1)
        torch.testing.assert_close(single[place], alone, msg=f"member_{name}")
    torch.testing.assert_close(single[2].square().mean(dim=1).sqrt(), distance)


@torch.no_grad()
def test_one_member_answers_as_it_does_alone(images: torch.Tensor) -> None:
    one = member(1)
    for together, alone in zip(Ensemble([one]).eval()(images)[:4], one(images), strict=True):
        torch.testing.assert_close(together, alone)


@torch.no_grad()
def test_maps_of_different_grids_meet_on_the_finest_and_keep_the_logit(images: torch.Tensor) -> None:
    coarse, fine = member(1), member(2)
    stride = fine.seen.network.backbone.maxpool
    fine.seen.network.backbone.maxpool = torch.nn.Identity()
    assert stride is not fine.seen.network.backbone.maxpool
    logit, cam, *_ = Ensemble([coarse, fine]).eval()(images)
    assert cam.shape == fine(images)[1].shape != coarse(images)[1].shape
    torch.testing.assert_close(cam.mean(dim=(2, 3)), logit, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_a_mirrored_member_does_not_care_for_left_and_right(images: torch.Tensor) -> None:
    one = member(1, mirrored=True)
    logit, cam, embedding, _ = one(images)
    turned = one(images.flip(3))
    torch.testing.assert_close(turned[0], logit, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(turned[1].flip(3), cam, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(turned[2], embedding, atol=1e-5, rtol=1e-4)
    plain = member(1)
    assert (plain(images)[0] - plain(images.flip(3))[0]).abs().max() > 1e-4


def test_layers_that_members_share_are_computed_once_in_the_exported_graph() -> None:
    one, other = member(1), member(2)
    apart = _convolutions(Ensemble([one, other]))
    first, second = one.seen.network.backbone, other.seen.network.backbone
    for name in ("conv1", "bn1", "layer1"):
        getattr(second, name).load_state_dict(getattr(first, name).state_dict())
    shared = [layer for part in (first.conv1, first.layer1) for layer in part.modules() if isinstance(layer, nn.Conv2d)]
    assert _convolutions(Ensemble([one, other])) == apart - len(shared) < apart


def _convolutions(ensemble: Ensemble) -> int:
    graph = onnx.load_from_string(to_onnx(ensemble.eval(), 64)).graph
    return sum(node.op_type == "Conv" for node in graph.node)
