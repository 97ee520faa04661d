"""Soft tissue and air of a frontal chest: trunk, lungs, diaphragm, heart and great vessels, airways, stomach."""

from dataclasses import dataclass

import numpy as np

from synthetic_studies.anatomy import Anatomy
from synthetic_studies.grid import Grid, Map, ball, rod, smooth_curve, step, union

# Outlines are distances from the midline in cm, by height in cm below the top of the default field of view.
# They follow a normal adult's film: lung apices at 4, carina at 14, domes at 25 to 27, costophrenic angles at 31.
_TRUNK_WIDTH = smooth_curve(
    (-3, 5.8), (0, 5.6), (1.6, 6.6), (3, 9.4), (4.3, 13.4), (6, 17.0), (9, 17.6), (14, 17.4), (20, 17.2),
    (28, 16.8), (42, 16.2),
)  # fmt: skip
_TRUNK_DEPTH = smooth_curve((-3, 6.2), (1, 6.0), (4, 6.8), (7, 8.6), (10, 10.0), (16, 11.4), (22, 12.0), (42, 12.0))
CHEST_WALL = smooth_curve(
    (3, 7.0), (4.5, 8.0), (6, 9.4), (8, 10.9), (11, 12.3), (15, 13.3), (19, 13.8), (24, 14.1), (29, 14.2), (34, 14.0)
)
_LUNG_MEDIAL = smooth_curve((3, 2.3), (6, 1.7), (8, 1.1), (12, 0.5), (34, 0.4))
_LUNG_DEPTH = smooth_curve((4, 7.0), (6, 9.5), (10, 13.0), (16, 16.4), (22, 17.0), (34, 17.0))
_APEX_Y_CM, _APEX_HEIGHT_CM = 3.9, 3.6
_RIGHT_BORDER = smooth_curve(
    (3, 2.2), (6, 2.3), (9, 2.5), (12, 2.7), (14.5, 2.9), (16.5, 3.2), (18.5, 4.0), (21, 4.7), (23.5, 4.6),
    (26, 3.7), (28, 2.8), (34, 2.2),
)  # fmt: skip
_LEFT_BORDER = smooth_curve(
    (3, 2.3), (6, 2.2), (8.6, 2.4), (12.4, 2.5), (13.6, 3.1), (15, 3.7), (16.5, 4.1), (18.2, 5.0), (20, 6.2),
    (22, 7.5), (24, 8.6), (26, 9.3), (27.5, 9.4), (29, 9.0), (31, 7.5), (34, 5.0),
)  # fmt: skip
_MEDIASTINUM_DEPTH = smooth_curve((3, 5.0), (8, 7.0), (13, 8.5), (17, 10.5), (21, 12.0), (26, 12.0), (34, 9))


@dataclass(frozen=True, slots=True, eq=False)
class Lungs:
    """Ray lengths in cm: `length` in both lungs; `behind_dome` tells where a dome covers them (share in [0, 1])."""

    length: Map
    behind_dome: Map


def trunk(grid: Grid, anatomy: Anatomy) -> Map:
    """Return ray length in everything inside the skin, arms and breasts too."""
    width = _TRUNK_WIDTH(grid.y_cm) * (1 + (anatomy.chest_width - 1) * step(grid.y_cm, start=2, end=8))
    lateral = np.abs(grid.x_cm) / width
    depth = 2 * _TRUNK_DEPTH(grid.y_cm) + (anatomy.wall_cm - 5.0)
    body = depth * np.sqrt(np.clip(1 - lateral**2.8, 0, None))
    limbs = [part for side in (grid, grid.mirrored()) for part in _limb(side, anatomy)]
    length: Map = union(body, *limbs) + _breasts(grid, anatomy)
    return length


def lungs(grid: Grid, anatomy: Anatomy) -> Lungs:
    """Return both lungs, less what diaphragm, heart and mediastinum take from them."""
    left = _one_lung(grid, anatomy, peak_y_cm=26.4)
    right = _one_lung(grid.mirrored(), anatomy, peak_y_cm=25.2)
    space = left.length + right.length
    middle = np.clip(mediastinum(grid, anatomy) / np.maximum(space, 0.5), 0, 1)
    covered = np.maximum(left.behind_dome, right.behind_dome)
    return Lungs(space * (1 - middle * (1 - covered)), covered)


