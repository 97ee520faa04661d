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
    """Change position, exposure, sharpness, noise and occlusion of images in [-1, 1]; draw anew for each image."""
    return augment_pair(images, images[:, :, :1, :1], strength, size_px=size_px)[0]


def augment_pair(
    images: Float[Tensor, "n 1 h w"], places: Float[Tensor, "n 1 y x"], strength: Augmentation, *, size_px: int
) -> tuple[Float[Tensor, "n 1 size_px size_px"], Float[Tensor, "n 1 y x"]]:
    """Change images as `augment` does, and move maps of the same field of view (boxes, masks; any grid) with them."""
    position = _draw_position(len(images), strength).to(images.device)
    moved, placed = _sample(images, position, (size_px, size_px)), _sample(places, position, places.shape[2:])
    blurred = _soften(_expose(moved, strength), strength.blur)
    noisy = blurred + strength.noise * _uniform(blurred, 0, 1) * torch.randn_like(blurred)
    marked = _mark(_collimate(noisy, strength.collimation), strength.marker)
    return _occlude(marked, strength.erase).clamp(-1, 1), placed


def turn(
    images: Float[Tensor, "n 1 size size"], share: float
) -> tuple[Float[Tensor, "n 1 size size"], Int[Tensor, " n"]]:
    """Turn a share of the images by 90, 180 or 270 degrees or invert them; return all, and each one's pose class."""
    pose = torch.where(torch.rand(len(images)) < share, torch.randint(1, POSES, (len(images),)), UPRIGHT)
    turned = images.clone()
    for index in torch.nonzero(pose).flatten().tolist():
        kind = int(pose[index])
        turned[index] = -images[index] if kind == INVERTED else torch.rot90(images[index], kind, (1, 2))
    return turned, pose.to(images.device)


def _uniform(images: Tensor, low: float, high: float) -> Float[Tensor, "n 1 1 1"]:
    """Draw a number for each image; on the CPU, so that a run on a GPU draws the same."""
    return torch.empty(len(images), 1, 1, 1).uniform_(low, high).to(images.device)


def _draw_position(count: int, strength: Augmentation) -> Float[Tensor, "n 3 3"]:
    """Draw projective maps from the output's coordinates to the input's, both in [-1, 1] and homogeneous.

    The last row is the tube's angle: a beam that is not square to the detector magnifies one side more than the
    other (a keystone).
    """
    angle = torch.empty(count).uniform_(-1, 1) * math.radians(strength.rotation_degrees)
    zoom = torch.exp(torch.empty(count).uniform_(-1, 1) * strength.scale)
    aspect = torch.exp(torch.empty(count).uniform_(-1, 1) * strength.aspect)
    mirror = torch.where(torch.rand(count) < strength.flip, -1.0, 1.0)
    theta = torch.zeros(count, 3, 3)
    theta[:, 0, 0] = mirror * zoom * aspect * torch.cos(angle)
    theta[:, 0, 1] = -zoom * torch.sin(angle)
    theta[:, 1, 0] = mirror * zoom * torch.sin(angle)
    theta[:, 1, 1] = zoom / aspect * torch.cos(angle)
    theta[:, :2, 2] = torch.empty(count, 2).uniform_(-1, 1) * strength.shift
    theta[:, 2, :2] = torch.empty(count, 2).uniform_(-1, 1) * strength.tube_angle
    theta[:, 2, 2] = 1
    return theta


def _sample(
    images: Float[Tensor, "n 1 h w"], position: Float[Tensor, "n 3 3"], shape: Sequence[int]
) -> Float[Tensor, "n 1 y x"]:
    rows, columns = shape
    y = (torch.arange(rows, device=images.device) * 2 + 1) / rows - 1
    x = (torch.arange(columns, device=images.device) * 2 + 1) / columns - 1
    vertical, horizontal = torch.meshgrid(y, x, indexing="ij")
    points = torch.stack([horizontal, vertical, torch.ones_like(vertical)], dim=-1)
    mapped = torch.einsum("yxk,njk->nyxj", points, position)
    grid = mapped[..., :2] / mapped[..., 2:]
    return functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)


