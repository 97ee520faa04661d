"""One reading as a card of the HTML gallery."""

import re
from html import escape
from urllib.parse import quote

from pneumoscope.core import Check, Decision, Outcome, ResultObject, Status
from pneumoscope.results.line import Outputs
from pneumoscope.results.reading import Reading
from pneumoscope.results.thumbnail import Thumbnail
from pneumoscope.results.wording import answer, kind, leaning, percent_beside, population, reported

_SYMBOLS = {"suspicious": "\u25b2", "clear": "\u25cb", "uncertain": "?", "refused": "\u2298", "failed": "\u00d7"}
_LINKS = {
    ResultObject.OVERLAY: "Overlay (PNG)",
    ResultObject.SR: "Report (DICOM SR)",
    ResultObject.SC: "Capture (DICOM SC)",
    ResultObject.GSPS: "Presentation state (DICOM GSPS)",
    ResultObject.NOT_ANALYSED: "Not analysed (DICOM SR)",
}


def card(reading: Reading, outputs: Outputs, *, shown: Thumbnail | None, missing: str) -> str:
    """Return the card's HTML; every text from outside is escaped. `missing` says why there is no picture."""
    folder, name = _split(reading.path)
    group = kind(reading.status, reading.decision)
    return "\n".join(
        part
        for part in (
            f'<article class="card {group}" data-kind="{group}">',
            _film(shown, missing=missing),
            '<div class="body">',
            _badge(reading),
            f'<h3>{_text(name)}</h3><p class="path">{_text(folder)}</p>',
            _decision(reading.decision) if reading.decision else _reasons(reading),
            _facts(reading),
            _checks(reading.checks),
            _notes((*reading.notes, *outputs.notes)),
            _links(outputs),
            "</div></article>\n",
        )
        if part
    )


def _film(shown: Thumbnail | None, *, missing: str) -> str:
    if shown is None:
        return f'<div class="film none"><p>{_text(missing)}</p></div>'
    size = f'width="{shown.width_px}" height="{shown.height_px}"'
    heat = f'<img class="heat" alt="" {size} src="{shown.heat}">' if shown.heat else ""
    alt = "Radiograph with heat map" if shown.heat else "Radiograph"
    return f'<div class="film"><div class="stack"><img alt="{alt}" {size} src="{shown.image}">{heat}</div></div>'


def _badge(reading: Reading) -> str:
    words = {
        Status.REFUSED: "Refused: outside the intended use",
        Status.FAILED: "Failed: could not be read",
    }.get(reading.status, "")
    detail = ""
    if decision := reading.decision:
        words = "Uncertain: a person decides" if decision.uncertain else answer(decision)
        detail = f'<span class="leaning">{leaning(decision)}</span>' if decision.uncertain else ""
    symbol = _SYMBOLS[kind(reading.status, reading.decision)]
    return f'<p class="badge"><span class="symbol" aria-hidden="true">{symbol}</span>{words}</p>{detail}'


def _decision(decision: Decision) -> str:
    probability = percent_beside(decision.probability, other=decision.threshold)
    threshold = percent_beside(decision.threshold, other=decision.probability)
    rule = f"{_text(decision.operating_point)}, {population(decision)}"
    return (
        f'<p class="probability"><strong>{escape(probability)}</strong><span>probability of pneumonia</span></p>'
        f'<div class="meter" aria-hidden="true"><span class="fill" style="width:{100 * decision.probability:.2f}%">'
        f'</span><span class="tick" style="left:{100 * decision.threshold:.2f}%"></span></div>'
        f'<p class="threshold">Threshold {escape(threshold)} ({rule})</p>{_reported(decision)}'
    )


def _reported(decision: Decision) -> str:
    words = reported(decision)
    return f'<p class="threshold">{_text(words)}</p>' if words else ""


def _reasons(reading: Reading) -> str:
    items = "".join(
        f"<li><b>{_text(check.title)}</b>: expected {_text(check.expected)}, found {_text(check.found)}</li>"
        for check in reading.reasons
    )
    return f'<p class="threshold">Not analysed. This is not a negative result.</p><ul class="reasons">{items}</ul>'


def _facts(reading: Reading) -> str:
    view = reading.view.value if reading.view else "not stated"
    return f'<p class="facts">View {view} \u00b7 {reading.elapsed_ms:.0f} ms</p>'


def _checks(checks: tuple[Check, ...]) -> str:
    counted = ", ".join(
        f"{count} {outcome.value}" for outcome in Outcome if (count := sum(c.outcome is outcome for c in checks))
    )
    rows = "".join(
        f'<tr class="{check.outcome.value.replace(" ", "-")}"><th scope="row">{_text(check.title)}</th>'
        f"<td>{check.outcome.value}</td><td>{_text(check.expected)}</td><td>{_text(check.found)}</td></tr>"
        for check in checks
    )
    return (
        f"<details><summary>Checks: {counted or 'none made'}</summary><table><thead><tr><th scope=col>Check</th>"
        "<th scope=col>Outcome</th><th scope=col>Expected</th><th scope=col>Found</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></details>"
    )


def _notes(notes: tuple[str, ...]) -> str:
    return "".join(f'<p class="note">{_text(note)}</p>' for note in notes)


def _links(outputs: Outputs) -> str:
    links = [
        f'<a href="{quote(outputs.files[kind])}">{words}</a>' for kind, words in _LINKS.items() if kind in outputs.files
    ]
    return f'<p class="links">{" ".join(links)}</p>' if links else ""


def _split(path: str) -> tuple[str, str]:
    """Return folder or archive, and file name."""
    folder, _, name = path.replace("\\", "/").rpartition("/")
    return folder, name or path


def _text(words: str) -> str:
    """Return the text escaped, with control characters and undecodable bytes made visible."""
    visible = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in words)
    return re.sub(r"([/_-])", r"\1<wbr>", escape(visible))
