"""Reading -> a line of `results.jsonl`, and a row of `results.csv`."""

import csv
import io
import json

from pneumoscope.core import Check, Reading
from pneumoscope.results.objects import Outputs
from pneumoscope.results.wording import complaint, rounded

ResultLine = dict[str, object]

CSV_COLUMNS = (
    "path",
    "sop_instance_uid",
    "status",
    "positive",
    "uncertain",
    "probability",
    "threshold",
    "operating_point",
    "population",
    "heat_outside_lungs",
    "view",
    "reasons",
    "notes",
    "model_name",
    "model_version",
    "model_sha256",
    "elapsed_ms",
    "overlay",
    "sr",
    "sc",
)


def to_line(reading: Reading, outputs: Outputs) -> ResultLine:
    """The result as `results.jsonl` holds it: every key always present, None where not analysed.

    Probability and threshold have six decimals, the share of heat outside the lungs three, time one. `reasons` are
    the failed checks, `checks` all of them.
    A probability is never rounded across its threshold: `positive` always agrees with the numbers.
    """
    decision = reading.decision
    probability, threshold = (None, None) if decision is None else rounded(decision)
    return {
        "path": reading.path,
        "sop_instance_uid": reading.sop_instance_uid,
        "status": reading.status.value,
        "reasons": [_found(check) for check in reading.reasons],
        "probability": probability,
        "operating_point": decision.operating_point if decision else None,
        "threshold": threshold,
        "positive": decision.positive if decision else None,
        "uncertain": decision.uncertain if decision else None,
        "population": decision.population.value if decision else None,
        "heat_outside_lungs": None if reading.heat_outside_lungs is None else round(reading.heat_outside_lungs, 3),
        "view": reading.view.value if reading.view else None,
        "model": {
            "name": reading.model.name,
            "version": reading.model.version,
            "sha256": reading.model.sha256,
        },
        "elapsed_ms": round(reading.elapsed_ms, 1),
        "outputs": {"overlay": outputs.overlay, "sr": outputs.sr, "sc": outputs.sc},
        "checks": [{**_found(check), "outcome": check.outcome.value} for check in reading.checks],
        "notes": [*reading.notes, *outputs.notes],
    }


def to_json(line: ResultLine) -> str:
    """The line as one line of JSON with a line end; UTF-8 text stays readable, a lone surrogate is escaped."""
    text = json.dumps(line, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"


def csv_header() -> str:
    """First line of `results.csv`."""
    return ",".join(CSV_COLUMNS) + "\r\n"


def to_csv(reading: Reading, outputs: Outputs) -> str:
    """The result as one CSV row; None is an empty cell, reasons and notes are joined by semicolons."""
    line = to_line(reading, outputs)
    flat: dict[str, object] = {
        **line,
        "reasons": "; ".join(complaint(check) for check in reading.reasons),
        "notes": "; ".join([*reading.notes, *outputs.notes]),
        "model_name": reading.model.name,
        "model_version": reading.model.version,
        "model_sha256": reading.model.sha256,
        "overlay": outputs.overlay,
        "sr": outputs.sr,
        "sc": outputs.sc,
    }
    buffer = io.StringIO()
    csv.writer(buffer).writerow([_cell(flat[column]) for column in CSV_COLUMNS])
    return buffer.getvalue()


def _found(check: Check) -> dict[str, str]:
    return {"check": check.name, "expected": check.expected, "found": check.found}


def _cell(value: object) -> object:
    """The value, with text that a spreadsheet would run as a formula made inert by an apostrophe.

    Source:
        OWASP, CSV Injection: cells starting with = + - @ tab or carriage return.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value
