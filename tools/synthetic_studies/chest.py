"""The frontal chest phantom."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pneumoscope.core import View
from synthetic_studies.anatomy import Anatomy, draw_anatomy
from synthetic_studies.film import Film, attenuation, develop
from synthetic_studies.grid import Grid, Map, Point, plane, plate, step
from synthetic_studies.skeleton import skeleton
from synthetic_studies.texture import fractal
from synthetic_studies.thorax import airways, lungs, stomach_gas, trunk
from synthetic_studies.vessels import Branch, lung_vessels, tree


class Zone(StrEnum):
    """Part of a lung, from the patient's point of view."""

    RIGHT_UPPER = "right upper zone"
    RIGHT_MIDDLE = "right middle zone"
    RIGHT_LOWER = "right lower zone"
    LEFT_UPPER = "left upper zone"
    LEFT_MIDDLE = "left middle zone"
    LEFT_LOWER = "left lower zone"


@dataclass(frozen=True, slots=True)
class Opacity:
    """An airspace opacity: where it lies, and which share of the air there is replaced, in [0, 1]."""

    zone: Zone
    severity: float = 0.6


_ZONE_CENTRES_CM: dict[Zone, Point] = {
    Zone.RIGHT_UPPER: (-7.6, 10.0),
    Zone.RIGHT_MIDDLE: (-8.4, 16.2),
    Zone.RIGHT_LOWER: (-8.4, 22.4),
    Zone.LEFT_UPPER: (7.6, 10.0),
    Zone.LEFT_MIDDLE: (8.4, 15.6),
    Zone.LEFT_LOWER: (10.4, 22.6),
}
_OPACITY_RADII_CM = (4.2, 3.8)


def chest_phantom(
    *,
    seed: int,
    view: View,
    size_px: int = 1024,
    opacities: tuple[Opacity, ...] = (),
    anatomy: Anatomy | None = None,
    film: Film | None = None,
) -> Map:
    """Draw a synthetic frontal chest radiograph: grey values in [0, 1], upright, the patient's left on image right.

    Without `anatomy` and `film` the seed draws a patient for the view; with them it still draws vessels, textures
    and noise.

    Raises:
        InputError: The view is not frontal.
    """
    rng = np.random.default_rng(seed)
    drawn = draw_anatomy(rng, view)
    anatomy = anatomy or drawn
    film = film or (Film() if view is View.PA else Film(scatter=0.5, detail=0.4))
    detector = plane(size_px=size_px, width_cm=anatomy.field_cm, centre_cm=anatomy.centre_cm)
    grid = _bent(detector, rng, anatomy=anatomy)
    soft_cm = _soft_tissue(grid, rng, anatomy=anatomy, opacities=opacities)
    bone_cm = skeleton(grid, anatomy) + _lead_letter(detector)
    density = attenuation(soft_cm=soft_cm, bone_cm=bone_cm, film=film)
    return develop(density, rng, film=film, pixel_cm=grid.pixel_cm)


def _lead_letter(detector: Grid) -> Map:
    """Draw an "L" of lead beside the patient's left shoulder, as so much bone."""
    x_cm = float(detector.x_cm[0, -1]) - 3.2
    corners = ((0, 0), (0.42, 0), (0.42, 1.7), (1.3, 1.7), (1.3, 2.1), (0, 2.1))
    return 12 * plate(detector, tuple((x_cm + right, 1.4 + down) for right, down in corners))


def _bent(grid: Grid, rng: np.random.Generator, *, anatomy: Anatomy) -> Grid:
    """Return the grid shifted to the patient and slowly bent, so that left and right differ as they do in people."""
    shape = grid.x_cm.shape
    bend = [
        anatomy.warp_cm * fractal(rng, shape=shape, largest_px=9 / grid.pixel_cm, octaves=3, fall=0.4) for _ in range(2)
    ]
    return Grid(grid.x_cm + bend[0], grid.y_cm + bend[1] + np.float32(anatomy.raised_cm), grid.pixel_cm)


def _soft_tissue(grid: Grid, rng: np.random.Generator, *, anatomy: Anatomy, opacities: tuple[Opacity, ...]) -> Map:
    """Return ray length in soft tissue of unit density: the body less the air in lungs, airways and stomach."""
    shape = grid.x_cm.shape
    lung = lungs(grid, anatomy)
    grain = 1 + 0.05 * fractal(rng, shape=shape, largest_px=2.5 / grid.pixel_cm, octaves=6, fall=0.7)
    # Upright, the bases hold more blood than the apices (West et al., J Appl Physiol 19(4), 1964).
    density = anatomy.lung_density * grain * (1 + 0.35 * step(grid.y_cm, start=10, end=26))
    vessels = lung_vessels(grid, rng, lung_cm=lung.length * (1 - lung.behind_dome), calibre=anatomy.vessel_calibre)
    blood = (1 - anatomy.lung_density) * np.minimum(1.4 * vessels, 0.5 * lung.length)
    air = np.clip(lung.length * (1 - density) - blood, 0, None)
    for opacity in opacities:
        air *= 1 - _filling(grid, rng, opacity=opacity)
    body = trunk(grid, anatomy)
    body *= 1 + 0.012 * fractal(rng, shape=shape, largest_px=6 / grid.pixel_cm, octaves=5)
    air += airways(grid) + stomach_gas(grid, anatomy)
    return np.clip(body - air, 0, None)


def _filling(grid: Grid, rng: np.random.Generator, *, opacity: Opacity) -> Map:
    """Return the share of each ray's air that the opacity replaces: fluffy, ill-defined, with faint open bronchi."""
    x_cm, y_cm = _ZONE_CENTRES_CM[opacity.zone]
    distance = np.hypot((grid.x_cm - x_cm) / _OPACITY_RADII_CM[0], (grid.y_cm - y_cm) / _OPACITY_RADII_CM[1])
    cloud = fractal(rng, shape=grid.x_cm.shape, largest_px=3.5 / grid.pixel_cm, octaves=6, fall=0.6)
    mask = step(distance + 0.28 * cloud, start=1.6, end=0.0)
    side = np.sign(x_cm)
    hilum = Branch((x_cm - 3.2 * side, y_cm - 2.6), 0.7 if side > 0 else np.pi - 0.7, 0.14)
    bronchi = tree(grid, rng, root=hilum, smallest_cm=0.07, within=mask)
    share: Map = np.clip(opacity.severity * mask * (1 - np.minimum(0.6 * bronchi, 0.15)), 0, 1)
    return share
