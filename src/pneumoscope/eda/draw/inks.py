"""Colours by what they mean, the same in every figure, on light and on dark ground.

The hues are Okabe and Ito's, which people with any colour vision tell apart, darkened or lightened to stand out from
their ground by 3:1 at least (WCAG 2.2, success criterion 1.4.11).
"""

from typing import Literal, get_args

Ink = Literal[
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
]

LIGHT: dict[Ink, str] = {
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
}
DARK: dict[Ink, str] = {
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
}
INKS: tuple[Ink, ...] = get_args(Ink)

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'


def ink_rules(scope: str = "") -> str:
    """CSS of the ink classes: `.f-NAME` fills, `.s-NAME` strokes, with the colour of the variable `--NAME`."""
    return "\n".join(
        f"{scope}.f-{ink} {{ fill: var(--{ink}); }} {scope}.s-{ink} {{ stroke: var(--{ink}); }}" for ink in INKS
    )


def ink_variables(colours: dict[Ink, str]) -> str:
    """CSS declarations of the variables."""
    return " ".join(f"--{ink}: {colour};" for ink, colour in colours.items())
