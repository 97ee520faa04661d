"""From tissue on each ray to grey values: attenuation, scatter, quantum noise, blur, and the display's response."""

from dataclasses import dataclass

import numpy as np

from synthetic_studies.grid import Map
from synthetic_studies.texture import blurred


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """One exposure and its processing; the defaults are a digital chest film at about 120 kVp with a grid.

    Attributes:
        soft_per_cm: Linear attenuation of soft tissue, 1/cm, at the beam's effective energy.
        bone_per_cm: The same for compact bone.
        scatter: Scattered photons that reach the detector, relative to the primary ones that make them.
        scatter_cm: Deviation of the scatter's spread.
        photons_per_mm2: Detected photons without a patient.
        blur_mm: Deviation of the detector's blur.
        flattening: Share of the large-scale density that the processing takes away, in [0, 1).
        flattening_cm: What counts as large-scale.
        detail: Gain of fine detail; 0 for none.
        black: Optical density (natural log of attenuation) that the display shows in mid-black.
        white: The density that it shows in mid-white.
    """

    soft_per_cm: float = 0.19
    bone_per_cm: float = 0.52
    scatter: float = 0.3
    scatter_cm: float = 2.2
    photons_per_mm2: float = 1.0e6
    blur_mm: float = 0.3
    flattening: float = 0.1
    flattening_cm: float = 3.5
    detail: float = 0.65
    black: float = 1.0
    white: float = 4.5


def attenuation(*, soft_cm: Map, bone_cm: Map, film: Film) -> Map:
    """Natural log of the attenuation on each ray, from ray lengths; bone replaces soft tissue.

    Source:
        Beer and Lambert's law; coefficients near 60 keV, Hubbell and Seltzer, NISTIR 5632, 1995.
    """
    return film.soft_per_cm * soft_cm + (film.bone_per_cm - film.soft_per_cm) * bone_cm


def develop(density: Map, rng: np.random.Generator, *, film: Film, pixel_cm: float) -> Map:
    """Grey values in [0, 1], 0 black (air) and 1 white (bone), from attenuation on each ray."""
    primary = np.exp(-density)
    source = primary * (1 - np.exp(-density / 1.5))
    signal = primary + film.scatter * blurred(source, film.scatter_cm / pixel_cm)
    photons = signal * np.float32(film.photons_per_mm2 * (10 * pixel_cm) ** 2)
    noise = rng.standard_normal(signal.shape, dtype=np.float32) / np.sqrt(photons)
    seen = -np.log(signal) + noise
    seen = blurred(seen, max(film.blur_mm / 10 / pixel_cm, 0.35))
    return _displayed(seen, film=film, pixel_cm=pixel_cm)


def _displayed(density: Map, *, film: Film, pixel_cm: float) -> Map:
    """Dynamic-range compression, edge enhancement, and an S-shaped curve between black and white."""
    large = blurred(np.clip(density, 0.5 * film.black, None), film.flattening_cm / pixel_cm)
    level = (film.black + film.white) / 2
    fine = 0.4 * (density - blurred(density, 0.2 / pixel_cm)) + 0.6 * (density - blurred(density, 1.0 / pixel_cm))
    shown = density - film.flattening * (large - level) + film.detail * fine
    slope = 2 * np.log(9.0) / (film.white - film.black)
    grey: Map = (1 / (1 + np.exp(-slope * (shown - level)))).astype(np.float32)
    return grey
