"""The panel beside an overlay: decision, probability against threshold, colour scale, model, limits of use."""

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from pneumoscope.core import Decision, PopulationSource
from pneumoscope.results.heat_colour import HEAT_THRESHOLD, blend
from pneumoscope.results.reading import Reading
from pneumoscope.results.wording import headline, leaning, percent_beside

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

PANEL_WIDTH_PX, PANEL_HEIGHT_PX = 440, 900
"""Width, and least height, of the panel."""

_MARGIN = 36
_INNER = PANEL_WIDTH_PX - 2 * _MARGIN
_GROUND, _RULE, _TRACK = (18, 20, 24), (58, 63, 72), (52, 57, 66)
_TEXT, _QUIET = (242, 244, 247), (168, 176, 188)
# Okabe and Ito's colour-blind-safe orange, sky blue and yellow; the words beside them say the same.
_SUSPICIOUS, _CLEAR, _UNCERTAIN = (230, 159, 0), (86, 180, 233), (240, 228, 66)


def accent(decision: Decision) -> tuple[int, int, int]:
    """Return the colour that goes with the decision; never its only sign."""
    if decision.uncertain:
        return _UNCERTAIN
    return _SUSPICIOUS if decision.positive else _CLEAR


def draw_panel(reading: Reading, *, height_px: int) -> UInt8[np.ndarray, "h w 3"]:
    """Draw the panel, `PANEL_WIDTH_PX` wide.

    Raises:
        ValueError: The reading was not analysed.
    """
    from PIL import Image, ImageDraw

    if reading.decision is None:
        raise ValueError(f"expected an analysed reading, found {reading.status}: {reading.path}")
    canvas = Image.new("RGB", (PANEL_WIDTH_PX, height_px), _GROUND)
    draw = ImageDraw.Draw(canvas)
    y = _decision(draw, reading.decision, top=_MARGIN)
    y = _probability(draw, reading.decision, top=y + 30)
    y = _facts(draw, reading, rule=_rule(reading.decision), top=y + 28)
    if reading.heat is not None:
        _scale(canvas, top=y + 26, bottom=height_px - 146)
    else:
        _told(draw, reading.notes, top=y + 26)
    _warning(draw, bottom=height_px - _MARGIN)
    return np.asarray(canvas)


def _rule(decision: Decision) -> str:
    """Return the operating point and whose it is, short enough for the panel; `population` says more."""
    by_default = decision.population_source is PopulationSource.DEFAULT
    view = "" if decision.view is None else f" {decision.view}"
    return f"{decision.operating_point}, {decision.population}{view}{' (no age)' if by_default else ''}"


def _decision(draw: "ImageDraw", decision: Decision, *, top: int) -> int:
    draw.text((_MARGIN, top), "P N E U M O S C O P E", font=font(15), fill=_QUIET)
    y = start = top + 38
    for words in wrapped(headline(decision), size=34):
        draw.text((_MARGIN + 20, y), words, font=font(34), fill=_TEXT, stroke_width=0.5)
        y += 42
    if leans := leaning(decision):
        for words in wrapped(leans, size=21):
            draw.text((_MARGIN + 20, y + 6), words, font=font(21), fill=_TEXT)
            y += 28
        y += 4
    draw.rounded_rectangle((_MARGIN, start + 4, _MARGIN + 7, y), radius=3, fill=accent(decision))
    return y


def _probability(draw: "ImageDraw", decision: Decision, *, top: int) -> int:
    """Draw a bar from 0 to 1, filled up to the probability, with a tick at the threshold."""
    probability, threshold = decision.probability, decision.threshold
    shown = percent_beside(probability, other=threshold)
    draw.text((_MARGIN, top), "Probability of pneumonia", font=font(18), fill=_QUIET)
    draw.text((_MARGIN, top + 26), shown, font=font(40), fill=_TEXT)
    bar = top + 84
    draw.rounded_rectangle((_MARGIN, bar, _MARGIN + _INNER, bar + 16), radius=4, fill=_TRACK)
    filled = _MARGIN + max(4, round(_INNER * probability))
    draw.rounded_rectangle((_MARGIN, bar, filled, bar + 16), radius=4, fill=accent(decision))
    tick = _MARGIN + round(_INNER * threshold)
    draw.rectangle((tick - 3, bar - 7, tick + 3, bar + 23), fill=_GROUND)
    draw.rectangle((tick - 1, bar - 7, tick + 1, bar + 23), fill=_TEXT)
    label = f"threshold {percent_beside(threshold, other=probability)}"
    width = draw.textlength(label, font=font(18))
    left = min(max(tick - width / 2, _MARGIN), _MARGIN + _INNER - width)
    draw.text((left, bar + 28), label, font=font(18), fill=_TEXT)
    return bar + 52


