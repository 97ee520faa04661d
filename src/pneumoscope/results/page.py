"""The gallery's page around its cards: head, summary, filter, end."""

from collections.abc import Mapping
from html import escape
from importlib.resources import files

from pneumoscope.core import ModelIdentity
from pneumoscope.results.reading import ModelSummary
from pneumoscope.results.wording import HEAT_MEANING, RESEARCH_USE

_FILTERS = {
    "all": "All",
    "suspicious": "Suspicious",
    "clear": "Not suspicious",
    "uncertain": "Uncertain",
    "refused": "Refused",
    "failed": "Failed",
}
# Nothing may be fetched, whatever a file name smuggles in: W3C, Content Security Policy Level 3.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def page_start(summary: ModelSummary) -> str:
    """Return everything above the summary."""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>Pneumoscope results</title>
<style>
{_asset("page.css")}</style></head>
<body><a class="skip" href="#results">Skip to the results</a>
<p class="banner">{RESEARCH_USE}. Neither refused nor failed means negative.</p>
<header class="head"><h1>Pneumoscope results</h1>
<p class="model">{escape(summary.intended_use)} Model licence: {escape(summary.licence)}</p>
"""


def page_summary(
    counts: Mapping[str, int], *, model: ModelIdentity | None, operating_points: list[str], state: str
) -> str:
    """Return the counts so far and the filter buttons with their numbers; at most 4,096 bytes of UTF-8."""
    total = counts.get("all", 0)
    refused, failed = counts.get("refused", 0), counts.get("failed", 0)
    read = f"{total - refused - failed} of {total} image{'' if total == 1 else 's'} analysed"
    found = (
        f"{counts.get('suspicious', 0)} suspicious, {counts.get('clear', 0)} not suspicious, "
        f"{counts.get('uncertain', 0)} uncertain; {refused} refused, {failed} failed"
    )
    identity = ""
    if model:
        identity = f"Model {_short(model.name)} {_short(model.version)}, SHA-256 {model.sha256[:12]}"
        if operating_points:
            identity += f"; operating point {', '.join(map(_short, operating_points[:3]))}"
    buttons = "".join(
        f'<button type="button" data-show="{kind}" aria-pressed="{"true" if kind == "all" else "false"}">{words} '
        f"<b>{counts.get(kind, 0)}</b></button>"
        for kind, words in _FILTERS.items()
    )
    return (
        f'<p class="lead"><strong>{read}</strong>: {found}.</p>\n<p class="model">{identity}</p>\n'
        f"{f'<p><strong>{escape(state)}</strong></p>' if state else ''}</header>\n"
        f'<div class="toolbar"><div><div class="filters" role="group" aria-label="Show">{buttons}</div>'
    )


def page_toolbar_end() -> str:
    """Return everything from the filter buttons to the first card."""
    return """
<label class="slider">Heat map <input id="heat" type="range" min="0" max="100" value="100"></label>
<span class="hidden" id="shown" role="status"></span></div></div>
<main id="results" tabindex="-1"><h2 class="hidden">Results, in the order of the inputs</h2><div class="grid">
"""


def page_end() -> str:
    """Return everything after the last card."""
    return f"""</div></main>
<footer><p><span class="of-heat">{HEAT_MEANING} Its colours run from violet (some local suspicion) over red to yellow
(most).</span> An uncertain result counts neither as suspicious nor as not suspicious: a person decides.
{RESEARCH_USE}.</p></footer>
<script>
{_asset("page.js")}</script></body></html>
"""


def _asset(name: str) -> str:
    return files("pneumoscope.results").joinpath(name).read_text("utf-8")


def _short(text: str) -> str:
    return escape(text if len(text) <= 60 else text[:59] + "\N{HORIZONTAL ELLIPSIS}")
