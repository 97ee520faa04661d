"""What is not a chest radiograph: a hand's film and an axial slice of the chest, for the studies to be refused."""

from itertools import pairwise

import numpy as np
from jaxtyping import Int16

from synthetic_studies.film import Film, attenuation, develop
from synthetic_studies.grid import Grid, Map, Point, ball, hollow_rod, plane, rod, union
from synthetic_studies.texture import blurred, fractal

# Finger by finger from the thumb: joints from the wrist to the tip, cm.
_FINGERS: tuple[tuple[Point, ...], ...] = (
    ((-2.2, 16.0), (-4.6, 12.8), (-6.2, 10.1), (-7.2, 7.8)),
    ((-1.5, 15.2), (-2.6, 9.4), (-3.2, 5.4), (-3.5, 3.1), (-3.6, 1.4)),
    ((-0.4, 15.1), (-0.5, 9.0), (-0.6, 4.6), (-0.6, 2.0), (-0.6, 0.3)),
    ((0.7, 15.2), (1.5, 9.6), (1.9, 5.6), (2.2, 3.2), (2.3, 1.5)),
    ((1.6, 15.5), (3.2, 10.6), (4.3, 7.4), (4.9, 5.6), (5.2, 4.1)),
)
_CARPALS: tuple[Point, ...] = (
    (-1.9, 16.5), (-0.9, 16.3), (0.2, 16.2), (1.3, 16.5), (-1.4, 17.7), (-0.2, 17.7), (0.9, 17.8), (1.6, 17.6),
)  # fmt: skip


def hand_phantom(*, seed: int, size_px: int = 640) -> Map:
    """Draw a synthetic film of a hand: grey values in [0, 1], fingers up."""
    rng = np.random.default_rng(seed)
    grid = plane(size_px=size_px, width_cm=24.0)
    grid = Grid(grid.x_cm - 0.6, grid.y_cm - 1.6, grid.pixel_cm)
    flesh, bone = [], []
    for joints in _FINGERS:
        calibre = 0.62 if joints is not _FINGERS[0] else 0.7
        for start, end in pairwise(joints):
            flesh.append(rod(grid, ends_cm=(start, end), radii_cm=(1.5 * calibre, 1.35 * calibre)))
            bone.append(_long_bone(grid, ends_cm=(start, end), radius_cm=calibre))
            calibre *= 0.84
    flesh.append(ball(grid, centre_cm=(-0.3, 13.2), radii_cm=(4.0, 5.0), depth_cm=2.8))
    flesh.append(0.5 * rod(grid, ends_cm=((-0.3, 15.0), (-0.2, 32.0)), radii_cm=(3.0, 3.3)))
    bone += [ball(grid, centre_cm=at, radii_cm=(0.72, 0.7), depth_cm=0.6) for at in _CARPALS]
    bone.append(0.6 * hollow_rod(grid, ends_cm=((-1.1, 19.7), (-1.0, 32)), radii_cm=(1.15, 0.5), cortex=0.35))
    bone.append(0.7 * hollow_rod(grid, ends_cm=((1.3, 19.4), (1.5, 32)), radii_cm=(0.7, 0.5), cortex=0.35))
    grain = 1 + 0.08 * fractal(rng, shape=grid.x_cm.shape, largest_px=0.3 / grid.pixel_cm, octaves=3)
    # Fewer kilovolts than for a chest: bone stands out more.
    film = Film(soft_per_cm=0.24, bone_per_cm=0.75, black=0.2, white=1.35, scatter=0.05, flattening=0.0)
    soft_cm = union(*flesh, sharpness=6)
    density = attenuation(soft_cm=soft_cm, bone_cm=union(*bone, sharpness=8) * grain, film=film)
    return develop(density, rng, film=film, pixel_cm=grid.pixel_cm)


def axial_slice(*, seed: int, size_px: int = 512) -> Int16[np.ndarray, "h w"]:
    """Draw a synthetic axial CT slice at heart level, Hounsfield units; the patient's left on image right."""
    rng = np.random.default_rng(seed)
    grid = plane(size_px=size_px, width_cm=40.0)
    grid = Grid(grid.x_cm, grid.y_cm - 20, grid.pixel_cm)
    air, fat, muscle, lung, blood, bone = -1000, -100, 50, -840, 45, 420
    slice_hu = np.full(grid.x_cm.shape, air, dtype=np.float32)
    for centre, radii, value in (
        ((0, 0), (17.5, 12.2), fat), ((0, 0), (16.3, 11.1), muscle), ((0, 0), (14.6, 9.6), bone),
        ((0, 0), (14.1, 9.1), muscle), ((-7.0, 0.3), (6.7, 8.4), lung), ((7.0, 0.6), (6.7, 8.1), lung),
        ((2.2, -2.6), (6.3, 5.0), blood), ((-1.6, -1.0), (4.6, 4.4), blood), ((0, 7.0), (2.6, 3.4), muscle),
        ((2.6, 5.2), (1.35, 1.35), blood), ((0, 6.4), (2.0, 1.6), bone), ((0, 8.7), (0.8, 0.8), 20),
        ((0, 10.4), (0.5, 1.2), bone), ((0, -9.4), (2.2, 0.6), bone),
    ):  # fmt: skip
        slice_hu[_inside(grid, centre=centre, radii=radii)] = value
    vessels = fractal(rng, shape=grid.x_cm.shape, largest_px=14, octaves=3) > 2.1
    slice_hu[vessels & (slice_hu == lung)] = 0
    noise = 12 * rng.standard_normal(slice_hu.shape, dtype=np.float32)
    hounsfield: Int16[np.ndarray, "h w"] = np.rint(blurred(slice_hu, 0.9) + blurred(noise, 0.6)).astype(np.int16)
    return hounsfield


def _inside(grid: Grid, *, centre: Point, radii: Point) -> np.ndarray:
    return ball(grid, centre_cm=centre, radii_cm=radii, depth_cm=1) > 0


def _long_bone(grid: Grid, *, ends_cm: tuple[Point, Point], radius_cm: float) -> Map:
    """Draw a phalanx or metacarpal: a hollow shaft between two broader ends, with a gap for the joint's cartilage."""
    (x0, y0), (x1, y1) = ends_cm
    near, far = (x0 + 0.13 * (x1 - x0), y0 + 0.13 * (y1 - y0)), (x0 + 0.88 * (x1 - x0), y0 + 0.88 * (y1 - y0))
    shaft = hollow_rod(grid, ends_cm=(near, far), radii_cm=(0.66 * radius_cm, 0.56 * radius_cm), cortex=0.45)
    ends = [
        ball(grid, centre_cm=at, radii_cm=(size * radius_cm, size * radius_cm), depth_cm=radius_cm)
        for at, size in ((near, 0.9), (far, 0.8))
    ]
    return union(shaft, *ends, sharpness=6)
