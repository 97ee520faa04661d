"""A reading as a piece of HTML for notebooks: image, decision and checks, in the colours of the page around it."""

from html import escape

from pneumoscope.core import Check, Decision, Outcome, Status
from pneumoscope.results.reading import Reading
from pneumoscope.results.thumbnail import thumbnail
from pneumoscope.results.wording import (
    HEAT_MEANING,
    NOT_NEGATIVE,
    RESEARCH_USE,
    headline,
    kind,
    leaning,
    percent_beside,
    population,
)

_LONGEST_PX = 360
_ACCENTS = {
    "suspicious": "#d97706",
    "clear": "#0284c7",
    "uncertain": "#a3860a",
    "refused": "#8a8f98",
    "failed": "#dc2626",
}
# Text and lines take the page's own colour, so that light and dark notebooks are served alike.
_STYLE = """
.pneumoscope{display:flex;flex-wrap:wrap;gap:20px;font:14px/1.45 system-ui,sans-serif;color:inherit;max-width:900px;
padding:4px 0}
.pneumoscope .film{position:relative;flex:none;background:#000;border-radius:8px;overflow:hidden;align-self:flex-start}
.pneumoscope .film img{display:block;margin:0;max-width:100%}
.pneumoscope .film img+img{position:absolute;inset:0;width:100%;height:100%}
.pneumoscope .text{flex:1 1 320px;min-width:260px}
.pneumoscope .head{border-left:5px solid var(--accent);padding:1px 0 1px 12px;font-size:19px;font-weight:600}
.pneumoscope .head small{display:block;font-size:13px;font-weight:400;opacity:.75;overflow-wrap:anywhere}
.pneumoscope .number{font-size:30px;font-weight:650;font-variant-numeric:tabular-nums;margin-top:12px}
.pneumoscope .number span{font-size:14px;font-weight:400;opacity:.75}
.pneumoscope .meter{position:relative;height:10px;border-radius:5px;overflow:hidden;margin:6px 0 4px;
background:color-mix(in srgb,currentColor 14%,transparent)}
.pneumoscope .meter i{position:absolute;inset:0 auto 0 0;background:var(--accent)}
.pneumoscope .meter b{position:absolute;top:0;bottom:0;width:2px;background:currentColor}
.pneumoscope p{margin:8px 0}
.pneumoscope .quiet{opacity:.75;font-size:13px}
.pneumoscope ul{margin:8px 0;padding-left:18px}
.pneumoscope summary{cursor:pointer}
.pneumoscope table{border-collapse:collapse;font-size:13px;margin:6px 0;color:inherit;background:none}
.pneumoscope th,.pneumoscope td{text-align:left;padding:3px 14px 3px 0;vertical-align:top;font-weight:400;
border-bottom:1px solid color-mix(in srgb,currentColor 14%,transparent);background:none}
.pneumoscope thead th{opacity:.7}
.pneumoscope .warning{border:1px solid color-mix(in srgb,currentColor 35%,transparent);border-radius:6px;
padding:4px 10px;display:inline-block;font-size:13px}
"""


def reading_html(reading: Reading) -> str:
    """Return self-contained HTML; every text from outside is escaped, and nothing of the patient is shown."""
    accent = _ACCENTS[kind(reading.status, reading.decision)]
    model = f"{reading.model.name} {reading.model.version}"
    body = _decision(reading.decision) if reading.decision else _reasons(reading)
    notes = "".join(f'<p class="quiet">{escape(note[0].upper() + note[1:])}.</p>' for note in reading.notes)
    meaning = f'<p class="quiet">{HEAT_MEANING}</p>' if reading.heat is not None else ""
    return (
        f'<style>{_STYLE}</style><div class="pneumoscope" style="--accent:{accent}">{_film(reading)}<div class="text">'
        f'<div class="head">{escape(_headline(reading))}<small>{escape(reading.path)}</small></div>'
        f"{body}{notes}{meaning}{_checks(reading.checks)}"
        f'<p class="quiet">{escape(model)} · view {reading.view or "not stated"} · {reading.elapsed_ms:.0f} ms</p>'
        f'<p class="warning">{RESEARCH_USE}</p></div></div>'
    )


def _headline(reading: Reading) -> str:
    if reading.decision:
        return headline(reading.decision)
    return "Refused: outside the intended use" if reading.status is Status.REFUSED else "Failed: could not be read"


def _film(reading: Reading) -> str:
    if reading.radiograph is None or reading.radiograph.pixels is None:
        return ""
    shown = thumbnail(reading, reading.radiograph, longest_px=_LONGEST_PX)
    size = f'width="{shown.width_px}" height="{shown.height_px}"'
    heat = f'<img alt="" {size} src="{shown.heat}">' if shown.heat else ""
    alt = "Radiograph with heat map" if shown.heat else "Radiograph"
    return f'<div class="film"><img alt="{alt}" {size} src="{shown.image}">{heat}</div>'


def _decision(decision: Decision) -> str:
    probability = percent_beside(decision.probability, other=decision.threshold)
    threshold = percent_beside(decision.threshold, other=decision.probability)
    side = f"<p>{leaning(decision)}.</p>" if decision.uncertain else ""
    return (
        f'{side}<div class="number">{escape(probability)} <span>probability of pneumonia</span></div>'
        f'<div class="meter"><i style="width:{100 * decision.probability:.2f}%"></i>'
        f'<b style="left:{100 * decision.threshold:.2f}%"></b></div>'
        f'<p class="quiet">Flagged from {escape(threshold)} ({escape(decision.operating_point)}, '
        f"{escape(population(decision))})</p>"
    )


def _reasons(reading: Reading) -> str:
    items = "".join(
        f"<li><b>{escape(one.title)}</b>: expected {escape(one.expected)}, found {escape(one.found)}</li>"
        for one in reading.reasons
    )
    return f"<p>Not analysed. {NOT_NEGATIVE}</p><ul>{items}</ul>"


def _checks(checks: tuple[Check, ...]) -> str:
    counts = {outcome: sum(one.outcome is outcome for one in checks) for outcome in Outcome}
    counted = ", ".join(f"{count} {outcome.value}" for outcome, count in counts.items() if count)
    rows = "".join(
        f"<tr><th>{escape(one.title)}</th><td>{one.outcome.value}</td><td>{escape(one.expected)}</td>"
        f"<td>{escape(one.found)}</td></tr>"
        for one in checks
    )
    head = "".join(f"<th>{title}</th>" for title in ("Check", "Outcome", "Expected", "Found"))
    return (
        f"<details><summary>Checks: {counted}</summary>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></details>"
    )
