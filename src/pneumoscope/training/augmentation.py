"""Random changes that a chest radiograph could have met on its way; on whole batches, in one interpolation.

What each change models and why it is safe for this finding: docs/explanation/augmentation.md.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from pneumoscope.training.config import Augmentation

# Classes of the pose head.
UPRIGHT, INVERTED = 0, 4
POSES = 5


def augment(
    images: Float[Tensor, "n 1 h w"], strength: Augmentation, *, size_px: int
) -> Float[Tensor, "n 1 size_px size_px"]:
    """Images in [-1, 1] after position, exposure, sharpness, noise and occlusion changes; each drawn per image."""
    return augment_pair(images, images[:, :, :1, :1], strength, size_px=size_px)[0]


def augment_pair(
    images: Float[Tensor, "n 1 h w"], places: Float[Tensor, "n 1 y x"], strength: Augmentation, *, size_px: int
) -> tuple[Float[Tensor, "n 1 size_px size_px"], Float[Tensor, "n 1 y x"]]:
    """As `augment`, and maps of the same field of view (boxes, masks; any grid) moved as their images were."""
    position = _draw_position(len(images), strength).to(images.device)
    moved, placed = _sample(images, position, (size_px, size_px)), _sample(places, position, places.shape[2:])
    exposed = _expose(moved, strength)
    blurred = _soften(exposed, strength.blur)
    noisy = blurred + strength.noise * _uniform(len(images), 0, 1) * torch.randn_like(blurred)
    return _occlude(noisy, strength.erase).clamp(-1, 1), placed


def turn(
    images: Float[Tensor, "n 1 size size"], share: float
) -> tuple[Float[Tensor, "n 1 size size"], Int[Tensor, " n"]]:
    """A share of the images turned by 90, 180 or 270 degrees or inverted, and each image's pose class."""
    pose = torch.where(torch.rand(len(images)) < share, torch.randint(1, POSES, (len(images),)), UPRIGHT)
    turned = images.clone()
    for index in torch.nonzero(pose).flatten().tolist():
        kind = int(pose[index])
        turned[index] = -images[index] if kind == INVERTED else torch.rot90(images[index], kind, (1, 2))
    return turned, pose


def _uniform(count: int, low: float, high: float) -> Float[Tensor, "n 1 1 1"]:
    return torch.empty(count, 1, 1, 1).uniform_(low, high)


def _draw_position(count: int, strength: Augmentation) -> Float[Tensor, "n 2 3"]:
    """Affine maps from the output's coordinates to the input's, both in [-1, 1]."""
    angle = _uniform(count, -1, 1).flatten() * math.radians(strength.rotation_degrees)
    zoom = torch.exp(_uniform(count, -1, 1).flatten() * strength.scale)
    aspect = torch.exp(_uniform(count, -1, 1).flatten() * strength.aspect)
    mirror = torch.where(torch.rand(count) < strength.flip, -1.0, 1.0)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0] = mirror * zoom * aspect * torch.cos(angle)
    theta[:, 0, 1] = -zoom * torch.sin(angle)
    theta[:, 1, 0] = mirror * zoom * torch.sin(angle)
    theta[:, 1, 1] = zoom / aspect * torch.cos(angle)
    theta[:, :, 2] = torch.empty(count, 2).uniform_(-1, 1) * strength.shift
    return theta


def _sample(
    images: Float[Tensor, "n 1 h w"], position: Float[Tensor, "n 2 3"], shape: Sequence[int]
) -> Float[Tensor, "n 1 y x"]:
    grid = functional.affine_grid(position, [len(images), 1, *shape], align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def _expose(images: Tensor, strength: Augmentation) -> Tensor:
    """Exposure and processing: a gamma curve, then gain and offset."""
    count = len(images)
    unit = (images + 1) / 2
    curved = unit.clamp(1e-4, 1) ** torch.exp(torch.randn(count, 1, 1, 1) * strength.gamma)
    gain = 1 + _uniform(count, -1, 1) * strength.contrast
    offset = _uniform(count, -1, 1) * strength.contrast / 2
    return (curved * 2 - 1) * gain + offset


def _soften(images: Tensor, share: float) -> Tensor:
    """Sharpness of other scanners and copies: some images resampled to a coarser grid and back, some sharpened."""
    changed = images.clone()
    chosen = torch.nonzero(torch.rand(len(images)) < share).flatten()
    if chosen.numel() == 0:
        return changed
    part = images[chosen]
    size = part.shape[-1]
    coarse = int(size * float(torch.empty(1).uniform_(0.45, 0.95)))
    small = functional.interpolate(part, size=(coarse, coarse), mode="bilinear", antialias=True)
    soft = functional.interpolate(small, size=(size, size), mode="bilinear")
    # Between fully softened (1) and sharpened by as much again (-0.7), image by image.
    changed[chosen] = part + (soft - part) * _uniform(len(part), -0.7, 1.0)
    return changed


def _occlude(images: Tensor, share: float) -> Tensor:
    """Markers, text and collimation: a rectangle near an edge set to one grey."""
    size = images.shape[-1]
    for index in torch.nonzero(torch.rand(len(images)) < share).flatten().tolist():
        long, short = (
            torch.randint(size // 10, size // 2, (1,)).item(),
            torch.randint(size // 30, size // 8, (1,)).item(),
        )
        height, width = (long, short) if torch.rand(1) < 0.5 else (short, long)
        top = 0 if torch.rand(1) < 0.5 else size - int(height)
        left = int(torch.randint(0, size - int(width), (1,)))
        if torch.rand(1) < 0.5:
            top, left = (
                int(torch.randint(0, size - int(height), (1,))),
                0 if torch.rand(1) < 0.5 else size - int(width),
            )
        images[index, :, top : top + int(height), left : left + int(width)] = float(torch.empty(1).uniform_(-1, 1))
    return images
