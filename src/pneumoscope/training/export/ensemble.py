"""What ships: one graph that averages the members, with class activation map, embedding and guard distance."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

from pneumoscope.training.export.guard import Distance, GroupedGaussian
from pneumoscope.training.images import in_batches, unit
from pneumoscope.training.network import Network


class Seen(nn.Module):
    """One member's last feature maps; `mirrored` averages those of the image and of its mirror image, turned back.

    Logit, activation map and embedding are linear in the maps, so all of them are averages over both.
    """

    def __init__(self, network: Network, *, mirrored: bool) -> None:
        super().__init__()
        self.network, self.mirrored = network, mirrored

    def forward(self, images: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n c y x"]:
        """Return the feature maps before pooling."""
        maps = self.network.features(images)
        if self.mirrored:
            maps = (maps + self.network.features(images.flip(3)).flip(3)) / 2
        return maps


class Member(nn.Module):
    """One output of a network as logit and activation map, its embedding, its distance from training images."""

    def __init__(self, seen: Seen, gaussian: GroupedGaussian, *, output: int = 0) -> None:
        super().__init__()
        self.seen = seen
        head = seen.network.head
        self.weight = nn.Parameter(head.weight[output : output + 1].detach().clone())
        self.bias = nn.Parameter(head.bias[output : output + 1].detach().clone())
        self.distance = Distance(gaussian)

    def forward(self, images: Float[Tensor, "n 1 h w"]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return logit, activation map, embedding and distance; the map's mean is the logit."""
        maps = self.seen(images)
        embedding = maps.mean(dim=(2, 3))
        cam = functional.conv2d(maps, self.weight[:, :, None, None], self.bias)
        return embedding @ self.weight.T + self.bias, cam, embedding, self.distance(embedding)


class Ensemble(nn.Module):
    """Members together: logit and activation map a column a population, the mean of the members that learnt it.

    The embedding is the members' embeddings one after the other. Distances of members are in standard deviations of
    as many directions, so their mean square is again one: a guard over all, of a size that grows only with members.

    Args:
        members: In any order.
        columns: The places of the members that answer in each column; one column of all of them by default.
    """

    def __init__(self, members: Sequence[Member], columns: Sequence[Sequence[int]] = ()) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.columns = columns or [range(len(members))]

    def forward(self, images: Float[Tensor, "n 1 h w"]) -> tuple[Tensor, ...]:
        """Return `OUTPUTS` in order, then `MEMBER_OUTPUTS`; the mean of `cam` over the image is `logit`."""
        logits, cams, embeddings, distances = zip(*(member(images) for member in self.members), strict=True)
        finest = max((cam.shape[2:] for cam in cams), key=lambda shape: shape[0] * shape[1])
        resized = [_on_grid(cam, finest, logit) for cam, logit in zip(cams, logits, strict=True)]
        logit, cam, distance = torch.cat(logits, dim=1), torch.cat(resized, dim=1), torch.stack(distances, dim=1)
        return (
            torch.stack([logit[:, list(column)].mean(dim=1) for column in self.columns], dim=1),
            torch.stack([cam[:, list(column)].mean(dim=1) for column in self.columns], dim=1),
            torch.cat(embeddings, dim=1),
            distance.square().mean(dim=1).sqrt(),
            logit,
            cam,
            distance,
        )


class WithLungs(nn.Module):
    """An ensemble, and beside its outputs the probability of lying in a lung."""

    def __init__(self, ensemble: Ensemble, lungs: nn.Module) -> None:
        super().__init__()
        self.ensemble, self.lungs = ensemble, lungs

    def forward(self, images: Float[Tensor, "n 1 h w"]) -> tuple[Tensor, ...]:
        """Return the ensemble's outputs, then `LUNGS`."""
        return *self.ensemble(images), torch.sigmoid(self.lungs(images))


def _on_grid(cam: Float[Tensor, "n 1 y x"], shape: Sequence[int], logit: Float[Tensor, "n 1"]) -> Tensor:
    """Interpolate the map to another grid; this moves its mean, so set it back to the logit."""
    if tuple(cam.shape[2:]) == tuple(shape):
        return cam
    resized = functional.interpolate(cam, size=tuple(shape), mode="bilinear", align_corners=False)
    return resized + (logit - resized.mean(dim=(2, 3)))[:, :, None, None]


@torch.no_grad()
def embed(
    seen: Seen, images: UInt8[np.ndarray, "n size size"], *, precision: str = "32-true"
) -> Float[np.ndarray, "n features"]:
    """Return embeddings of prepared images, computed in the training precision; in float64 for the covariance."""
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed"):
        parts = [
            seen(unit(torch.from_numpy(part)[:, None]).to(memory_format=torch.channels_last)).mean(dim=(2, 3))
            for part in in_batches(images)
        ]
    return torch.cat(parts).double().numpy()
