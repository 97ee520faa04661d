"""The report of a run: JSON, Markdown and one HTML page that fetches nothing."""

import json
from html import escape
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.bench.measure import Result

Groups = dict[str, list[Result]]


def write(folder: Path, groups: Groups, *, growth: list[dict[str, Any]], machine: dict[str, Any], busy: float) -> None:
    """Write bench.json, bench.md and bench.html."""
    folder.mkdir(parents=True, exist_ok=True)
    record = {
        "machine": machine,
        "others_share": busy,
        "rows": {name: [one.to_json() for one in results] for name, results in groups.items()},
        "growth": growth,
    }
    (folder / "bench.json").write_text(json.dumps(record, indent=2) + "\n")
    (folder / "bench.md").write_text(markdown(groups, growth=growth, machine=machine, busy=busy))
    (folder / "bench.html").write_text(html(groups, growth=growth, machine=machine, busy=busy))


def cells(result: Result) -> list[str]:
    """Return one row of the table."""
    if result.skipped:
        return [result.name, result.peer, "", "", f"not measured: {result.skipped}", "", ""]
    wanted = "" if result.target is None else f"{result.target:g}"
    met = "" if result.target is None else "met" if result.ratio >= result.target else "missed"
    spread = f"{result.ratio:.2f} [{min(result.ratios):.2f}, {max(result.ratios):.2f}]"
    times = [f"{median(side) * 1000:.2f}" for side in (result.ours, result.theirs)]
    return [result.name, result.peer, *(f"{one} ms per {result.unit}" for one in times), spread, wanted, met]


HEAD = ["what", "peer", "ours", "the peer", "ratio, above 1: ours is faster [range]", "wanted", ""]


def facts(machine: dict[str, Any], busy: float) -> str:
    """Return the machine in one paragraph."""
    versions = ", ".join(f"{name} {found}" for name, found in machine["versions"].items())
    return (
        f"{machine['started']}; {machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB; "
        f"{machine['system']}; Python {machine['python']}; {versions}. "
        f"Other processes took {busy:.0%} of the processors."
    )


def growth_cells(one: dict[str, Any]) -> list[str]:
    """Return one row of the growth table."""
    times = ", ".join(f"{size:,}: {took:.3f} s" for size, took in zip(one["sizes"], one["seconds"], strict=True))
    return [one["job"], times, f"{one['peak_mb'][0]:.0f} to {one['peak_mb'][-1]:.0f} MB", f"{one['exponent']:.2f}"]


GROWTH_HEAD = ["job", "N: time", "peak memory, smallest to largest N", "exponent of time"]


def markdown(groups: Groups, *, growth: list[dict[str, Any]], machine: dict[str, Any], busy: float) -> str:
    """Return the report as Markdown."""
    lines = ["# Benchmark", "", facts(machine, busy), ""]
    for name, results in groups.items():
        lines += [f"## {name}", "", *_table(HEAD, [cells(one) for one in results]), ""]
    if growth:
        lines += ["## Growth", "", *_table(GROWTH_HEAD, [growth_cells(one) for one in growth]), ""]
    return "\n".join(lines)


def html(groups: Groups, *, growth: list[dict[str, Any]], machine: dict[str, Any], busy: float) -> str:
    """Return the report as a page."""
    style = (
        "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
        "table{border-collapse:collapse;width:100%}"
        "td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ccc}"
        "@media(prefers-color-scheme:dark){body{background:#14181c;color:#dde}}"
    )
    parts = [f"<h1>Benchmark</h1><p>{escape(facts(machine, busy))}</p>"]
    tables = [(name, HEAD, [cells(one) for one in results]) for name, results in groups.items()]
    if growth:
        tables.append(("Growth", GROWTH_HEAD, [growth_cells(one) for one in growth]))
    for name, head, rows in tables:
        top = "".join(f"<th>{escape(one)}</th>" for one in head)
        body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        parts.append(f"<h2>{escape(name)}</h2><table><tr>{top}</tr>{body}</table>")
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Benchmark</title>'
        f"<style>{style}</style>{''.join(parts)}</html>\n"
    )


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
