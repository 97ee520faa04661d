"""Reading -> a line of `results.jsonl`, and a row of `results.csv`."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pneumoscope.core import Check, ResultObject
from pneumoscope.results.reading import Reading
from pneumoscope.results.wording import complaint, rounded

ResultLine = dict[str, Any]

_ALWAYS_LISTED = (ResultObject.OVERLAY, ResultObject.SR, ResultObject.SC)

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
    "population_source",
    "view_rule",
    "report_probability",
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Names of the files written for one image, relative to the results folder.

    Attributes:
        files: File name by kind of object.
        notes: Why something is missing or was left out, in words.
    """

    files: Mapping[ResultObject, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def listed(self) -> dict[str, str | None]:
        """Return the file names as a line lists them: overlay, report and capture always, others where written."""
        names = {kind.value.replace("-", "_"): name for kind, name in self.files.items()}
        return {kind.value: None for kind in _ALWAYS_LISTED} | names


def to_line(reading: Reading, outputs: Outputs) -> ResultLine:
    """Return the result as `results.jsonl` holds it: every key always present, None where not analysed.

    Probability and threshold have six decimals, the share of heat outside the lungs three, time one. `reasons` are
    the failed checks, `checks` all of them. `population_source` says why that population's rule decided: the `age`
    in the header, the population that was `given`, or, no age being known, the `default`. `view_rule` is the view
    whose own rule decided, `report_probability` the second output; both None for a model without. `steps` are what led
    from stored values to what was read.
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
        "population_source": decision.population_source.value if decision else None,
        "view_rule": decision.view.value if decision and decision.view else None,
        "report_probability": _six_decimals(decision.report_probability) if decision else None,
        "heat_outside_lungs": None if reading.heat_outside_lungs is None else round(reading.heat_outside_lungs, 3),
        "view": reading.view.value if reading.view else None,
        "model": {
            "name": reading.model.name,
            "version": reading.model.version,
            "sha256": reading.model.sha256,
        },
        "elapsed_ms": round(reading.elapsed_ms, 1),
        "outputs": outputs.listed(),
        "checks": [{**_found(check), "outcome": check.outcome.value} for check in reading.checks],
        "notes": [*reading.notes, *outputs.notes],
        "steps": list(reading.steps),
    }


def _six_decimals(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def to_json(line: ResultLine) -> str:
    """Return the line as one line of JSON with a line end; UTF-8 text stays readable, a lone surrogate is escaped."""
    text = json.dumps(line, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"


def csv_header() -> str:
    """Return the first line of `results.csv`."""
    return ",".join(CSV_COLUMNS) + "\r\n"


def to_csv(reading: Reading, outputs: Outputs) -> str:
    """Return the result as one CSV row; None is an empty cell, reasons and notes are joined by semicolons."""
    line = to_line(reading, outputs)
    flat: dict[str, object] = {
        **line,
        "reasons": "; ".join(complaint(check) for check in reading.reasons),
        "notes": "; ".join([*reading.notes, *outputs.notes]),
        "model_name": reading.model.name,
        "model_version": reading.model.version,
        "model_sha256": reading.model.sha256,
        **outputs.listed(),
    }
    buffer = io.StringIO()
    csv.writer(buffer).writerow([_cell(flat[column]) for column in CSV_COLUMNS])
    return buffer.getvalue()


def _found(check: Check) -> dict[str, str]:
    return {"check": check.name, "expected": check.expected, "found": check.found}


def _cell(value: object) -> object:
    """Return the value, with text that a spreadsheet would run as a formula made inert by an apostrophe.

    Source:
        OWASP, CSV Injection: cells starting with = + - @ tab or carriage return.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value
