"""Refused or failed reading -> picture that says "not analysed", and why, in words."""

import numpy as np
from jaxtyping import UInt8

from pneumoscope.results.panel import font, wrapped
from pneumoscope.results.reading import Reading
from pneumoscope.results.wording import NOT_NEGATIVE, RESEARCH_USE, complaint

_WIDTH_PX, _HEIGHT_PX, _MARGIN = 900, 600, 56
_GROUND, _RULE, _TEXT, _QUIET, _WARNING = (18, 20, 24), (58, 63, 72), (242, 244, 247), (168, 176, 188), (240, 228, 66)
_MOST_REASONS = 4


def notice(reading: Reading) -> UInt8[np.ndarray, "h w 3"]:
    """Draw the notice. Of the header nothing but what a check found is shown: no patient data.

    Raises:
        ValueError: The reading was analysed.
    """
    from PIL import Image, ImageDraw

    if reading.decision is not None:
        raise ValueError(f"expected a reading that was not analysed, found {reading.status}: {reading.path}")
    canvas = Image.new("RGB", (_WIDTH_PX, _HEIGHT_PX), _GROUND)
    draw = ImageDraw.Draw(canvas)
    inner = _WIDTH_PX - 2 * _MARGIN
    draw.text((_MARGIN, 40), "P N E U M O S C O P E", font=font(15), fill=_QUIET)
    draw.rounded_rectangle((_MARGIN, 82, _MARGIN + 7, 164), radius=3, fill=_WARNING)
    draw.text((_MARGIN + 22, 76), "Not analysed", font=font(42), fill=_TEXT, stroke_width=0.5)
    draw.text((_MARGIN + 22, 134), f"Pneumonia was not looked for. {NOT_NEGATIVE}", font=font(22), fill=_TEXT)
    draw.line((_MARGIN, 192, _MARGIN + inner, 192), fill=_RULE)
    y = 212
    for check in reading.reasons[:_MOST_REASONS]:
        for number, words in enumerate(wrapped(complaint(check).replace("_", " "), size=19, width_px=inner - 22)[:3]):
            if number == 0:
                draw.ellipse((_MARGIN + 2, y + 8, _MARGIN + 8, y + 14), fill=_WARNING)
            draw.text((_MARGIN + 22, y), words, font=font(19), fill=_TEXT)
            y += 26
        y += 8
    if more := len(reading.reasons) - _MOST_REASONS:
        words = f"and {more} more, in the report" if more > 0 else ""
        draw.text((_MARGIN + 22, y), words, font=font(19), fill=_QUIET)
    draw.line((_MARGIN, _HEIGHT_PX - 84, _MARGIN + inner, _HEIGHT_PX - 84), fill=_RULE)
    model = f"{reading.model.name} {reading.model.version}"
    draw.text((_MARGIN, _HEIGHT_PX - 62), model, font=font(17), fill=_QUIET)
    draw.text((_MARGIN + inner, _HEIGHT_PX - 62), RESEARCH_USE, font=font(17), fill=_TEXT, anchor="ra")
    return np.asarray(canvas)
