"""Colours by what they mean, the same in every figure, on light and on dark ground.

The hues are Okabe and Ito's, which people with any colour vision tell apart, darkened or lightened to stand out from
their ground by 3:1 at least (WCAG 2.2, success criterion 1.4.11).
"""

from typing import Literal, get_args

Colour = Literal[
    "ground",
    "ink",
    "quiet",
    "rule",
    "pa",
    "ap",
    "lateral",
    "female",
    "male",
    "finding",
    "clear",
    "depth",
    "train",
    "test",
    "measured",
    "compared",
    "third",
]

LIGHT: dict[Colour, str] = {
    "ground": "#ffffff",
    "ink": "#191d23",
    "quiet": "#59626f",
    "rule": "#dde1e7",
    "pa": "#0072b2",
    "ap": "#b87700",
    "lateral": "#4b9c9c",
    "female": "#b0508a",
    "male": "#00825f",
    "finding": "#c63d00",
    "clear": "#737c89",
    "depth": "#2f4f9e",
    "train": "#737c89",
    "test": "#191d23",
    "measured": "#0072b2",
    "compared": "#b87700",
    "third": "#00825f",
}
DARK: dict[Colour, str] = {
    "ground": "#181b21",
    "ink": "#eceef2",
    "quiet": "#a5adba",
    "rule": "#333944",
    "pa": "#56b4e9",
    "ap": "#f0b429",
    "lateral": "#86cfcf",
    "female": "#e39ac4",
    "male": "#41c69c",
    "finding": "#ff8a50",
    "clear": "#98a1ae",
    "depth": "#8eacff",
    "train": "#98a1ae",
    "test": "#eceef2",
    "measured": "#56b4e9",
    "compared": "#f0b429",
    "third": "#41c69c",
}
COLOURS: tuple[Colour, ...] = get_args(Colour)

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'


def colour_rules(scope: str = "") -> str:
    """CSS of the colour classes: `.f-NAME` fills, `.s-NAME` strokes, with the colour of the variable `--NAME`."""
    return "\n".join(
        f"{scope}.f-{name} {{ fill: var(--{name}); }} {scope}.s-{name} {{ stroke: var(--{name}); }}" for name in COLOURS
    )


def colour_variables(colours: dict[Colour, str]) -> str:
    """CSS declarations of the variables."""
    return " ".join(f"--{name}: {value};" for name, value in colours.items())