def _facts(draw: "ImageDraw", reading: Reading, *, rule: str, top: int) -> int:
    model = reading.model
    facts = [
        ("Operating point", rule),
        ("View", reading.view.value if reading.view else "not stated"),
        ("Model", model.name),
        ("Version", model.version),
        ("SHA-256", model.sha256[:12]),
    ]
    draw.line((_MARGIN, top, _MARGIN + _INNER, top), fill=_RULE)
    y = top + 18
    for name, value in facts:
        draw.text((_MARGIN, y), name, font=font(18), fill=_QUIET)
        draw.text((_MARGIN + 140, y), _fitted(draw, value, width=_INNER - 140), font=font(18), fill=_TEXT)
        y += 29
    draw.line((_MARGIN, y + 8, _MARGIN + _INNER, y + 8), fill=_RULE)
    return y + 8


def _scale(canvas: "Image", *, top: int, bottom: int) -> None:
    """Draw the heat's colours over mid grey, exactly as blended over the image, from 1 at the top to 0."""
    from PIL import Image, ImageDraw

    draw = ImageDraw.Draw(canvas)
    draw.text((_MARGIN, top), "Local suspicion", font=font(18), fill=_QUIET)
    bar_top, width = top + 42, 30
    height = min(bottom - bar_top, 230)
    heat = np.repeat(np.linspace(1.0, 0.0, height, dtype=np.float32)[:, None], width, axis=1)
    canvas.paste(Image.fromarray(blend(np.full(heat.shape, 110, dtype=np.uint8), heat)), (_MARGIN, bar_top))
    draw.rectangle((_MARGIN, bar_top, _MARGIN + width - 1, bar_top + height - 1), outline=_RULE)
    for value, words in ((1.0, "1  high"), (HEAT_THRESHOLD, "0.5  white outline"), (0.0, "0  none")):
        y = bar_top + round((1.0 - value) * (height - 1))
        draw.line((_MARGIN + width, y, _MARGIN + width + 8, y), fill=_TEXT)
        draw.text((_MARGIN + width + 18, y), words, font=font(18), fill=_TEXT, anchor="lm")
    y = bar_top + round((1.0 - HEAT_THRESHOLD) * (height - 1))
    draw.line((_MARGIN, y, _MARGIN + width - 1, y), fill=(255, 255, 255), width=2)
    for row, words in enumerate(("What raised the score;", "no outline of disease.")):
        draw.text((_MARGIN + 172, bar_top - 9 + 24 * row), words, font=font(17), fill=_QUIET)


def _told(draw: "ImageDraw", notes: tuple[str, ...], *, top: int) -> None:
    """Write why there is no heat map, where its scale would be."""
    for note in notes:
        for words in wrapped(note[0].upper() + note[1:], size=18, width_px=_INNER):
            draw.text((_MARGIN, top), words, font=font(18), fill=_TEXT)
            top += 25


def _warning(draw: "ImageDraw", *, bottom: int) -> None:
    top = bottom - 74
    draw.rounded_rectangle((_MARGIN, top, _MARGIN + _INNER, bottom), radius=6, outline=_SUSPICIOUS, width=2)
    middle = _MARGIN + _INNER / 2
    draw.text((middle, top + 25), "RESEARCH USE ONLY", font=font(21), fill=_TEXT, anchor="mm", stroke_width=0.4)
    draw.text((middle, top + 52), "not for diagnosis", font=font(18), fill=_TEXT, anchor="mm")


def wrapped(text: str, *, size: int, width_px: float = _INNER - 20) -> list[str]:
    """Return the text in lines of at most that width."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font(size).getlength(longer) <= width_px:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _fitted(draw: "ImageDraw", text: str, *, width: float) -> str:
    """Return the text, cut with an ellipsis where it is wider than there is room."""
    if draw.textlength(text, font=font(18)) <= width:
        return text
    while text and draw.textlength(text + "...", font=font(18)) > width:
        text = text[:-1]
    return text + "..."


@cache
def font(size: int) -> "FreeTypeFont":
    """Return the type face that comes with Pillow (Aileron), so that overlays look the same everywhere."""
    from PIL import ImageFont

    font = ImageFont.load_default(size=size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError(f"expected Pillow with FreeType, found {type(font).__name__}")
    return font