def _expose(images: Tensor, strength: Augmentation) -> Tensor:
    """Change exposure and processing: apply a gamma curve, then gain and offset."""
    unit = (images + 1) / 2
    drawn = torch.randn(len(images), 1, 1, 1).to(images.device)
    curved = unit.clamp(1e-4, 1) ** torch.exp(drawn * strength.gamma)
    gain = 1 + _uniform(images, -1, 1) * strength.contrast
    offset = _uniform(images, -1, 1) * strength.contrast / 2
    return (curved * 2 - 1) * gain + offset


def _soften(images: Tensor, share: float) -> Tensor:
    """Change the sharpness of a share of the images, between softened (as by a coarser grid) and sharpened."""
    changed = images.clone()
    chosen = _chosen(images, share)
    if not chosen:
        return changed
    part = images[chosen]
    size = part.shape[-1]
    coarse = int(size * float(torch.empty(1).uniform_(0.45, 0.95)))
    small = functional.interpolate(part, size=(coarse, coarse), mode="bilinear", antialias=True)
    soft = functional.interpolate(small, size=(size, size), mode="bilinear")
    # Between fully softened (1) and sharpened by as much again (-0.7), image by image.
    changed[chosen] = part + (soft - part) * _uniform(part, -0.7, 1.0)
    return changed


def _collimate(images: Tensor, share: float) -> Tensor:
    """Darken the edges of a share of the images as collimation does, each edge by up to an eighth of the side."""
    size = images.shape[-1]
    for index in _chosen(images, share):
        top, left, bottom, right = torch.randint(0, max(size // 8, 1), (4,)).tolist()
        level = float(torch.empty(1).uniform_(-1, -0.8))
        for edge in (
            images[index, :, :top],
            images[index, :, size - bottom :],
            images[index, :, :, :left],
            images[index, :, :, size - right :],
        ):
            edge.fill_(level)
    return images


def _mark(images: Tensor, share: float) -> Tensor:
    """Draw a side marker on a share of the images: a small bright letter-like shape in an upper corner."""
    size = images.shape[-1]
    height = max(size // 16, 3)
    for index in _chosen(images, share):
        glyph = torch.rand(5, 3) < 0.55
        glyph[:, 0] = True  # a stem, as in L, R, P
        shape = glyph.float().repeat_interleave(height // 3 or 1, 0).repeat_interleave(height // 3 or 1, 1)
        tall, wide = shape.shape
        top = int(torch.randint(0, size // 5, (1,)))
        left = int(torch.randint(0, size // 5, (1,)))
        left = left if torch.rand(1) < 0.5 else size - wide - left
        level = float(torch.empty(1).uniform_(0.5, 1))
        place = images[index, 0, top : top + tall, left : left + wide]
        place.copy_(torch.where(shape.to(images.device) > 0, level, place))
    return images


def _occlude(images: Tensor, share: float) -> Tensor:
    """Set a rectangle at an edge of a share of the images to one grey, as text and other objects would."""
    size = images.shape[-1]
    for index in _chosen(images, share):
        long = int(torch.randint(size // 10, size // 2, (1,)))
        short = int(torch.randint(max(size // 30, 1), size // 8, (1,)))
        height, width = (long, short) if torch.rand(1) < 0.5 else (short, long)
        if torch.rand(1) < 0.5:  # along the left or right edge, else along the upper or lower
            top = int(torch.randint(0, size - height, (1,)))
            left = 0 if torch.rand(1) < 0.5 else size - width
        else:
            top = 0 if torch.rand(1) < 0.5 else size - height
            left = int(torch.randint(0, size - width, (1,)))
        images[index, :, top : top + height, left : left + width] = float(torch.empty(1).uniform_(-1, 1))
    return images


def _chosen(images: Tensor, share: float) -> list[int]:
    return torch.nonzero(torch.rand(len(images)) < share).flatten().tolist()
