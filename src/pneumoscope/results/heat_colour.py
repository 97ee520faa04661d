"""How local suspicion is drawn: one colour map and one opacity, the same in overlay, scale and gallery."""

import numpy as np
from jaxtyping import Float, Float32, UInt8

HEAT_THRESHOLD = 0.5
"""Local suspicion at which the outline is drawn."""

_OPAQUE_FROM, _OPACITY = 0.15, 0.62

# Nine samples of matplotlib's `inferno` from 0.28 to 0.96: even steps in lightness, safe for colour-blind eyes. Its
# darker third is left out, because over a dark radiograph it would darken the anatomy instead of marking it.
_INFERNO = (
    (92, 18, 110),
    (125, 30, 109),
    (157, 42, 99),
    (188, 55, 84),
    (214, 75, 62),
    (234, 104, 37),
    (247, 138, 11),
    (251, 180, 26),
    (244, 225, 86),
)


def heat_rgb(heat: Float32[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """Return the colour of each value in [0, 1].

    Source:
        Van der Walt and Smith, "A Better Default Colormap for Matplotlib", SciPy 2015 (inferno, CC0).
    """
    table = np.array(_INFERNO, dtype=np.float32)
    steps = np.linspace(0.0, 1.0, 256, dtype=np.float32)
    anchors = np.linspace(0.0, 1.0, len(table), dtype=np.float32)
    wide = np.stack([np.interp(steps, anchors, channel) for channel in table.T], axis=1).round().astype(np.uint8)
    return wide[np.clip(heat * 255.0 + 0.5, 0, 255).astype(np.uint8)]


def heat_opacity(heat: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """Return the opacity of each value: none up to 0.15, so that a calm lung stays grey, then rising evenly to 0.62."""
    rise = np.clip((heat - _OPAQUE_FROM) / (1.0 - _OPAQUE_FROM), 0.0, 1.0)
    return (rise * _OPACITY).astype(np.float32)


def blend(grey: UInt8[np.ndarray, "h w"], heat: Float32[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """Return the grey image with the heat map over it."""
    opacity = heat_opacity(heat)[..., None]
    mixed = grey[..., None] * (1.0 - opacity) + heat_rgb(heat) * opacity
    return np.asarray(mixed.round(), dtype=np.uint8)


def outline(heat: Float32[np.ndarray, "h w"], *, softness_px: float) -> Float[np.ndarray, "h w"]:
    """Return the opacity in [0, 1] of a soft line, about `2 * softness_px` wide, around what is above the threshold."""
    from PIL import Image, ImageFilter

    region = Image.fromarray(np.where(heat > HEAT_THRESHOLD, 255, 0).astype(np.uint8))
    inside = np.asarray(region.filter(ImageFilter.GaussianBlur(softness_px)), dtype=np.float32) / 255.0
    line: Float[np.ndarray, "h w"] = np.clip(4.8 * inside * (1.0 - inside), 0.0, 1.0)
    return line