def mediastinum(grid: Grid, anatomy: Anatomy) -> Map:
    """Return ray length in the heart and the great vessels."""
    x_cm, y_cm = grid.x_cm, grid.y_cm - 0.6 * anatomy.diaphragm_rise_cm * -step(grid.y_cm, start=8, end=24)
    heart = 1 + (anatomy.heart_width - 1) * step(y_cm, start=10, end=18)
    left, right = _LEFT_BORDER(y_cm) * heart, _RIGHT_BORDER(y_cm) * heart
    across = (x_cm - (left - right) / 2) / ((left + right) / 2)
    body = _MEDIASTINUM_DEPTH(y_cm) * np.sqrt(np.clip(1 - across * across, 0, None))
    reach = anatomy.unfolded_aorta
    knob = ball(grid, centre_cm=(1.3 + 0.3 * reach, 10.7), radii_cm=(2.1 * reach, 2.0 * reach), depth_cm=6.0)
    part = [((2.2, 11.0), (2.3, 17.0)), ((2.3, 17.0), (1.6, 31.0))]
    descending = [rod(grid, ends_cm=ends, radii_cm=(1.25, 1.2)) for ends in part]
    length: Map = union(body, knob, sharpness=4) + union(*descending)
    return length


def airways(grid: Grid) -> Map:
    """Return ray length in the air of trachea and main bronchi."""
    tubes = (
        (((0.0, -3.0), (0.0, 6.0)), (0.8, 0.85)),
        (((0.0, 6.0), (-0.55, 11.0)), (0.85, 0.85)),
        (((-0.55, 11.0), (-0.3, 13.6)), (0.85, 0.9)),
        (((-0.5, 13.6), (-2.7, 16.4)), (0.7, 0.6)),
        (((-2.7, 16.4), (-3.6, 19.2)), (0.5, 0.35)),
        (((0.0, 13.7), (3.8, 16.4)), (0.6, 0.5)),
    )
    return union(*(rod(grid, ends_cm=ends, radii_cm=radii) for ends, radii in tubes))


def stomach_gas(grid: Grid, anatomy: Anatomy) -> Map:
    """Return ray length in the gas under the left dome, above the level of the stomach's fluid."""
    top_cm = 28.3 - anatomy.diaphragm_rise_cm
    bubble = ball(grid, centre_cm=(5.2, top_cm + 0.9), radii_cm=(anatomy.gas_cm, 1.5), depth_cm=1.5 * anatomy.gas_cm)
    length: Map = bubble * step(grid.y_cm, start=top_cm + 1.8, end=top_cm + 1.1)
    return length


def _one_lung(grid: Grid, anatomy: Anatomy, *, peak_y_cm: float) -> Lungs:
    """Return the lung on the positive side: a stack of rounded cross-sections with a diaphragm dome cut out."""
    lateral, medial = CHEST_WALL(grid.y_cm) * anatomy.chest_width, _LUNG_MEDIAL(grid.y_cm)
    across = (2 * grid.x_cm - lateral - medial) / (lateral - medial)
    cap = np.clip((_APEX_Y_CM + _APEX_HEIGHT_CM - grid.y_cm) / _APEX_HEIGHT_CM, 0, None)
    inside = np.clip(1 - np.abs(across) ** 2.6 - cap**2.2, 0, None)
    space = _LUNG_DEPTH(grid.y_cm) * np.power(inside, 0.55)
    # The dome falls steeply to the costophrenic angle and gently to the heart. Along the ray it widens with the
    # square root of the distance below its top, faster to the front: the posterior recess reaches lowest.
    peak = peak_y_cm - anatomy.diaphragm_rise_cm
    centre = 5.8
    beside = np.where(grid.x_cm > centre, (grid.x_cm - centre) / (lateral - centre + 0.35), (centre - grid.x_cm) / 7)
    beside = np.clip(np.abs(beside), 0, 1)
    fall = np.where(grid.x_cm > centre, 5.4 + 0.5 * anatomy.diaphragm_rise_cm, 1.9)
    below = np.clip(grid.y_cm - peak - fall * (1 - np.power(1 - beside**2.2, 0.62)), 0, None)
    covered = np.minimum(np.sqrt(below / 2.6), 1) * 0.5 + np.minimum(np.sqrt(below / 6.5), 1) * 0.5
    return Lungs(space * (1 - covered), np.where(space > 0, covered, 0))


def _limb(grid: Grid, anatomy: Anatomy) -> tuple[Map, ...]:
    """Return shoulder and upper arm on the positive side."""
    spread, width = anatomy.arm_spread, anatomy.chest_width
    elbow = (22.5 + 9.5 * spread, 55 - 8 * spread)
    shoulder = ball(grid, centre_cm=(16.6 * width, 8.4), radii_cm=(6.0, 5.0), depth_cm=12.0)
    arm = rod(grid, ends_cm=((17.6 * width, 9.0), elbow), radii_cm=(4.9, 4.0))
    return shoulder, arm


def _breasts(grid: Grid, anatomy: Anatomy) -> Map:
    if anatomy.breast_cm <= 0:
        return grid.blank()
    return sum(
        (
            ball(side, centre_cm=(9.4, 22.2), radii_cm=(6.6, 6.2), depth_cm=anatomy.breast_cm)
            * step(side.y_cm, start=16.5, end=25.5)
            for side in (grid, grid.mirrored())
        ),
        grid.blank(),
    )
