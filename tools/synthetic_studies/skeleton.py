"""Bones of a frontal chest: ribs, clavicles, shoulder blades, upper arms, spine and breastbone."""

import numpy as np

from synthetic_studies.anatomy import Anatomy
from synthetic_studies.grid import Grid, Map, ball, hollow_rod, plate, rod, smooth_curve, step, union, value
from synthetic_studies.texture import blurred
from synthetic_studies.thorax import CHEST_WALL

# Rib by rib from the first: height of the rib's neck beside the spine, how far it falls to the side of the chest
# and from there to its front end, distance of its front end from the midline (cm).
_RIBS = (
    (4.5, 1.8, 2.8, 3.2),
    (6.1, 2.6, 4.2, 3.6),
    (7.9, 3.0, 4.8, 4.4),
    (9.9, 3.6, 5.2, 5.0),
    (12.1, 4.1, 5.3, 5.6),
    (14.4, 4.6, 5.2, 6.4),
    (16.8, 5.0, 4.8, 7.6),
    (19.2, 5.4, 4.2, 9.2),
    (21.6, 5.8, 3.2, 11.0),
    (24.1, 6.0, 2.0, 12.4),
    (26.8, 5.8, 0.8, 13.4),
)
_SHELL_DEPTH = 0.7  # front-to-back half-axis of the rib cage, relative to its half-width
# Vertebral bodies from C6 to L2: height of the centre, width, height (cm).
_VERTEBRAE = tuple(
    (height, width, 0.84 * spacing)
    for height, width, spacing in (
        (0.2, 2.5, 1.5), (1.8, 2.6, 1.6), (3.5, 2.8, 1.7), (5.3, 2.9, 1.85), (7.2, 2.9, 1.95), (9.2, 2.9, 2.0),
        (11.2, 2.9, 2.05), (13.3, 2.9, 2.1), (15.4, 3.0, 2.15), (17.6, 3.1, 2.2), (19.9, 3.2, 2.3),
        (22.3, 3.4, 2.4), (24.8, 3.6, 2.55), (27.5, 3.8, 2.7), (30.4, 4.0, 2.9), (33.5, 4.2, 3.1),
        (36.8, 4.3, 3.3), (40.2, 4.4, 3.4),
    )
)  # fmt: skip


def skeleton(grid: Grid, anatomy: Anatomy) -> Map:
    """Length of compact bone on each ray, cm."""
    total = _spine(grid) + 0.35 * _breastbone(grid)
    for side in (grid, grid.mirrored()):
        for rib in range(len(_RIBS)):
            _add_rib(total, side, rib=rib, anatomy=anatomy)
        total += _clavicle(side, anatomy) + _shoulder(side, anatomy)
    return total


def _add_rib(total: Map, grid: Grid, *, rib: int, anatomy: Anatomy) -> None:
    """Add both halves of one rib: a flat strip of an elliptic shell, so that rays meet it edge-on at the side."""
    neck, fall, fall_front, front_end = _RIBS[rib]
    rows, part = grid.rows(neck - 1.8, neck + fall + fall_front + 1.8)
    side = value(CHEST_WALL, at=neck + fall) * anatomy.chest_width + 0.3
    u = np.clip(part.x_cm / side, 0, 1)
    bend = np.sqrt(1 - u * u)
    length = _shell(part.x_cm, side_cm=side, wall_cm=0.6)
    back = neck + fall * (0.6 * (1 - bend) + 0.4 * u**1.6) - 0.35 * np.sin(np.pi * np.clip(3 * u, 0, 1))
    front = neck + fall + fall_front * (0.65 * bend + 0.4 * (1 - u))
    start = step(part.x_cm, start=1.2, end=2.0)
    end = step(part.x_cm, start=front_end - 0.9, end=front_end + 0.6)
    # The slope along the shell, not along its shadow: dx is u's share of the path around the chest.
    along = bend / np.sqrt(bend * bend + (_SHELL_DEPTH * u) ** 2)
    taper = 1 - 0.5 * u**14
    total[rows] += length * start * _strip(part, centre=back, along=along, width_cm=1.35 * taper, rim=0.4)
    total[rows] += 0.5 * length * end * _strip(part, centre=front, along=along, width_cm=1.55 * taper, rim=0.3)


def _shell(x_cm: Map, *, side_cm: float, wall_cm: float) -> Map:
    """Ray length in the bone of one half of an elliptic shell."""

    def half(radius_cm: float) -> Map:
        return _SHELL_DEPTH * np.sqrt(np.clip(radius_cm**2 - x_cm**2, 0, None))

    path: Map = half(side_cm) - half(side_cm - wall_cm)
    length: Map = np.minimum(path, 1.25)
    return length


def _strip(grid: Grid, *, centre: Map, along: Map, width_cm: Map, rim: float) -> Map:
    """Profile across a flat bone that runs along y = centre(x): 1 on its face, denser at its two edges."""
    slope = np.clip(np.gradient(centre, axis=1) / grid.pixel_cm * along, -1.5, 1.5)
    off = np.abs(grid.y_cm - centre) / np.sqrt(1 + slope * slope) / (width_cm / 2)
    face = np.sqrt(np.clip(1 - off**4, 0, None))
    profile: Map = face * (1 - rim + 1.4 * rim * np.exp(-(((off - 0.88) / 0.16) ** 2)))
    return profile


