"""A simpler phantom of the lateral view: enough to be recognised as one, and refused."""

import numpy as np

from synthetic_studies.film import Film, attenuation, develop
from synthetic_studies.grid import Grid, Map, ball, plane, rod, smooth_curve, step, union, value
from synthetic_studies.texture import blurred, fractal
from synthetic_studies.vessels import Branch, tree

# Distances in front of (negative) and behind the middle of the chest, by height (cm): the patient looks to image left.
_SKIN_FRONT = smooth_curve((-3, -4.5), (1, -5), (4, -7.5), (9, -10.8), (16, -12.2), (26, -12.4), (42, -11.5))
_SKIN_BACK = smooth_curve((-3, 5.5), (1, 7.5), (6, 11.2), (13, 12.8), (22, 12.4), (32, 10.8), (42, 9.8))
_LUNG_FRONT = smooth_curve((4, -0.5), (5, -3), (8, -6.6), (14, -9.4), (20, -10.4), (28, -10.4), (36, -9))
_LUNG_BACK = smooth_curve((4, 2.5), (5, 5.6), (8, 8.2), (14, 9.9), (22, 9.8), (30, 8.6), (36, 7.4))
_SPINE = smooth_curve((-3, 1.5), (4, 4.0), (10, 6.6), (16, 7.4), (23, 6.6), (32, 4.2), (42, 2.6))
_BONE_SHARE = 0.5


def lateral_phantom(*, seed: int, size_px: int = 768, width_cm: float = 38.0) -> Map:
    """Draw a synthetic left lateral chest film: grey values in [0, 1], upright, the patient looking to image left."""
    rng = np.random.default_rng(seed)
    grid = plane(size_px=size_px, width_cm=width_cm)
    lung = _lungs(grid)
    root = [Branch((-0.5, 15.5), heading, 0.5) for heading in np.linspace(-2.6, 3.4, 9)]
    vessels = np.minimum(union(*(tree(grid, rng, root=one, smallest_cm=0.06, within=lung) for one in root)), lung / 2)
    heart = union(
        ball(grid, centre_cm=(-4.9, 22.5), radii_cm=(5.0, 5.6), depth_cm=12),
        rod(grid, ends_cm=((-4.6, 18), (-1.2, 11)), radii_cm=(2.6, 1.6)),
        rod(grid, ends_cm=((-0.5, 15.4), (0.8, 16.6)), radii_cm=(1.3, 0.8)),
        sharpness=3,
    ) * step(lung, start=2, end=20)
    trachea = rod(grid, ends_cm=((-1.2, -2), (0.4, 13.5)), radii_cm=(0.75, 0.8))
    aerated = 0.72 * np.clip(lung - heart - vessels, 0, None)
    soft = _body(grid) * (1 + 0.012 * fractal(rng, shape=lung.shape, largest_px=size_px / 6, octaves=5))
    film = Film(white=5.2, black=1.6)
    density = attenuation(soft_cm=np.clip(soft - aerated - trachea, 0, None), bone_cm=_bones(grid), film=film)
    return develop(density, rng, film=film, pixel_cm=grid.pixel_cm)


def _body(grid: Grid) -> Map:
    front, back = _SKIN_FRONT(grid.y_cm), _SKIN_BACK(grid.y_cm)
    across = (2 * grid.x_cm - front - back) / (back - front)
    depth = smooth_curve((-3, 11), (1, 14), (4, 22), (9, 32), (14, 31), (42, 31))(grid.y_cm)
    arms = rod(grid, ends_cm=((-1.0, 7.0), (-6.5, -4.0)), radii_cm=(4.6, 4.2))
    length: Map = depth * np.sqrt(np.clip(1 - np.abs(across) ** 2.8, 0, None)) + arms * step(
        grid.y_cm, start=10, end=-1
    )
    return length


def _lungs(grid: Grid) -> Map:
    """Draw both lungs above their two domes, which stand one behind the other."""
    front, back = _LUNG_FRONT(grid.y_cm), _LUNG_BACK(grid.y_cm)
    across = (2 * grid.x_cm - front - back) / (back - front)
    inside = np.sqrt(np.clip(1 - np.abs(across) ** 3, 0, None)) * step(grid.y_cm, start=3.8, end=5.5)
    total = grid.blank()
    for peak in (25.0, 26.2):
        fall = np.where(grid.x_cm > -3, 7.0, 2.6) * np.clip(np.abs(grid.x_cm + 3) / 12.5, 0, 1) ** 2
        below = np.clip(grid.y_cm - peak - fall, 0, None)
        total += inside * (1 - np.minimum(np.sqrt(below / 2.5), 1))
    length: Map = smooth_curve((4, 6), (10, 9), (18, 11.5), (34, 12))(grid.y_cm) * total
    return length


def _bones(grid: Grid) -> Map:
    """Draw spine, breastbone, ribs of both sides and shoulder blades."""
    total = grid.blank()
    centre, spacing = -1.5, 1.6
    while centre < 42:
        middle = value(_SPINE, at=centre)
        off = np.abs(grid.x_cm - middle - 0.12 * (grid.y_cm - centre))
        body = step(off, start=1.8, end=1.35) * step(
            np.abs(grid.y_cm - centre), start=0.5 * spacing, end=0.33 * spacing
        )
        process = rod(grid, ends_cm=((middle + 2.2, centre), (middle + 4.6, centre + 1.6)), radii_cm=(0.5, 0.4))
        total += 1.1 * body + 0.35 * process
        centre += spacing
        spacing *= 1.035
    for rib in range(10):
        total += _rib_pair(grid, start_y_cm=5.2 + 2.25 * rib)
    breastbone = union(
        rod(grid, ends_cm=((-7.6, 8.2), (-9.9, 13.5)), radii_cm=(0.6, 0.55)),
        rod(grid, ends_cm=((-9.9, 13.5), (-11.1, 23.5)), radii_cm=(0.5, 0.45)),
    )
    blade = rod(grid, ends_cm=((5.0, 7.0), (8.4, 17.5)), radii_cm=(0.7, 0.4))
    return blurred(total + breastbone + 0.4 * blade, 0.08 / grid.pixel_cm)


def _rib_pair(grid: Grid, *, start_y_cm: float) -> Map:
    """Draw the right and the left rib of one level, slanting down to the front; the nearer one is magnified."""
    total = grid.blank()
    for shift in (0.0, 0.7):
        back = value(_LUNG_BACK, at=start_y_cm) + 1.0
        run = (back - grid.x_cm) / 18
        centre = start_y_cm + shift + 7.5 * np.clip(run, 0, 1) ** 1.2
        profile = np.sqrt(np.clip(1 - ((grid.y_cm - centre) / 0.75) ** 4, 0, None))
        total += _BONE_SHARE * 0.6 * profile * step(run, start=0.0, end=0.04) * step(run, start=1.0, end=0.9)
    return total
