"""Whom the phantom shows: every size and position that differs between patients, views and examinations."""

from dataclasses import dataclass, replace

import numpy as np

from pneumoscope.core import InputError, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Anatomy:
    """One patient in front of the detector; the defaults are a lean adult, upright, PA, in full inspiration.

    Attributes:
        field_cm: Side of the square field of view in the patient.
        centre_cm: The patient's midline, right of the image's middle.
        raised_cm: How much higher than by default the chest sits in the field.
        chest_width: Width of thorax and trunk, relative to the default.
        heart_width: Width of the heart's silhouette, relative to the default; magnified in AP.
        unfolded_aorta: How far the aortic knob and arch stand out, relative to the default.
        diaphragm_rise_cm: How much higher than by default both domes stand (less inspiration).
        wall_cm: Soft tissue between skin and ribs, front and back together.
        breast_cm: Thickness of the breasts along the rays; 0 for none.
        clavicle_lift_cm: How much higher and flatter the clavicles lie than by default.
        scapula_shift_cm: How far the scapulae lie towards the spine, over the lungs.
        arm_spread: 1 where the arms are rolled away from the chest (PA), 0 where they hang beside it.
        vessel_calibre: Calibre of the lungs' vessels, relative to the default.
        lung_density: Mean density of aerated lung, g/cm3.
        gas_cm: Half-width of the stomach's gas bubble.
        warp_cm: Amplitude of the slow random bending that makes no two sides alike.
    """

    field_cm: float = 36.5
    centre_cm: float = 0.0
    raised_cm: float = 0.3
    chest_width: float = 1.0
    heart_width: float = 1.0
    unfolded_aorta: float = 1.0
    diaphragm_rise_cm: float = 0.0
    wall_cm: float = 6.0
    breast_cm: float = 0.0
    clavicle_lift_cm: float = 0.0
    scapula_shift_cm: float = 0.0
    arm_spread: float = 1.0
    vessel_calibre: float = 1.2
    lung_density: float = 0.33
    gas_cm: float = 1.6
    warp_cm: float = 0.34


_PA = Anatomy()
_AP = Anatomy(
    field_cm=37.5,
    raised_cm=-0.9,
    heart_width=1.12,
    diaphragm_rise_cm=1.8,
    wall_cm=7.0,
    clavicle_lift_cm=1.1,
    scapula_shift_cm=2.6,
    arm_spread=0.0,
    vessel_calibre=1.25,
    lung_density=0.36,
    gas_cm=1.3,
)


def draw_anatomy(rng: np.random.Generator, view: View) -> Anatomy:
    """Draw a random adult for a frontal view.

    Raises:
        InputError: The view is not frontal.
    """
    if view not in (View.PA, View.AP):
        raise InputError(f"a frontal phantom is PA or AP, got {view}")
    usual = _PA if view is View.PA else _AP

    def about(value: float, spread: float) -> float:
        return value + spread * float(rng.uniform(-1, 1))

    return replace(
        usual,
        field_cm=about(usual.field_cm, 1.0),
        centre_cm=about(usual.centre_cm, 0.4),
        raised_cm=about(usual.raised_cm, 0.5),
        chest_width=about(usual.chest_width, 0.035),
        heart_width=about(usual.heart_width, 0.05),
        unfolded_aorta=about(usual.unfolded_aorta, 0.2),
        diaphragm_rise_cm=about(usual.diaphragm_rise_cm, 0.5),
        wall_cm=about(usual.wall_cm, 0.6),
        breast_cm=float(rng.choice([0.0, 2.5])),
        vessel_calibre=about(usual.vessel_calibre, 0.08),
        gas_cm=about(usual.gas_cm, 0.4),
    )