def _clavicle(grid: Grid, anatomy: Anatomy) -> Map:
    lift = anatomy.clavicle_lift_cm
    height = smooth_curve(
        (1.4, 8.3 - 1.4 * lift), (3.5, 7.9 - 1.3 * lift), (6, 7.0 - 1.0 * lift), (9, 6.3 - 0.7 * lift),
        (12, 5.9 - 0.4 * lift), (16, 5.2),
    )  # fmt: skip
    half_cm = smooth_curve((1.4, 0.95), (3, 0.75), (7, 0.58), (11, 0.6), (14, 0.7), (16, 0.75))
    rows, part = grid.rows(2.5, 10.5)
    total = grid.blank()
    reach = step(part.x_cm, start=1.2, end=1.8) * step(part.x_cm, start=17.2, end=14.6)
    off = (part.y_cm - height(part.x_cm)) / half_cm(part.x_cm)
    outer, marrow = np.sqrt(np.clip(1 - off**2, 0, None)), np.sqrt(np.clip(1 - (off / 0.72) ** 2, 0, None))
    total[rows] = reach * half_cm(part.x_cm) * (1.5 * outer - 0.75 * marrow)
    return total


def _shoulder(grid: Grid, anatomy: Anatomy) -> Map:
    """Shoulder blade with its thick margins, and upper arm."""
    inwards, width = anatomy.scapula_shift_cm, anatomy.chest_width
    joint = (16.0 * width - 0.2 * inwards, 8.8)
    tip, upper = (15.0 - 0.8 * inwards, 19.6), (12.4 - inwards, 7.2)
    blade = plate(grid, (joint, tip, (tip[0] - 0.7, tip[1] - 0.4), (12.4 - inwards, 10.5), upper))
    margin = rod(grid, ends_cm=(joint, tip), radii_cm=(0.6, 0.38))
    spine = rod(grid, ends_cm=((12.4 - inwards, 9.4), (16.6 * width, 5.9)), radii_cm=(0.25, 0.65))
    coracoid = rod(grid, ends_cm=((14.6 * width, 8.4), (13.4 * width, 8.0)), radii_cm=(0.6, 0.5))
    socket = hollow_rod(grid, ends_cm=((15.9 * width, 7.8), (15.9 * width, 10.4)), radii_cm=(0.5, 0.6), cortex=0.4)
    shaft_end = (22.5 + 9.5 * anatomy.arm_spread, 55 - 8 * anatomy.arm_spread)
    head = ball(grid, centre_cm=(18.1 * width, 8.9), radii_cm=(2.3, 2.5), depth_cm=0.9)
    shaft = hollow_rod(grid, ends_cm=((18.5 * width, 8.6), shaft_end), radii_cm=(1.6, 1.0), cortex=0.32)
    shaft *= 0.7 * step(grid.y_cm, start=9.0, end=12.5)
    bones = 0.4 * blade + 0.5 * margin + 0.3 * spine + 0.35 * coracoid + 0.45 * socket
    length: Map = blurred(bones, 0.1 / grid.pixel_cm) + union(head, shaft)
    return length


def _spine(grid: Grid) -> Map:
    total = grid.blank()
    for centre, width, height in _VERTEBRAE:
        rows, part = grid.rows(centre - height, centre + height)
        u, v = 2 * part.x_cm / width, 2 * (part.y_cm - centre) / height
        waist = 1 - 0.07 * (1 - np.clip(v * v, 0, 1))
        body = step(np.abs(u) / waist, start=1.03, end=0.93) * step(np.abs(v), start=1.12, end=0.86)
        plates = np.exp(-(((np.abs(v) - 0.93) / 0.1) ** 2)) * step(np.abs(u), start=1.03, end=0.9)
        sides = np.exp(-(((np.abs(u) / waist - 0.93) / 0.07) ** 2)) * step(np.abs(v), start=1.0, end=0.9)
        eye = ((np.abs(u) - 0.68) / 0.2) ** 2 + ((v + 0.25) / 0.34) ** 2
        pedicles = np.exp(-(((np.sqrt(eye) - 1) / 0.28) ** 2))
        process = rod(part, ends_cm=((0, centre + 0.1 * height), (0, centre + 0.6 * height)), radii_cm=(0.3, 0.38))
        wings = rod(
            part,
            ends_cm=((-0.95 * width, centre - 0.35 * height), (0.95 * width, centre - 0.35 * height)),
            radii_cm=(0.32, 0.32),
        )
        total[rows] += 0.38 * body + 0.08 * plates + 0.09 * sides + 0.24 * pedicles + 0.42 * process + 0.18 * wings
    return blurred(total, 0.09 / grid.pixel_cm)


def _breastbone(grid: Grid) -> Map:
    half_cm = smooth_curve((7.6, 1.6), (8.6, 2.9), (10.2, 2.5), (12.4, 1.5), (15, 1.8), (20, 2.1), (24, 1.2))
    inside = step(np.abs(grid.x_cm) / half_cm(grid.y_cm), start=1.05, end=0.9)
    length: Map = inside * step(grid.y_cm, start=7.6, end=8.2) * step(grid.y_cm, start=24.2, end=23.4)
    return length
